// Shapes: B batch, P patches, R removed patches, p patch side.
import Torch
import ViCHA

extension PretrainingModel {
    /// Scores images against texts with the pretrained weights, without any fine-tuning.
    public var retrieval: RetrievalScorer {
        RetrievalScorer(
            encoders: parts.online, projections: parts.projections, matchingHead: parts.matchingHead
        )
    }

    /// Pixels that masked image modelling gives for removed patches, beside the image with those
    /// patches in grey.
    ///
    /// The model predicts each patch relative to the patch's own mean and variance, which are taken
    /// from the image, as is usual for showing such predictions (He et al. 2022).
    ///
    /// - Parameters:
    ///   - images: normalised pixels. `[B, 3, H, W]`
    ///   - mask: the removed patches
    /// - Returns: the images with their removed patches empty (0), and restored, both
    ///   `[B, 3, H, W]`; nil for a model without a decoder of its own.
    public func restoredImages(_ images: Tensor, _ mask: PatchMask) -> (
        masked: Tensor, restored: Tensor
    )? {
        guard let decoder = parts.decoder else { return nil }
        return withInferenceMode {
            let encoded = parts.online.vision.encode(
                patches: parts.online.vision.patches(of: images), keep: mask.kept)
            guard let prediction = decoder.unimodalPrediction(encoded, mask) else { return nil }
            return decoder.images(of: prediction, images, mask)
        }
    }
}
