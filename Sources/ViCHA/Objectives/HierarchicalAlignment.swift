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

/// Which layers of both encoders are aligned, and by which projections.
public struct LayerAlignment: Sendable {
    private let vision: [Linear]
    private let text: [Linear]
    private let weights: [Double]?
    private let compatibility: Compatibility

    /// Declares `vision_proj_hidden` and `text_proj_hidden`.
    public init(_ scope: ParameterScope, _ c: ModelConfiguration) {
        vision = (0..<c.alignedLayers).map {
            Linear(scope["vision_proj_hidden"][$0], c.vision.width, c.embedDim)
        }
        text = (0..<c.alignedLayers).map {
            Linear(scope["text_proj_hidden"][$0], c.text.hiddenSize, c.embedDim)
        }
        weights = c.layerWeights
        compatibility = c.compatibility
    }

    /// The loss of the layers just below the last one of each encoder. Where the image encoder has
    /// fewer of them than are to be aligned, its lowest meets the lowest of the text encoder's, as in
    /// the official code.
    ///
    /// - Parameters:
    ///   - classTokens: normalised output of each block. `[B, D]`
    ///   - textStates: embeddings and the output of each text layer. `[B, L, D]`
    ///   - temperature: scalar
    public func loss(_ classTokens: [Tensor], _ textStates: [Tensor], temperature: Tensor) -> Tensor
    {
        func features(_ states: [Tensor], _ projections: [Linear]) -> [Tensor] {
            zip(states.dropLast().suffix(projections.count), projections).map {
                state, projection in projection(state).normalized()
            }
        }
        return HierarchicalAlignment.loss(
            image: features(classTokens, vision),
            text: features(textStates.map { $0.select(1, 0) }, text),
            weights: weights ?? Array(repeating: 1, count: vision.count),
            temperature: temperature, compatibility: compatibility)
    }
}
