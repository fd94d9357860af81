// Shapes: B batch, L tokens, N image tokens, D width.
import Batches
import Torch

extension Tensor {
    /// Hidden states of some tokens of a batch, `[B, L, D]`, by flat index. int64 `[n]` → `[n, D]`
    public func rows(_ positions: Tensor) -> Tensor {
        reshaped(-1, size(-1)).indexed(0, by: positions)
    }
}

/// What the fusion layers look at: keys and values of one batch of images for each fusion layer.
public struct CrossAttentionKeyValues: Sendable {
    let layers: [KeyValues]

    /// Those of layers that look at two images in turns: the first, the third … at `first`.
    public static func alternating(
        _ first: CrossAttentionKeyValues, _ second: CrossAttentionKeyValues
    )
        -> CrossAttentionKeyValues
    {
        CrossAttentionKeyValues(
            layers: zip(first.layers, second.layers).enumerated().map { number, layers in
                number % 2 == 0 ? layers.0 : layers.1
            })
    }

    /// One image for each index, in the order of `rows`. int64 `[n]`
    public func indexed(by rows: Tensor) -> CrossAttentionKeyValues {
        CrossAttentionKeyValues(layers: layers.map { $0.indexed(by: rows) })
    }
}

/// BERT whose upper layers look at images: layers 0 ..< `fusionLayer` read text, the others fuse.
public struct TextEncoder: Sendable {
    let embeddings: BertEmbeddings
    private let layers: [BertLayer]
    private let fusionLayer: Int
    private let looksAtPairs: Bool
    private let checkpointsLayers: Bool

    /// Declares the weights with BERT's initialisation.
    ///
    /// - Parameters:
    ///   - scope: where the weights are named
    ///   - c: sizes
    ///   - looksAtPairs: whether the fusion layers look at two images in turns; each two of them then
    ///     share the projections to keys and values, which have the names of both
    ///   - checkpointsLayers: whether layers are computed again in the backward pass
    public init(
        _ scope: ParameterScope, _ c: BertConfiguration, looksAtPairs: Bool = false,
        checkpointsLayers: Bool = false
    ) {
        embeddings = BertEmbeddings(scope["embeddings"], c)
        var layers: [BertLayer] = []
        for number in 0..<c.layers {
            let isSecond =
                looksAtPairs && number > c.fusionLayer && (number - c.fusionLayer) % 2 == 1
            layers.append(
                BertLayer(
                    scope["encoder"]["layer"][number], c, looksAtImages: number >= c.fusionLayer,
                    sharing: isSecond ? layers.last : nil))
        }
        self.layers = layers
        fusionLayer = c.fusionLayer
        self.looksAtPairs = looksAtPairs
        self.checkpointsLayers = checkpointsLayers
    }

    /// Indices of the layers that look at images, among all layers.
    public var fusionLayers: Range<Int> { fusionLayer..<layers.count }

    /// Text mode: embeddings and the layers below the fusion.
    ///
    /// - Returns: the embeddings and the output of each layer, 1 + `fusionLayer` × `[B, L, D]`
    public func encodeText(_ tokens: TokenBatch, dropout: Generator? = nil) -> [Tensor] {
        let mask = additiveMask(tokens.attentionMask)
        var states = [embeddings(tokens.inputIDs, dropout: dropout)]
        for layer in layers.prefix(fusionLayer) {
            states.append(
                run(layer, states[states.count - 1], mask: mask, image: nil, dropout: dropout))
        }
        return states
    }

    /// Keys and values of images for every fusion layer.
    ///
    /// - Parameters:
    ///   - hiddenStates: `[B, N, width]`
    ///   - mask: added to the scores, nil where all tokens may be seen. `[B, 1, 1, N]`
    public func keyValues(of hiddenStates: Tensor, mask: Tensor?) -> CrossAttentionKeyValues {
        // Two layers with shared projections see the same keys and values.
        let copies = looksAtPairs ? 2 : 1
        return CrossAttentionKeyValues(
            layers: stride(from: fusionLayer, to: layers.count, by: copies).flatMap { number in
                layers[number].crossAttention.map {
                    Array(repeating: $0.keyValues(of: hiddenStates, mask: mask), count: copies)
                } ?? []
            })
    }

    /// Keys and values of encoded images for every fusion layer.
    public func keyValues(of image: ImageEncoding) -> CrossAttentionKeyValues {
        keyValues(of: image.lastHiddenState, mask: image.attentionMask)
    }

    /// Fusion mode: the upper layers on given hidden states.
    ///
    /// - Parameters:
    ///   - hiddenStates: `[B, L, D]`
    ///   - attentionMask: 1 for tokens, 0 for padding, nil for no padding. `[B, L]`
    ///   - isCausal: whether a token sees only those before it
    ///   - keyValues: what the layers look at, one row for each text or one for all
    ///   - dropout: source of dropout; nil for none
    ///   - inspecting: a layer by its index among all, and what receives the weights of its
    ///     cross-attention. `[B, H, L, N]`
    /// - Returns: `[B, L, D]`
    public func fuse(
        _ hiddenStates: Tensor, attentionMask: Tensor?, isCausal: Bool = false,
        keyValues: CrossAttentionKeyValues,
        dropout: Generator? = nil, inspecting: (layer: Int, receive: (Tensor) -> Void)? = nil
    ) -> Tensor {
        let mask = attentionMask.map { isCausal ? causalMask($0) : additiveMask($0) }
        var x = hiddenStates
        for (number, image) in zip(fusionLayers, keyValues.layers) {
            if let inspecting, inspecting.layer == number {
                x = layers[number](
                    x, mask: mask, image: image, dropout: dropout, inspect: inspecting.receive)
            } else {
                x = run(layers[number], x, mask: mask, image: image, dropout: dropout)
            }
        }
        return x
    }

    private func run(
        _ layer: BertLayer, _ x: Tensor, mask: Tensor?, image: KeyValues?, dropout: Generator?
    ) -> Tensor {
        guard checkpointsLayers else { return layer(x, mask: mask, image: image, dropout: dropout) }
        // Keys and values are inputs of the checkpoint, since gradients flow into them.
        let inputs = [x] + (image.map { [$0.keys, $0.values] } ?? [])
        return checkpointed(inputs, generator: dropout) { inputs in
            let image = image.map { KeyValues(keys: inputs[1], values: inputs[2], mask: $0.mask) }
            return layer(inputs[0], mask: mask, image: image, dropout: dropout)
        }
    }
}
