// Shapes: B batch, E feature width, Q queue length.
import Torch

/// Contrastive alignment of image and text features with a momentum teacher (Li et al. 2021,
/// section 3.2; ViCHA equation 1).
public enum ImageTextContrastive {
    /// The loss, and the similarities inside the batch that hard negatives are drawn from.
    public struct Output: Sendable {
        /// Scalar.
        public let loss: Tensor
        /// Scaled similarities of images (rows) to texts. `[B, B]`
        public let imageToText: Tensor
        /// Scaled similarities of texts (rows) to images. `[B, B]`
        public let textToImage: Tensor
    }

    /// Two-way soft cross entropy of online features against momentum features of the batch and
    /// the queue.
    ///
    /// - Parameters:
    ///   - image: normalised online image features. `[B, E]`
    ///   - text: normalised online text features. `[B, E]`
    ///   - momentumImage: normalised momentum image features, without gradient. `[B, E]`
    ///   - momentumText: normalised momentum text features, without gradient. `[B, E]`
    ///   - imageQueue: earlier momentum image features, as columns. `[E, Q]`
    ///   - textQueue: earlier momentum text features, as columns. `[E, Q]`
    ///   - temperature: scalar
    ///   - alpha: share of the momentum model's distribution in the targets; 0 is no distillation
    ///   - matches: true where a row and a column show the same image; nil means that row i has
    ///     column i alone. `[B, B + Q]`
    public static func loss(
        image: Tensor, text: Tensor, momentumImage: Tensor, momentumText: Tensor,
        imageQueue: Tensor, textQueue: Tensor, temperature: Tensor, alpha: Double,
        matches: Tensor? = nil
    ) -> Output {
        let imageKeys = Tensor.concatenated(
            [momentumImage.transposed(0, 1), imageQueue], dimension: 1)
        let textKeys = Tensor.concatenated(
            [momentumText.transposed(0, 1), textQueue], dimension: 1)
        let imageToText = image.matmul(textKeys) / temperature
        let textToImage = text.matmul(imageKeys) / temperature
        let (imageTargets, textTargets) = withoutGradient {
            (
                (momentumImage.matmul(textKeys) / temperature).softmax(dimension: 1),
                (momentumText.matmul(imageKeys) / temperature).softmax(dimension: 1)
            )
        }
        let loss =
            (distilled(imageToText, teacher: imageTargets, alpha, matches)
                + distilled(textToImage, teacher: textTargets, alpha, matches)) / 2
        let batch = image.size(0)
        return Output(
            loss: loss, imageToText: imageToText.slice(1, 0..<batch),
            textToImage: textToImage.slice(1, 0..<batch))
    }

    /// Mean cross entropy against α·teacher + (1 − α)·hard, where hard targets are uniform over the
    /// matches of a row.
    private static func distilled(
        _ logits: Tensor, teacher: Tensor, _ alpha: Double, _ matches: Tensor?
    ) -> Tensor {
        let logProbabilities = logits.to(dtype: .float32).logSoftmax(dimension: 1)
        let soft = (logProbabilities * teacher).sum(1)
        let hard: Tensor
        if let matches = matches?.to(dtype: .float32) {
            hard = (logProbabilities * (matches / matches.sum(1, keep: true))).sum(1)
        } else {
            let rows = Tensor.range(0..<logits.size(0), device: logits.device).unsqueezed(1)
            hard = logProbabilities.gather(1, rows).squeezed(1)
        }
        return -(soft * alpha + hard * (1 - alpha)).mean()
    }
}
