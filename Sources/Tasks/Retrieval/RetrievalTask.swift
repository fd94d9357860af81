import Batches
import Configuration
import Datasets
import Files
import Torch
import Training
import ViCHA

/// Fine-tuning for image-text retrieval (Li et al. 2021, section 5).
public struct RetrievalTask: EvaluatedTask {
    /// What model directories call it.
    public static let name = "retrieval"
    /// Names of the tasks whose models can be used for this one.
    public static let accepted = [name, GroundingTask.name, PretrainingTask.name]
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
    /// - Throws: `ConfigurationKeyError`
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

    /// Reads what is trained on, and what is evaluated after each epoch.
    public init(
        _ configuration: RetrievalConfiguration, model: RetrievalModel, source: TaskSource,
        workers: Int
    ) throws {
        let settings = configuration.settings
        let source = source.inside(configuration.fineTuning.imageRoot)
        let records: RecordList<RetrievalRecord> = try source.trainingRecords(
            settings.trainFiles, settings)
        try self.init(
            configuration, model: model,
            dataset: source.dataset(
                ImageTextPair.pairs(of: records),
                ImageTextOptions(settings, textTokens: settings.fineTuningTextTokens)),
            sets: Self.sets(configuration, source), workers: workers)
    }

    /// Makes the model of a configuration.
    public static func model(
        _ configuration: RetrievalConfiguration, isTrained: Bool, seed: UInt64?, device: Device
    ) throws -> RetrievalModel {
        try RetrievalModel(
            configuration.settings.model, isTrained: isTrained, seed: seed, device: device)
    }

    /// The momentum model.
    public var teacher: MomentumTeacher? { model.teacher }

    /// Features of earlier steps.
    public var queue: FeatureQueue? { model.queue }

    /// Both losses.
    public func losses(_ batch: ImageTextBatch, _ step: TrainingStep) throws -> TrainingLosses {
        try model.losses(
            batch, alpha: configuration.settings.alpha(configuration.fineTuning, at: step), step)
    }

    /// Whether there is anything to evaluate on.
    public var isEvaluated: Bool { !sets.named.isEmpty }

    /// Recall on the validation and the test set.
    public func evaluate(on device: Device) throws -> EpochEvaluation? {
        try sets.evaluated { set in
            let evaluation = try RetrievalEvaluation(
                set, model.scorer,
                .init(configuration, ComputeOptions(device: device, workers: workers)))
            let metrics = evaluation.matchingMetrics ?? evaluation.dualMetrics
            return (metrics.named, metrics.mean)
        }
    }

    /// The sets that a configuration names.
    static func sets(_ configuration: RetrievalConfiguration, _ source: TaskSource) throws
        -> EvaluationSets<RetrievalEvaluationSet>
    {
        let settings = configuration.settings
        func set(_ file: String) throws -> RetrievalEvaluationSet {
            let set = RetrievalEvaluationSet(
                records: try source.evaluated(
                    source.records([file], settings), of: [file], settings
                ) { (record: RetrievalRecord) in [source.images.resolve(record.image)] },
                paths: source.images, tokenizer: source.tokenizer,
                options: EvaluationOptions(settings))
            if set.repeatedImages > 0 {
                let isMerged = settings.model.compatibility == .corrected
                StandardError.note(
                    "\(file): \(set.repeatedImages) records name an image that was there before; "
                        + (isMerged
                            ? "their captions are taken together"
                            : "each counts as an image of its own, as in the official code"))
            }
            if !configuration.ranksByFeatures, configuration.candidates > set.records.count {
                StandardError.note(
                    "\(file): k_test is \(configuration.candidates), but there are "
                        + "\(set.records.count) images; all of them are candidates")
            }
            return set
        }
        return .init(
            validation: try configuration.validationFile.map(set),
            test: try configuration.testFile.map(set))
    }
}

extension RetrievalModel {
    /// The losses of pairs, whose negatives are drawn.
    func losses(_ batch: ImageTextBatch, alpha: Double, _ step: TrainingStep) throws
        -> TrainingLosses
    {
        let noise = Tensor.uniform([2, batch.count, batch.count], generator: step.draws)
        let losses = try losses(
            batch.to(device: step.device), .drawn(noise: noise.to(device: step.device)),
            alpha: alpha, dropout: step.dropout)
        return TrainingLosses(
            total: losses.total, parts: [("loss_itm", losses.itm), ("loss_ita", losses.ita)],
            features: losses.features)
    }
}
