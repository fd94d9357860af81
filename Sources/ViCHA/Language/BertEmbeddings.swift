// Shapes: B batch, L tokens, D width.
import Torch

/// Word, position and type embeddings of BERT, summed and normalised.
struct BertEmbeddings: Sendable {
    let words: Embedding
    private let positions: Embedding
    private let types: Embedding
    private let norm: LayerNorm
    private let dropout: Double

    init(_ scope: ParameterScope, _ c: BertConfiguration) {
        let initial = Initializer.normal(std: c.initializerRange)
        _ = scope.buffer(
            "position_ids", [1, c.maxPositions], .values(.range(0..<c.maxPositions)), dtype: .int64)
        words = Embedding(
            scope["word_embeddings"], c.vocabularySize, c.hiddenSize, initial,
            paddingIndex: c.padTokenID)
        positions = Embedding(scope["position_embeddings"], c.maxPositions, c.hiddenSize, initial)
        types = Embedding(scope["token_type_embeddings"], c.tokenTypes, c.hiddenSize, initial)
        norm = LayerNorm(scope["LayerNorm"], c.hiddenSize, epsilon: c.layerNormEpsilon)
        dropout = c.hiddenDropout
    }

    /// int64 `[B, L]` → `[B, L, D]`
    func callAsFunction(_ inputIDs: Tensor, dropout generator: Generator?) -> Tensor {
        let places = positions.weight.slice(0, 0..<inputIDs.size(1)) + types.weight.slice(0, 0..<1)
        return norm(words(inputIDs) + places).dropout(dropout, generator)
    }
}
