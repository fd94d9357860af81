import Batches
import Datasets
import Files
import Torch
import Training
import ViCHA

/// Fine-tuning for image-text retrieval (Li et al. 2021, section 5).
public enum RetrievalTask: MatchingTask {
    /// What model directories call it.
    public static let name = "retrieval"

    /// Captions with their images.
    public static func pairs(of records: RecordList<RetrievalRecord>) throws
        -> RecordList<ImageTextPair>
    { try ImageTextPair.pairs(of: records) }

    /// Images are cropped as in pretraining.
    public static func inputs(_ settings: TrainingSettings) -> ImageTextOptions {
        ImageTextOptions(settings, textTokens: settings.fineTuningTextTokens)
    }

    /// The sets that a configuration names.
    public static func evaluated(
        _ configuration: RetrievalConfiguration, _ model: RetrievalModel, _ source: TaskSource
    ) throws -> EvaluationSets<RetrievalEvaluationSet>? {
        let settings = configuration.settings
        let source = source.inside(configuration.fineTuning.imageRoot)
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
        return try EvaluationSets(
            validation: configuration.validationFile.map(set), test: configuration.testFile.map(set)
        ).orNil
    }

    /// Recall on the validation and the test set.
    public static func evaluate(
        _ sets: EvaluationSets<RetrievalEvaluationSet>, of run: TaskRun<RetrievalTask>,
        _ compute: ComputeOptions
    ) throws -> EpochEvaluation? {
        try sets.evaluated { set in
            let evaluation = try RetrievalEvaluation(
                set, run.model.scorer, .init(run.configuration, compute))
            let metrics = evaluation.matchingMetrics ?? evaluation.dualMetrics
            return (metrics.named, metrics.mean)
        }
    }
}

/// A task that a ``RetrievalModel`` learns: retrieval, and grounding as retrieval of referring expressions.
public protocol MatchingTask: EvaluatedTask
where Model == RetrievalModel, Dataset == ImageTextDataset, Configuration: FineTuningConfiguration {
    /// A record of the annotation files.
    associatedtype Record: AnnotationRecord

    /// What records are trained on as.
    static func pairs(of records: RecordList<Record>) throws -> RecordList<ImageTextPair>

    /// How pairs become inputs.
    static func inputs(_ settings: TrainingSettings) -> ImageTextOptions
}

extension MatchingTask {
    /// Both tasks, and pretraining.
    public static var accepted: [String] {
        [RetrievalTask.name, GroundingTask.name, PretrainingTask.name]
    }

    /// Makes the model of a configuration.
    public static func model(
        _ configuration: Configuration, isTrained: Bool, seed: UInt64?, device: Device
    ) throws -> RetrievalModel {
        try RetrievalModel(
            configuration.settings.model, isTrained: isTrained, seed: seed, device: device)
    }

    /// Texts with their images.
    public static func dataset(_ configuration: Configuration, _ source: TaskSource) throws
        -> ImageTextDataset
    {
        let settings = configuration.settings
        return source.inside(configuration.fineTuning.imageRoot).dataset(
            try pairs(of: source.trainingRecords(settings)), inputs(settings))
    }

    /// Features of earlier steps.
    public static func queue(of model: RetrievalModel) -> FeatureQueue? { model.queue }

    /// Both losses of pairs, whose negatives are drawn.
    public static func losses(
        _ batch: ImageTextBatch, of run: TaskRun<Self>, _ step: TrainingStep
    ) throws -> TrainingLosses {
        let noise = Tensor.uniform([2, batch.count, batch.count], generator: step.draws)
        let losses = try run.model.losses(
            batch.to(device: step.device), .drawn(noise: noise.to(device: step.device)),
            alpha: run.alpha(step), dropout: step.dropout)
        return TrainingLosses(
            total: losses.total, parts: [("loss_itm", losses.itm), ("loss_ita", losses.ita)],
            features: losses.features)
    }
}
