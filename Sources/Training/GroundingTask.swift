import Datasets
import Torch
import ViCHA

/// Fine-tuning for grounding: retrieval of referring expressions (Li et al. 2021, section 5).
public struct GroundingTask: ImageTextTask {
    /// What the model is evaluated on.
    public struct EvaluationData: Sendable {
        /// The phrases.
        public var set: ReferringEvaluationSet
        /// What they mean.
        public var references: ReferenceIndex
        /// The boxes to choose from, by image.
        public var detections: [Int: [Box]]

        /// Makes the value.
        public init(
            set: ReferringEvaluationSet, references: ReferenceIndex, detections: [Int: [Box]]
        ) {
            self.set = set
            self.references = references
            self.detections = detections
        }
    }

    /// The model that is trained.
    public let model: RetrievalModel
    /// Sizes and settings.
    public let configuration: GroundingConfiguration
    /// What is trained on.
    public let dataset: ImageTextDataset
    private let data: EvaluationData?
    private let workers: Int

    /// Describes the task.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - model: with the weights to start from
    ///   - dataset: images and phrases
    ///   - data: what is evaluated after each epoch
    ///   - workers: threads that prepare images of an evaluation
    /// - Throws: ``ConfigurationKeyError``
    public init(
        _ configuration: GroundingConfiguration, model: RetrievalModel, dataset: ImageTextDataset,
        data: EvaluationData?, workers: Int = 2
    ) throws {
        try configuration.validate()
        if data != nil { try model.heatMapper.check(configuration.attention) }
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
        self.data = data
        self.workers = workers
    }

    /// The momentum model.
    public var teacher: MomentumTeacher? { model.teacher }

    /// Features of earlier steps.
    public var queue: FeatureQueue? { model.queue }

    /// The weights of the model.
    public var store: ParameterStore { model.store }

    /// Both losses.
    public func losses(_ arrays: ImageTextArrays, _ step: TrainingStep) throws -> TrainingLosses {
        try model.losses(
            arrays, alpha: configuration.settings.alpha(configuration.fineTuning, at: step), step)
    }

    /// Whether there is anything to evaluate on.
    public var isEvaluated: Bool { data != nil }

    /// Accuracy on each split; the best checkpoint is that of `val`, or of all splits where it is
    /// missing.
    public func evaluate(on device: Device) throws -> EpochEvaluation? {
        guard let data else { return nil }
        let evaluation = try GroundingEvaluation(
            data.set, model.heatMapper, references: data.references, detections: data.detections,
            .init(configuration, device: device, workers: workers))
        let accuracy = evaluation.accuracy
        guard !accuracy.isEmpty else { return nil }
        let mean = accuracy.map(\.share).reduce(0, +) / Double(accuracy.count)
        return EpochEvaluation(
            results: accuracy.map { ("\($0.split)_d", $0.share) },
            score: accuracy.first { $0.split == GroundingEvaluation.splits[0] }?.share ?? mean)
    }
}

extension GroundingEvaluation.Options {
    /// How a configuration wants an evaluation.
    public init(_ configuration: GroundingConfiguration, device: Device, workers: Int) {
        self.init(attention: configuration.attention)
        self.device = device
        self.workers = workers
        batchSize = configuration.batchSize
        compatibility = configuration.settings.model.compatibility
    }
}
