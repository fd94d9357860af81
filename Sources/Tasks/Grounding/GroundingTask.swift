import Batches
import Configuration
import Datasets
import Files
import Foundation
import Torch
import Training
import ViCHA

/// Fine-tuning for grounding: retrieval of referring expressions (Li et al. 2021, section 5).
public struct GroundingTask: EvaluatedTask {
    /// What the model is evaluated on.
    public struct EvaluationData: Sendable {
        /// The phrases.
        public var set: ReferringEvaluationSet
        /// What they mean.
        public var references: ReferenceIndex
        /// The boxes to choose from, by image.
        public var detections: [Int: [Box]]

        /// Phrases that are all in the references.
        public init(
            set: ReferringEvaluationSet, references: ReferenceIndex, detections: [Int: [Box]]
        ) {
            self.set = set
            self.references = references
            self.detections = detections
        }
    }

    /// What model directories call it.
    public static let name = "grounding"
    /// Names of the tasks whose models can be used for this one.
    public static let accepted = [name, RetrievalTask.name, PretrainingTask.name]
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
    /// - Throws: `ConfigurationKeyError`
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

    /// Training shows whole images, so that the phrase's object is in them.
    public init(
        _ configuration: GroundingConfiguration, model: RetrievalModel, source: TaskSource,
        workers: Int
    ) throws {
        let settings = configuration.settings
        let source = source.inside(configuration.fineTuning.imageRoot)
        let records: RecordList<ReferringRecord> = try source.trainingRecords(
            settings.trainFiles, settings)
        try self.init(
            configuration, model: model,
            dataset: source.dataset(
                ImageTextPair.pairs(of: records),
                ImageTextOptions(
                    settings, framing: .whole(side: settings.model.vision.imageSize),
                    swapsSides: true, textTokens: settings.fineTuningTextTokens)),
            data: EvaluationData(configuration, source), workers: workers)
    }

    /// Makes the model of a configuration.
    public static func model(
        _ configuration: GroundingConfiguration, isTrained: Bool, seed: UInt64?, device: Device
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
    public var isEvaluated: Bool { data != nil }

    /// Accuracy on each split; the best checkpoint is that of `val`, or of all splits where it is
    /// missing.
    public func evaluate(on device: Device) throws -> EpochEvaluation? {
        guard let data else { return nil }
        let evaluation = try GroundingEvaluation(
            data.set, model.heatMapper, references: data.references, detections: data.detections,
            .init(configuration, ComputeOptions(device: device, workers: workers)))
        let accuracy = evaluation.accuracy
        guard !accuracy.isEmpty else { return nil }
        let mean = accuracy.map(\.share).reduce(0, +) / Double(accuracy.count)
        return EpochEvaluation(
            results: accuracy.map { ("\($0.split)_d", $0.share) },
            score: accuracy.first { $0.split == GroundingEvaluation.splits[0] }?.share ?? mean)
    }

    /// Right boxes of each split beside those of a random choice, and how often maps point at the truth.
    public static func evaluate(
        _ configuration: GroundingConfiguration, _ model: RetrievalModel, _ source: TaskSource,
        _ options: EvaluationRun
    ) throws -> EvaluationReport {
        let source = source.inside(configuration.fineTuning.imageRoot)
        guard let data = try EvaluationData(configuration, source) else {
            throw ConfigurationKeyError(key: "test_file", expected: "a list of annotation files")
        }
        var evaluation = GroundingEvaluation.Options(configuration, options.compute)
        evaluation.examples = options.examples ?? 0
        let measured = try GroundingEvaluation(
            data.set, model.heatMapper, references: data.references, detections: data.detections,
            evaluation)
        let part = GroundingPage(evaluation: measured, paths: data.set.paths)
        var report = EvaluationReport(
            title: "Grounding: \(configuration.heatMode.rawValue), \(configuration.block)")
        report.lines = part.lines
        report.results =
            measured.accuracy.map { ("\($0.split)_d", $0.share) }
            + measured.chance.map { ("\($0.split)_chance", $0.share) }
        report.page.body = try part.table + part.gallery()
        return report
    }
}

extension GroundingTask.EvaluationData {
    /// The phrases of test_file with what they mean, nil where there is no such file.
    fileprivate init?(_ configuration: GroundingConfiguration, _ source: TaskSource) throws {
        guard !configuration.testFiles.isEmpty else { return nil }
        let settings = configuration.settings
        let detections = try DetectionFile.load(source.file(configuration.detectionFile))
        self.init(
            set: ReferringEvaluationSet(
                records: try source.evaluated(
                    source.records(configuration.testFiles, settings),
                    of: configuration.testFiles, settings
                ) { (record: ReferringRecord) in [source.images.resolve(record.image)] },
                paths: source.images, tokenizer: source.tokenizer,
                options: EvaluationOptions(settings),
                maxTokens: settings.model.text.maxPositions),
            references: try ReferenceIndex(
                directory: Self.referenceDirectory(configuration, source)),
            detections: detections)
    }

    /// The directory with references: that of the detector's file, or one beside the annotation
    /// files, of which the official code has the first.
    private static func referenceDirectory(
        _ configuration: GroundingConfiguration, _ source: TaskSource
    ) -> String {
        let ofDetections = configuration.detectionFile.parentDirectory
        let candidates = ([ofDetections] + ["refcoco+", "refcoco", "refcocog"])
            .filter { !$0.isEmpty }.map(source.file)
        return candidates.first { FileManager.default.fileExists(atPath: $0 + "/instances.json") }
            ?? source.file("refcoco+")
    }
}

extension GroundingEvaluation.Options {
    /// How a configuration wants an evaluation.
    public init(_ configuration: GroundingConfiguration, _ compute: ComputeOptions) {
        self.init(attention: configuration.attention)
        self.compute = compute
        batchSize = configuration.batchSize
        compatibility = configuration.settings.model.compatibility
    }
}
