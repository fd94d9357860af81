// Shapes: B batch, P patches, K kept patches, R = P − K removed patches, D width, p patch side.
import Torch

/// The random choice of the patches that masked image modelling removes.
public struct PatchMask: Sendable {
    /// Order of the patches: the first K are kept, the others removed. int64 `[B, P]`
    public let shuffle: Tensor
    /// The inverse of `shuffle`. int64 `[B, P]`
    public let restore: Tensor
    /// Number K of kept patches.
    public let keptCount: Int

    /// Keeps the patches with the least noise. `noise` `[B, P]`
    public init(noise: Tensor, ratio: Double) {
        shuffle = noise.argsort(1)
        restore = shuffle.argsort(1)
        keptCount = Self.keptCount(of: noise.size(1), ratio: ratio)
    }

    /// Patches that are kept of some, cut to a whole number as in the official code.
    public static func keptCount(of patches: Int, ratio: Double) -> Int {
        Int(Double(patches) * (1 - ratio))
    }

    private init(shuffle: Tensor, restore: Tensor, keptCount: Int) {
        self.shuffle = shuffle
        self.restore = restore
        self.keptCount = keptCount
    }

    /// The same on another device.
    public func to(device: Device) -> PatchMask {
        PatchMask(
            shuffle: shuffle.to(device: device), restore: restore.to(device: device),
            keptCount: keptCount)
    }

    /// The kept patches. int64 `[B, K]`
    public var kept: Tensor { shuffle.slice(1, 0..<keptCount) }
    /// The removed patches. int64 `[B, R]`
    public var removed: Tensor { shuffle.slice(1, keptCount...) }
}

/// Restores a sequence of all patches and predicts the pixels of the removed ones
/// (He et al. 2022, with the class slot kept).
public struct MaskedImageDecoder: Sendable {
    private let maskToken: Tensor
    private let projection: Linear
    private let unimodal: Unimodal?
    private let unimodalProjection: Linear?
    private let patchSize: Int

    /// The decoder blocks of the unimodal variant.
    private struct Unimodal: Sendable {
        let positionEmbedding: Tensor
        let embed: Linear
        let blocks: [TransformerBlock]
        let norm: LayerNorm
    }

    /// The tensors at the root of the state dictionary; declared first, as in the official model.
    public struct RootTensors {
        let maskToken: Tensor
        let positionEmbedding: Tensor?

        /// Declares `mask_token`, and for a decoder of its own `decoder_pos_embed`.
        public init(
            _ scope: ParameterScope, _ c: ModelConfiguration, _ objective: MaskedImageObjective
        ) {
            let hasDecoder = objective != .crossModal
            maskToken = scope.parameter(
                "mask_token", [1, 1, hasDecoder ? c.decoderWidth : c.vision.width], .zeros)
            let grid = c.vision.grid
            positionEmbedding =
                hasDecoder
                ? scope.frozen.parameter(
                    "decoder_pos_embed", [1, 1 + grid * grid, c.decoderWidth],
                    .values(PositionEmbedding.sineCosine(width: c.decoderWidth, grid: grid)))
                : nil
        }
    }

    /// Declares all other weights.
    public init(
        _ scope: ParameterScope, _ c: ModelConfiguration, _ objective: MaskedImageObjective,
        _ root: RootTensors
    ) {
        patchSize = c.vision.patchSize
        let pixels = 3 * patchSize * patchSize
        maskToken = root.maskToken
        projection = Linear(
            scope["mae_proj"], objective == .crossModal ? c.vision.width : c.decoderWidth, pixels)
        unimodalProjection =
            objective == .both ? Linear(scope["mae_proj_uni"], c.decoderWidth, pixels) : nil
        unimodal = root.positionEmbedding.map { table in
            Unimodal(
                positionEmbedding: table,
                embed: Linear(scope["decoder_embed"], c.vision.width, c.decoderWidth),
                blocks: (0..<c.decoderDepth).map {
                    TransformerBlock(
                        scope["decoder_blocks"][$0], width: c.decoderWidth, heads: c.decoderHeads,
                        mlpRatio: c.vision.mlpRatio, epsilon: 1e-6, initial: nil)
                },
                norm: LayerNorm(scope["decoder_norm"], c.decoderWidth, epsilon: 1e-5))
        }
    }

    /// Predicted pixels of the removed patches by the decoder of its own, nil where there is none.
    /// `encoded` `[B, 1 + K, D]` → `[B, R, p·p·3]`
    public func unimodalPrediction(_ encoded: Tensor, _ mask: PatchMask) -> Tensor? {
        guard let unimodal else { return nil }
        var tokens = restored(unimodal.embed(encoded), mask) + unimodal.positionEmbedding
        for block in unimodal.blocks { tokens = block(tokens) }
        let removed = unimodal.norm(removedTokens(tokens, mask))
        return (unimodalProjection ?? projection)(removed)
    }

    /// Predicted pixels of the removed patches from what the fusion layers make of
    /// ``restored(_:_:)``. `[B, 1 + P, D]` → `[B, R, p·p·3]`
    public func crossModalPrediction(_ fused: Tensor, _ mask: PatchMask) -> Tensor {
        projection(removedTokens(fused, mask))
    }

    /// Kept tokens in their places, the mask token in all others. `[B, 1 + K, D]` → `[B, 1 + P, D]`
    public func restored(_ encoded: Tensor, _ mask: PatchMask) -> Tensor {
        let removedCount = mask.restore.size(1) - mask.keptCount
        let fill = maskToken.to(dtype: encoded.dtype).expanded(encoded.size(0), removedCount, -1)
        let patches = Tensor.concatenated([encoded.slice(1, 1...), fill], dimension: 1)
            .gather(1, mask.restore.unsqueezed(-1))
        return .concatenated([encoded.slice(1, 0..<1), patches], dimension: 1)
    }

    private func removedTokens(_ tokens: Tensor, _ mask: PatchMask) -> Tensor {
        tokens.slice(1, 1...).gather(1, mask.removed.unsqueezed(-1))
    }

    /// The pixels of the removed patches, each patch normalised by its own mean and variance.
    /// `[B, 3, H, W]` → `[B, R, p·p·3]`, pixels in the order row, column, channel
    public func target(_ images: Tensor, _ mask: PatchMask) -> Tensor {
        let patches = pixels(of: images).gather(1, mask.removed.unsqueezed(-1))
        let (mean, deviation) = Self.statistics(patches)
        return (patches - mean) / deviation
    }

    /// Images whose removed patches are empty, and the same with predicted patches, brought back to
    /// the mean and variance of what was removed. `[B, R, p·p·3]` → 2 × `[B, 3, H, W]`
    public func images(of prediction: Tensor, _ images: Tensor, _ mask: PatchMask) -> (
        masked: Tensor, restored: Tensor
    ) {
        let patches = pixels(of: images)
        let removed = patches.gather(1, mask.removed.unsqueezed(-1))
        let kept = patches.gather(1, mask.kept.unsqueezed(-1))
        let (mean, deviation) = Self.statistics(removed)
        func image(_ filling: Tensor) -> Tensor {
            let all = Tensor.concatenated([kept, filling], dimension: 1)
                .gather(1, mask.restore.unsqueezed(-1))
            let (b, h, w) = (images.size(0), images.size(2) / patchSize, images.size(3) / patchSize)
            return all.reshaped(b, h, w, patchSize, patchSize, 3).permuted(0, 5, 1, 3, 2, 4)
                .reshaped(b, 3, images.size(2), images.size(3))
        }
        return (image(removed * 0), image(prediction * deviation + mean))
    }

    /// Patches of images, their pixels in the order row, column, channel.
    /// `[B, 3, H, W]` → `[B, P, p·p·3]`
    private func pixels(of images: Tensor) -> Tensor {
        let (b, h, w) = (images.size(0), images.size(2) / patchSize, images.size(3) / patchSize)
        return images.reshaped(b, 3, h, patchSize, w, patchSize)
            .permuted(0, 2, 4, 3, 5, 1).reshaped(b, h * w, 3 * patchSize * patchSize)
    }

    /// Mean and deviation of each patch, the latter away from zero. `[B, R, p·p·3]` → 2 × `[B, R, 1]`
    private static func statistics(_ patches: Tensor) -> (mean: Tensor, deviation: Tensor) {
        (
            patches.mean(-1, keep: true),
            (patches.variance(-1, keep: true) + 1e-6).sqrt()
        )
    }
}
