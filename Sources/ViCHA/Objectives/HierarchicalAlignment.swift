// Shapes: B batch, E feature width.
import Torch

/// Contrastive alignment of intermediate layers inside a batch (ViCHA section 3.1, equation 2).
public enum HierarchicalAlignment {
    /// The weighted sum over layers of two-way InfoNCE with hard targets.
    ///
    /// - Parameters:
    ///   - image: normalised image features of each layer, `[B, E]`
    ///   - text: normalised text features of each layer, `[B, E]`
    ///   - weights: one for each layer
    ///   - temperature: scalar
    ///   - compatibility: `official` lets no gradient reach the features that a row is compared
    ///     with, since the official code gathers them without; `corrected` lets it flow both ways
    public static func loss(
        image: [Tensor], text: [Tensor], weights: [Double], temperature: Tensor,
        compatibility: Compatibility
    ) -> Tensor {
        func keys(_ features: Tensor) -> Tensor {
            (compatibility == .official ? features.detached() : features).transposed(0, 1)
        }
        return zip(zip(image, text), weights).map { features, weight in
            let (image, text) = features
            let targets = Tensor.range(0..<image.size(0), device: image.device)
            let imageToText = crossEntropy(image.matmul(keys(text)) / temperature, targets)
            let textToImage = crossEntropy(text.matmul(keys(image)) / temperature, targets)
            return (imageToText + textToImage) * (weight / 2)
        }.reduce(.zeros([], device: temperature.device), +)
    }
}
