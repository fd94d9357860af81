// Shapes: A answers, L tokens, S tokens of what is looked at, D width, V vocabulary.
import Batches
import Torch

/// BERT that writes: each token sees those before it and, in every layer, the encoder's hidden states.
public struct TextDecoder: Sendable {
    private let bert: TextEncoder
    private let head: MaskedLanguageHead

    /// Declares `bert` and `cls` for an encoder's configuration.
    public init(_ scope: ParameterScope, _ encoder: BertConfiguration, checkpointsLayers: Bool) {
        let c = encoder.forAnswers
        bert = TextEncoder(scope["bert"], c, checkpointsLayers: checkpointsLayers)
        head = MaskedLanguageHead(
            scope["cls"]["predictions"], c, words: bert.embeddings.words)
    }

    /// Keys and values of what is looked at. `[B, S, D]`; `attentionMask` 1 for tokens `[B, S]`
    public func keyValues(of hiddenStates: Tensor, attentionMask: Tensor) -> CrossAttentionKeyValues
    {
        bert.keyValues(of: hiddenStates, mask: additiveMask(attentionMask))
    }

    /// `[A, L]` → `[A, L, D]`; `keyValues` has a row for each text or one for all.
    public func hiddenStates(
        _ tokens: TokenBatch, _ keyValues: CrossAttentionKeyValues, dropout: Generator? = nil
    )
        -> Tensor
    {
        let states = bert.encodeText(tokens, dropout: dropout)
        return bert.fuse(
            states[states.count - 1], attentionMask: tokens.attentionMask, isCausal: true,
            keyValues: keyValues, dropout: dropout)
    }

    /// Logits of the token that follows. `[n, D]` → `[n, V]`
    public func logits(_ hiddenStates: Tensor) -> Tensor { head(hiddenStates) }
}

/// What a decoder is to predict: for each token of some answers but the first, the token before it
/// and itself.
public struct NextTokens: Sendable {
    /// Flat indices (row·L + column) of the tokens before. int64 `[n]`
    public let positions: Tensor
    /// The tokens. int64 `[n]`
    public let targets: Tensor
    /// The answer of each. int64 `[n]`
    public let rows: Tensor

    /// Of answers, each with its end mark.
    public init(_ tokens: TokenBatch) {
        let (count, length) = (tokens.inputIDs.size(0), tokens.inputIDs.size(1))
        let device = tokens.inputIDs.device
        let columns = Tensor.range(0..<length, device: device).unsqueezed(0)
        let isTarget = tokens.attentionMask.equals(1).and(columns.isGreater(than: 0.5))
        let places = isTarget.reshaped(-1).nonzero().squeezed(1)
        positions = places + (-1)
        targets = tokens.inputIDs.reshaped(-1).indexed(0, by: places)
        rows = Tensor.range(0..<count, device: device).unsqueezed(1).expanded(count, length)
            .reshaped(-1).indexed(0, by: places)
    }
}
