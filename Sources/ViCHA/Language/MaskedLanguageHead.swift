import Torch

/// The masked-language head of BERT: dense, activation, norm, and a decoder tied to the word embeddings.
public struct MaskedLanguageHead: Sendable {
    private let dense: Linear
    private let norm: LayerNorm
    private let decoder: Linear
    private let activation: TextActivation

    init(_ scope: ParameterScope, _ c: BertConfiguration, words: Embedding) {
        activation = c.activation
        let bias = scope.parameter("bias", [c.vocabularySize], .zeros)
        dense = Linear(
            scope["transform"]["dense"], c.hiddenSize, c.hiddenSize,
            weight: .normal(std: c.initializerRange), bias: .zeros)
        norm = LayerNorm(
            scope["transform"]["LayerNorm"], c.hiddenSize, epsilon: c.layerNormEpsilon)
        decoder = Linear(weight: words.weight, bias: bias)
        decoder.declareAgain(in: scope["decoder"])
    }

    /// `[n, D]` → logits `[n, vocabulary]`
    public func callAsFunction(_ hiddenStates: Tensor) -> Tensor {
        decoder(norm(activation(dense(hiddenStates))))
    }
}
