import Datasets
import Text
import Torch
import ViCHA

/// Fine-tuning for questions about images (Li et al. 2021, section 5).
public struct QuestionAnsweringTask: ConfiguredTask {
    /// Questions whose answers are known, and the answers that are ranked.
    public struct Validation: Sendable {
        /// The questions.
        public var set: QuestionDataset
        /// What can be answered.
        public var answers: [String]

        /// Makes the value.
        public init(set: QuestionDataset, answers: [String]) {
            self.set = set
            self.answers = answers
        }
    }

    /// The model that is trained.
    public let model: QuestionAnsweringModel
    /// Sizes and settings.
    public let configuration: QuestionAnsweringConfiguration
    private let dataset: QuestionDataset
    private let validation: Validation?
    private let workers: Int

    /// Describes the task.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - model: with the weights to start from
    ///   - dataset: what is trained on; every question has an answer
    ///   - validation: what is evaluated after each epoch
    ///   - workers: threads that prepare images of an evaluation
    /// - Throws: ``ConfigurationKeyError``
    public init(
        _ configuration: QuestionAnsweringConfiguration, model: QuestionAnsweringModel,
        dataset: QuestionDataset, validation: Validation?, workers: Int = 2
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
        self.validation = validation
        self.workers = workers
    }

    /// The momentum model.
    public var teacher: MomentumTeacher? { model.teacher }

    /// The weights of the model.
    public var store: ParameterStore { model.store }

    /// Questions that are trained on.
    public var recordCount: Int { dataset.records.count }

    /// Of all records in their order.
    public func dataChecksum() throws -> String { dataset.checksum() }

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { dataset.vocabulary }

    /// Makes the batch of some questions.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (
            batch: QuestionArrays, skipped: [UnreadableRecord]
        )
    {
        let options = ImageTextOptions(configuration.settings)
        return { [dataset] indices, seed in
            let arrays = try dataset.batch(indices, seed: seed, options)
            return (arrays, arrays.skipped)
        }
    }

    /// The loss.
    public func losses(_ arrays: QuestionArrays, _ step: TrainingStep) throws -> TrainingLosses {
        let loss = try model.loss(
            QuestionBatch(arrays).to(device: step.device),
            alpha: configuration.settings.alpha(configuration.fineTuning, at: step),
            dropout: step.dropout)
        return TrainingLosses(total: loss, parts: [("loss", loss)])
    }

    /// Whether there is anything to evaluate on.
    public var isEvaluated: Bool { validation != nil }

    /// Accuracy on the validation set.
    public func evaluate(on device: Device) throws -> EpochEvaluation? {
        guard let validation else { return nil }
        let found = try QuestionAnsweringEvaluation(
            validation.set, answers: validation.answers, model.answerer,
            .init(configuration, device: device, autocast: nil, workers: workers))
        let accuracy = try AnswerAccuracy(found.answers, validation.set.records).overall
        return EpochEvaluation(results: [("val_acc", accuracy)], score: accuracy)
    }
}

extension QuestionBatch {
    /// The tensors of a prepared batch, on the CPU.
    public init(_ arrays: QuestionArrays) {
        self.init(
            images: arrays.images.tensor,
            concepts: arrays.images.concepts.map { TokenBatch($0) },
            questions: TokenBatch(arrays.questions), answers: TokenBatch(arrays.answers),
            questionOfAnswer: Tensor(arrays.questionOfAnswer), weights: Tensor(arrays.weights))
    }
}
