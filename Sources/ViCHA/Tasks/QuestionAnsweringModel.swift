// Shapes: B batch, A answers of all questions, Q question tokens, L answer tokens, D width.
import Configuration
import Torch

/// A batch of questions about images, each with several answers.
public struct QuestionBatch: Sendable {
    /// Normalised pixels. `[B, 3, H, W]`
    public let images: Tensor
    /// nil for a model without concepts.
    public let concepts: TokenBatch?
    /// Encoded questions.
    public let questions: TokenBatch
    /// The answers of all questions, each with its end mark.
    public let answers: TokenBatch
    /// The question of each answer. int64 `[A]`
    public let questionOfAnswer: Tensor
    /// What each answer counts. `[A]`
    public let weights: Tensor

    /// Makes the value.
    public init(
        images: Tensor, concepts: TokenBatch?, questions: TokenBatch, answers: TokenBatch,
        questionOfAnswer: Tensor, weights: Tensor
    ) {
        self.images = images
        self.concepts = concepts
        self.questions = questions
        self.answers = answers
        self.questionOfAnswer = questionOfAnswer
        self.weights = weights
    }

    /// The batch on another device.
    public func to(device: Device) -> QuestionBatch {
        QuestionBatch(
            images: images.to(device: device), concepts: concepts?.to(device: device),
            questions: questions.to(device: device), answers: answers.to(device: device),
            questionOfAnswer: questionOfAnswer.to(device: device),
            weights: weights.to(device: device))
    }
}

/// The ViCHA model for questions about images: the fused states of a question are read by a decoder
/// that writes the answer (Li et al. 2021, section 5).
public final class QuestionAnsweringModel {
    /// Sizes and switches.
    public let configuration: ModelConfiguration
    /// All weights under the official keys.
    public let store: ParameterStore
    /// Moves the momentum weights.
    public let teacher: MomentumTeacher
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
        func encode(
            images: Tensor, concepts: TokenBatch?, questions: TokenBatch, dropout: Generator? = nil
        ) -> Tensor {
            let image = encoders.encode(images: images, concepts: concepts, dropout: dropout)
            return encoders.fuse(questions, encoders.text.keyValues(of: image), dropout: dropout)
        }

        /// Logits of the answers' tokens. `[n, V]`
        func logits(_ batch: QuestionBatch, _ tokens: NextTokens, dropout: Generator?) -> Tensor {
            let states = encode(
                images: batch.images, concepts: batch.concepts, questions: batch.questions,
                dropout: dropout)
            // Keys and values once a question, for all of its answers.
            let keyValues = decoder.keyValues(
                of: states, attentionMask: batch.questions.attentionMask
            )
            .indexed(by: batch.questionOfAnswer)
            return decoder.logits(
                decoder.hiddenStates(batch.answers, keyValues, dropout: dropout)
                    .rows(tokens.positions))
        }
    }

    /// Builds the model with random weights, and its momentum model as a copy.
    ///
    /// - Parameters:
    ///   - c: sizes and switches
    ///   - distills: whether there is a momentum model
    ///   - seed: of the random weights
    ///   - device: where the weights are made
    /// - Throws: ``ConfigurationKeyError``, ``TorchError``
    public init(
        _ c: ModelConfiguration, distills: Bool, seed: UInt64 = 0, device: Device = .cpu
    ) throws {
        try c.validate(for: .reasoning)
        guard c.text.fusionLayer < c.text.layers else {
            throw ConfigurationKeyError(
                key: "bert_config.fusion_layer",
                expected:
                    "below num_hidden_layers (\(c.text.layers)), since the decoder has as many "
                    + "layers as there are for fusion", found: c.text.fusionLayer)
        }
        configuration = c
        store = try ParameterStore(seed: seed, device: device)
        online = Part(store.root, suffix: "", c)
        momentum = distills ? Part(store.root.frozen, suffix: "_m", c) : nil
        try store.validate()
        teacher = MomentumTeacher(store, decay: c.reasoningMomentum)
        try teacher.copyOnlineWeights()
    }

    /// Answers questions.
    public var answerer: QuestionAnswerer {
        QuestionAnswerer(part: online, countsFirstTwice: configuration.compatibility == .official)
    }

    /// The loss of one step, a scalar: for each answer its weight times the sum over its tokens, divided
    /// by the number of questions; the ``teacher`` has its turn before (case `vqa`).
    ///
    /// - Parameters:
    ///   - batch: on the model's device
    ///   - alpha: share of the momentum model in the targets, which the official code leaves out
    ///   - dropout: source of dropout; nil for none
    /// - Throws: ``TorchError``
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
            / Double(batch.images.size(0))
    }
}
