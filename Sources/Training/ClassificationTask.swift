import Datasets
import Text
import Torch
import ViCHA

/// Fine-tuning for visual entailment or for NLVR2 (Li et al. 2021, section 5).
public struct ClassificationTask: ConfiguredTask {
    /// The model that is trained.
    public let model: ClassificationModel
    /// Sizes and settings.
    public let configuration: ClassificationConfiguration
    private let dataset: SentenceDataset
    private let sets: EvaluationSets<SentenceDataset>
    private let workers: Int

    /// Describes the task.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - model: with the weights to start from
    ///   - dataset: what is trained on
    ///   - sets: what is evaluated after each epoch
    ///   - workers: threads that prepare images of an evaluation
    /// - Throws: ``ConfigurationKeyError``
    public init(
        _ configuration: ClassificationConfiguration, model: ClassificationModel,
        dataset: SentenceDataset, sets: EvaluationSets<SentenceDataset>, workers: Int = 2
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
        self.sets = sets
        self.workers = workers
    }

    /// The momentum model.
    public var teacher: MomentumTeacher? { model.teacher }

    /// The weights of the model.
    public var store: ParameterStore { model.store }

    /// Sentences that are trained on.
    public var recordCount: Int { dataset.sentences.count }

    /// Of all records in their order.
    public func dataChecksum() throws -> String { dataset.checksum() }

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { dataset.vocabulary }

    /// Makes the batch of some sentences.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (
            batch: SentenceArrays, skipped: [UnreadableRecord]
        )
    {
        let options = ImageTextOptions(configuration, model.kind)
        return { [dataset] indices, seed in
            let arrays = try dataset.batch(indices, seed: seed, options)
            return (arrays, arrays.skipped)
        }
    }

    /// The loss.
    public func losses(_ arrays: SentenceArrays, _ step: TrainingStep) throws -> TrainingLosses {
        let loss = try model.loss(
            ClassificationBatch(arrays).to(device: step.device),
            alpha: configuration.settings.alpha(configuration.fineTuning, at: step),
            dropout: step.dropout)
        return TrainingLosses(total: loss, parts: [("loss", loss)])
    }

    /// Whether there is anything to evaluate on.
    public var isEvaluated: Bool { !sets.named.isEmpty }

    /// Accuracy on the validation and the test set.
    public func evaluate(on device: Device) throws -> EpochEvaluation? {
        try sets.evaluated { set in
            let evaluation = try ClassificationEvaluation(
                set, model,
                .init(configuration, model.kind, device: device, autocast: nil, workers: workers))
            return ([("acc", evaluation.accuracy)], evaluation.accuracy)
        }
    }
}

extension ImageTextOptions {
    /// How a configuration wants sentences and images of training.
    public init(_ configuration: ClassificationConfiguration, _ kind: ClassificationModel.Kind) {
        // A pair has two images, mirrored each on its own: left and right mean nothing there.
        self.init(
            configuration.settings, swapsSides: kind == .entailment,
            textTokens: configuration.textTokens(kind))
        conceptTokens = configuration.conceptTokens(kind)
    }
}
