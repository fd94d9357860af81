import Datasets
import Torch
import ViCHA

/// Fine-tuning for image-text retrieval (Li et al. 2021, section 5).
public struct RetrievalTask: ImageTextTask {
    /// The model that is trained.
    public let model: RetrievalModel
    /// Sizes and settings.
    public let configuration: RetrievalConfiguration
    /// What is trained on.
    public let dataset: ImageTextDataset
    private let sets: EvaluationSets<RetrievalEvaluationSet>
    private let workers: Int

    /// Describes the task.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - model: with the weights to start from
    ///   - dataset: pairs of images and captions
    ///   - sets: what is evaluated after each epoch
    ///   - workers: threads that prepare images of an evaluation
    /// - Throws: ``ConfigurationKeyError``
    public init(
        _ configuration: RetrievalConfiguration, model: RetrievalModel, dataset: ImageTextDataset,
        sets: EvaluationSets<RetrievalEvaluationSet>, workers: Int = 2
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
    public var isEvaluated: Bool { !sets.named.isEmpty }

    /// Recall on the validation and the test set.
    public func evaluate(on device: Device) throws -> EpochEvaluation? {
        try sets.evaluated { set in
            let evaluation = try RetrievalEvaluation(
                set, model.scorer,
                .init(configuration, device: device, autocast: nil, workers: workers))
            let metrics = evaluation.matchingMetrics ?? evaluation.dualMetrics
            return (metrics.named, metrics.mean)
        }
    }
}

extension RetrievalModel {
    /// The losses of prepared pairs.
    func losses(_ arrays: ImageTextArrays, alpha: Double, _ step: TrainingStep) throws
        -> TrainingLosses
    {
        let batch = RetrievalBatch(arrays)
        let rows = arrays.texts.rows
        let noise = Tensor.uniform([2, rows, rows], generator: step.draws)
        let losses = try losses(
            batch.to(device: step.device), .drawn(noise: noise.to(device: step.device)),
            alpha: alpha, dropout: step.dropout)
        return TrainingLosses(
            total: losses.total, parts: [("loss_itm", losses.itm), ("loss_ita", losses.ita)],
            features: losses.features)
    }
}

extension RetrievalBatch {
    /// The tensors of a prepared batch, on the CPU.
    public init(_ arrays: ImageTextArrays) {
        self.init(
            images: arrays.images, texts: TokenBatch(arrays.texts),
            concepts: arrays.concepts.map { TokenBatch($0) }, identities: Tensor(arrays.identities))
    }
}

extension RetrievalSearch.Options {
    /// How a configuration wants an evaluation.
    public init(
        _ configuration: RetrievalConfiguration, device: Device, autocast: DType?, workers: Int
    ) {
        self.init()
        self.device = device
        self.autocast = autocast
        self.workers = workers
        candidates = configuration.ranksByFeatures ? 0 : configuration.candidates
        batchSize = configuration.testBatchSize
    }
}
