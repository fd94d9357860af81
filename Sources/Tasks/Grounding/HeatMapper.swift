// Shapes: B batch, L text tokens, N image tokens, H heads, g patches along a side.
import Batches
import Configuration
import Torch
import ViCHA

/// Where an image shows what a text says: attention weighted by the gradient of how well they fit
/// (Grad-CAM; Li et al. 2021, section 6.4; case `grounding`).
public struct HeatMapper: Sendable {
    /// Which attention is looked at.
    public enum Attention: Sendable, Equatable {
        /// The cross-attention of a layer of the text encoder, by its index among all layers, and
        /// the score of the matching head.
        case matching(layer: Int)
        /// The class token's attention in a block of the image encoder, and the similarity of the
        /// features.
        case contrastive(block: Int)
    }

    private let encoders: Encoders
    private let projections: FeatureProjections
    private let matchingHead: Linear
    private let temperature: Tensor
    /// Patches along a side of the image.
    public let grid: Int

    fileprivate init(_ model: RetrievalModel) {
        encoders = model.online
        projections = model.projections
        matchingHead = model.matchingHead
        temperature = model.temperature
        grid = model.configuration.vision.grid
    }

    /// - Throws: `ConfigurationKeyError` for a layer that has no such attention.
    public func check(_ attention: Attention) throws {
        switch attention {
        case .matching(let layer):
            let layers = encoders.text.fusionLayers
            guard layers.contains(layer) else {
                throw ConfigurationKeyError(
                    key: "block_num",
                    expected: "a fusion layer of the text encoder, from bert_config.fusion_layer "
                        + "(\(layers.lowerBound)) on and below bert_config.num_hidden_layers "
                        + "(\(layers.upperBound))", found: layer)
            }
        case .contrastive(let block):
            guard encoders.vision.blockNumbers.contains(block) else {
                throw ConfigurationKeyError(
                    key: "block_num",
                    expected: "a block of the image encoder, from 0 on and below vision_depth "
                        + "(\(encoders.vision.blockNumbers.upperBound))", found: block)
            }
        }
    }

    /// The heat of each patch for each pair of an image and a text.
    ///
    /// - Parameters:
    ///   - images: I images
    ///   - texts: the texts
    ///   - imageOfText: the image of each text, nil for one text for each image. int64 `[B]`
    ///   - attention: which attention is looked at
    /// - Returns: of the matching score a map for each token, of the similarity one map,
    ///   `[B, L or 1, g, g]`; at padding 0
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public func tokenMaps(
        _ images: ImageBatch, _ texts: TokenBatch, imageOfText: Tensor? = nil,
        _ attention: Attention
    ) throws -> Tensor {
        try check(attention)
        let rows = imageOfText ?? .range(0..<images.count, device: images.pixels.device)
        let (score, weights) =
            switch attention {
            case .matching(let layer): matching(images, texts, rows, layer)
            case .contrastive(let block): similarity(images, texts, rows, block)
            }
        let count = rows.size(0)
        guard let gradient = try score.gradients(of: [weights])[0] else {
            return .zeros([count, weights.size(2), grid, grid], device: images.pixels.device)
        }
        // Class token first, patches, concepts last.
        let patches = 1..<1 + grid * grid
        let heat =
            weights.detached().slice(3, patches)
            * gradient.slice(3, patches).clamped(to: 0...Double.infinity)
        let maps = heat.mean(1).reshaped(count, weights.size(2), grid, grid)
        guard case .matching = attention else { return maps }
        let mask = texts.attentionMask.to(dtype: .float32)
        return maps * mask.unsqueezed(-1).unsqueezed(-1)
    }

    /// The heat of each patch for each pair, the mean over all tokens, those of padding included as
    /// in the official code. `[B, g, g]`
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public func callAsFunction(
        _ images: ImageBatch, _ texts: TokenBatch, imageOfText: Tensor? = nil,
        _ attention: Attention
    ) throws -> Tensor {
        try tokenMaps(
            images, texts, imageOfText: imageOfText, attention
        ).mean(1)
    }

    /// The summed matching logits, and the weights of the cross-attention. `[B, H, L, N]`
    private func matching(
        _ images: ImageBatch, _ texts: TokenBatch, _ rows: Tensor,
        _ layer: Int
    ) -> (score: Tensor, weights: Tensor) {
        var weights = Tensor.zeros([0])
        let image = withoutGradient { encoders.encode(images) }
        let states = withoutGradient { encoders.text.encodeText(texts) }
        let fused = encoders.text.fuse(
            states[states.count - 1], attentionMask: texts.attentionMask,
            keyValues: encoders.text.keyValues(of: image.lastHiddenState, mask: image.attentionMask)
                .indexed(by: rows),
            inspecting: (layer, { weights = $0 }))
        return (matchingHead(fused.select(1, 0)).select(1, 1).sum(), weights)
    }

    /// The summed similarities of the pairs, and the class token's attention. `[B, H, 1, N]`
    private func similarity(
        _ images: ImageBatch, _ texts: TokenBatch, _ rows: Tensor,
        _ block: Int
    ) -> (score: Tensor, weights: Tensor) {
        var weights = Tensor.zeros([0])
        let image = encoders.encode(
            images.indexed(by: rows), inspecting: (block, { weights = $0 }))
        let text = withoutGradient {
            let states = encoders.text.encodeText(texts)
            return projections.features(ofText: states[states.count - 1])
        }
        return ((projections.features(of: image) * text).sum() / temperature, weights)
    }
}

extension RetrievalModel {
    /// Draws heat maps of texts over images.
    public var heatMapper: HeatMapper { HeatMapper(self) }
}
