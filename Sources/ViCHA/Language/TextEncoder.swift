// Shapes: B batch, L tokens, N image tokens, D width.
import Torch

/// Token ids of a batch of texts.
public struct TokenBatch: Sendable {
    /// int64 `[B, L]`
    public let inputIDs: Tensor
    /// 1 for tokens, 0 for padding. int64 `[B, L]`
    public let attentionMask: Tensor

    /// Makes a batch.
    public init(inputIDs: Tensor, attentionMask: Tensor) {
        self.inputIDs = inputIDs
        self.attentionMask = attentionMask
    }

    /// One text for each index. int64 `[n]`
    func indexed(by rows: Tensor) -> TokenBatch {
        TokenBatch(
            inputIDs: inputIDs.indexed(0, by: rows),
            attentionMask: attentionMask.indexed(0, by: rows)
        )
    }

    /// The batch on another device.
    public func to(device: Device) -> TokenBatch {
        TokenBatch(
            inputIDs: inputIDs.to(device: device), attentionMask: attentionMask.to(device: device))
    }
}

/// What the fusion layers look at: keys and values of one batch of images for each fusion layer.
public struct ImageMemory: Sendable {
    let layers: [KeyValues]

    /// One image for each index, in the order of `rows`. int64 `[n]`
    func indexed(by rows: Tensor) -> ImageMemory {
        ImageMemory(layers: layers.map { $0.indexed(by: rows) })
    }
}

/// BERT whose upper layers look at images: layers 0 ..< `fusionLayer` read text, the others fuse.
public struct TextEncoder: Sendable {
    let embeddings: BertEmbeddings
    private let layers: [BertLayer]
    private let fusionLayer: Int
    private let checkpointsLayers: Bool

    /// Declares the weights with BERT's initialisation.
    public init(_ scope: ParameterScope, _ c: BertConfiguration, checkpointsLayers: Bool = false) {
        embeddings = BertEmbeddings(scope["embeddings"], c)
        layers = (0..<c.layers).map {
            BertLayer(scope["encoder"]["layer"][$0], c, looksAtImages: $0 >= c.fusionLayer)
        }
        fusionLayer = c.fusionLayer
        self.checkpointsLayers = checkpointsLayers
    }

    /// Indices of the layers that look at images, among all layers.
    var fusionLayers: Range<Int> { fusionLayer..<layers.count }

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
    public func memory(of hiddenStates: Tensor, mask: Tensor?) -> ImageMemory {
        ImageMemory(
            layers: layers.dropFirst(fusionLayer).compactMap {
                $0.crossAttention?.keyValues(of: hiddenStates, mask: mask)
            })
    }

    /// Fusion mode: the upper layers on given hidden states.
    ///
    /// - Parameters:
    ///   - hiddenStates: `[B, L, D]`
    ///   - attentionMask: 1 for tokens, 0 for padding, nil for no padding. `[B, L]`
    ///   - memory: what the layers look at, one row for each text or one for all
    ///   - inspecting: a layer by its index among all, and what receives the weights of its
    ///     cross-attention. `[B, H, L, N]`
    /// - Returns: `[B, L, D]`
    public func fuse(
        _ hiddenStates: Tensor, attentionMask: Tensor?, memory: ImageMemory,
        dropout: Generator? = nil, inspecting: (layer: Int, receive: (Tensor) -> Void)? = nil
    ) -> Tensor {
        let mask = attentionMask.map(additiveMask)
        var x = hiddenStates
        for (number, image) in zip(fusionLayers, memory.layers) {
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
