// Shapes: B batch, A answers of all questions, Q question tokens, L answer tokens, D width.
import Batches
import Configuration
import Torch
import ViCHA

/// The ViCHA model for questions about images: the fused states of a question are read by a decoder
/// that writes the answer (Li et al. 2021, section 5).
public final class QuestionAnsweringModel: SingleLossModel {
    /// Its weights.
    public let shell: ModelShell
    private let online: Part
    private let momentum: Part?

    /// Encoders with the decoder behind them.
    struct Part: Sendable {
        let encoders: Encoders
        let decoder: TextDecoder

        init(_ scope: ParameterScope, suffix: String, _ c: ModelConfiguration) {
            encoders = Encoders(scope, suffix: suffix, c)
            decoder = TextDecoder(
                scope["text_decoder" + suffix], c.text, checkpointsLayers: c.checkpointsBlocks)
        }

        /// Fused states of questions. `[B, Q, D]`
        func encode(_ images: ImageBatch, _ questions: TokenBatch, dropout: Generator? = nil)
            -> Tensor
        {
            let image = encoders.encode(images, dropout: dropout)
            return encoders.fuse(questions, encoders.text.keyValues(of: image), dropout: dropout)
        }

        /// Logits of the answers' tokens. `[n, V]`
        func logits(_ batch: QuestionBatch, _ tokens: NextTokens, dropout: Generator?) -> Tensor {
            let states = encode(batch.images, batch.questions, dropout: dropout)
            // Keys and values once a question, for all of its answers.
            let keyValues = decoder.keyValues(
                of: states, attentionMask: batch.questions.attentionMask
            ).indexed(by: batch.questionOfAnswer)
            return decoder.logits(
                decoder.hiddenStates(batch.answers, keyValues, dropout: dropout)
                    .rows(tokens.positions))
        }
    }

    /// Builds the model, and its momentum model as a copy.
    ///
    /// - Parameters:
    ///   - c: sizes and switches
    ///   - distills: whether there is a momentum model
    ///   - seed: of random weights; nil for weights that are all loaded before they are used
    ///   - device: where the weights are made
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public init(
        _ c: ModelConfiguration, distills: Bool, seed: UInt64? = 0, device: Device = .cpu
    ) throws {
        try c.validate(for: .reasoning)
        guard c.text.fusionLayer < c.text.layers else {
            throw ConfigurationKeyError(
                key: "bert_config.fusion_layer",
                expected:
                    "below num_hidden_layers (\(c.text.layers)), since the decoder has as many "
                    + "layers as there are for fusion", found: c.text.fusionLayer)
        }
        (shell, (online, momentum)) = try ModelShell.make(
            c, for: .reasoning, decay: c.reasoningMomentum, seed: seed, device: device
        ) { scope in
            (
                Part(scope, suffix: "", c), distills ? Part(scope.frozen, suffix: "_m", c) : nil
            )
        }
    }

    /// The fusion layers of pretraining also become the decoder. A momentum model that is missing becomes a
    /// copy.
    public func mapping(of keys: [String: Tensor].Keys) -> WeightMapping {
        let hasMomentumModel = keys.contains { $0.hasPrefix("text_encoder_m.") }
        var mapping = WeightMapping()
        if WeightMapping.arePretrained(keys) {
            mapping.names = WeightMapping.withDecoder(from: configuration.text.fusionLayer)
        }
        mapping.allowingMissing = hasMomentumModel ? [] : WeightMapping.momentum
        mapping.allowingUnexpected =
            WeightMapping.pretrainingOnly + WeightMapping.alignment + WeightMapping.momentum
        mapping.copiesOnlineWeights = !hasMomentumModel
        return mapping
    }

    /// Answers questions.
    public var answerer: QuestionAnswerer {
        QuestionAnswerer(part: online, countsFirstTwice: configuration.compatibility == .official)
    }

    /// The loss of one step, a scalar: for each answer its weight times the sum over its tokens, divided
    /// by the number of questions; the `teacher` has its turn before (case `vqa`).
    ///
    /// - Parameters:
    ///   - batch: on the model's device
    ///   - alpha: share of the momentum model in the targets, which the official code leaves out
    ///   - dropout: source of dropout; nil for none
    /// - Throws: `TorchError`
    public func loss(_ batch: QuestionBatch, alpha: Double, dropout: Generator? = nil) throws
        -> Tensor
    {
        let tokens = NextTokens(batch.answers)
        let logits = online.logits(batch, tokens, dropout: dropout)
        let alpha = configuration.compatibility == .official ? 0 : alpha
        let momentumLogits = momentum.flatMap { momentum in
            alpha > 0
                ? withoutGradient { momentum.logits(batch, tokens, dropout: dropout) } : nil
        }
        let losses = Distillation.rowLosses(
            logits, momentumLogits: momentumLogits, targets: tokens.targets, alpha: alpha)
        return (losses * batch.weights.indexed(0, by: tokens.rows)).sum()
            / Double(batch.questions.count)
    }
}
