// Shapes: B batch, L tokens, N image tokens, D width, H heads, d = D / H.
import Torch

/// Keys and values of a cross-attention, projected once and shared by every text that looks at them.
public struct KeyValues: Sendable {
    /// `[B, H, N, d]`
    let keys: Tensor
    /// `[B, H, N, d]`
    let values: Tensor
    /// Added to the scores, nil where all may be seen. `[B, 1, 1, N]`
    let mask: Tensor?

    /// One row for each index. int64 `[n]`
    func indexed(by rows: Tensor) -> KeyValues {
        KeyValues(
            keys: keys.indexed(0, by: rows), values: values.indexed(0, by: rows),
            mask: mask?.indexed(0, by: rows))
    }
}

/// Multi-head attention of BERT with its output projection, residual and normalisation.
struct BertAttention: Sendable {
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    private let norm: LayerNorm
    private let heads: Int
    private let attentionDropout: Double
    private let hiddenDropout: Double

    /// `sourceWidth` is the width of what is looked at: that of the text, or of the images; `sharing`
    /// an attention whose projections to keys and values this one has too.
    init(
        _ scope: ParameterScope, _ c: BertConfiguration, sourceWidth: Int,
        sharing other: BertAttention? = nil
    ) {
        let initial = Initializer.normal(std: c.initializerRange)
        func linear(_ scope: ParameterScope, _ width: Int) -> Linear {
            Linear(scope, width, c.hiddenSize, weight: initial, bias: .zeros)
        }
        query = linear(scope["self"]["query"], c.hiddenSize)
        if let other {
            (key, value) = (other.key, other.value)
            key.declareAgain(in: scope["self"]["key"])
            value.declareAgain(in: scope["self"]["value"])
        } else {
            key = linear(scope["self"]["key"], sourceWidth)
            value = linear(scope["self"]["value"], sourceWidth)
        }
        output = linear(scope["output"]["dense"], c.hiddenSize)
        norm = LayerNorm(scope["output"]["LayerNorm"], c.hiddenSize, epsilon: c.layerNormEpsilon)
        heads = c.attentionHeads
        attentionDropout = c.attentionDropout
        hiddenDropout = c.hiddenDropout
    }

    /// Keys and values of what is looked at. `[B, N, width]`; `mask` `[B, 1, 1, N]`
    func keyValues(of source: Tensor, mask: Tensor?) -> KeyValues {
        KeyValues(keys: split(key(source)), values: split(value(source)), mask: mask)
    }

    /// `[B, L, D]` → `[B, L, D]`; what is looked at has B rows or one for all. `inspect` receives the
    /// attention weights. `[B, H, L, N]`, of one row for all `[1, H, B·L, N]`
    func callAsFunction(
        _ hiddenStates: Tensor, _ source: KeyValues, dropout: Generator?,
        inspect: ((Tensor) -> Void)? = nil
    ) -> Tensor {
        // One image for all texts: their tokens are queries of one row, and its keys are not repeated.
        let isShared = source.keys.size(0) == 1
        let queries =
            isShared
            ? hiddenStates.reshaped(1, -1, hiddenStates.size(2)) : hiddenStates
        let context = scaledDotProductAttention(
            split(query(queries)), source.keys, source.values, mask: source.mask,
            dropout: dropout.map { (attentionDropout, $0) }, inspect: inspect)
        let merged = context.transposed(1, 2)
            .reshaped(hiddenStates.size(0), hiddenStates.size(1), hiddenStates.size(2))
        return norm(output(merged).dropout(hiddenDropout, dropout) + hiddenStates)
    }

    private func split(_ x: Tensor) -> Tensor {
        x.reshaped(x.size(0), x.size(1), heads, x.size(2) / max(1, heads)).transposed(1, 2)
    }
}

/// Post-norm BERT layer; a fusion layer looks at images between its self-attention and its MLP.
struct BertLayer: Sendable {
    private let attention: BertAttention
    let crossAttention: BertAttention?
    private let intermediate: Linear
    private let output: Linear
    private let norm: LayerNorm
    private let activation: TextActivation
    private let dropout: Double

    /// `sharing` is a layer whose projections of images this one has too.
    init(
        _ scope: ParameterScope, _ c: BertConfiguration, looksAtImages: Bool,
        sharing other: BertLayer? = nil
    ) {
        let initial = Initializer.normal(std: c.initializerRange)
        attention = BertAttention(scope["attention"], c, sourceWidth: c.hiddenSize)
        crossAttention =
            looksAtImages
            ? BertAttention(
                scope["crossattention"], c, sourceWidth: c.encoderWidth,
                sharing: other?.crossAttention) : nil
        intermediate = Linear(
            scope["intermediate"]["dense"], c.hiddenSize, c.intermediateSize, weight: initial,
            bias: .zeros)
        output = Linear(
            scope["output"]["dense"], c.intermediateSize, c.hiddenSize, weight: initial,
            bias: .zeros)
        norm = LayerNorm(scope["output"]["LayerNorm"], c.hiddenSize, epsilon: c.layerNormEpsilon)
        activation = c.activation
        dropout = c.hiddenDropout
    }

    /// `[B, L, D]` → `[B, L, D]`
    ///
    /// - Parameters:
    ///   - mask: added to the scores of the self-attention. `[B, 1, 1 or L, L]`
    ///   - image: what a fusion layer looks at; nil skips the cross-attention
    ///   - inspect: receives the weights of the cross-attention. `[B, H, L, N]`
    func callAsFunction(
        _ hiddenStates: Tensor, mask: Tensor?, image: KeyValues?, dropout generator: Generator?,
        inspect: ((Tensor) -> Void)? = nil
    ) -> Tensor {
        var x = attention(
            hiddenStates, attention.keyValues(of: hiddenStates, mask: mask), dropout: generator)
        if let crossAttention, let image {
            x = crossAttention(x, image, dropout: generator, inspect: inspect)
        }
        return norm(output(activation(intermediate(x))).dropout(dropout, generator) + x)
    }
}
