import Batches
import Configuration
import Datasets
import Files
import Foundation
import Torch
import Training
import ViCHA

/// Fine-tuning for grounding: retrieval of referring expressions (Li et al. 2021, section 5).
public enum GroundingTask: MatchingTask {
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

    /// Phrases with their images.
    public static func pairs(of records: RecordList<ReferringRecord>) throws
        -> RecordList<ImageTextPair>
    { try ImageTextPair.pairs(of: records) }

    /// Images stay whole, so that the phrase's object is in them.
    public static func inputs(_ settings: TrainingSettings) -> ImageTextOptions {
        ImageTextOptions(
            settings, framing: .whole(side: settings.model.vision.imageSize), swapsSides: true,
            textTokens: settings.fineTuningTextTokens)
    }

    /// The phrases of test_file with what they mean.
    public static func evaluated(
        _ configuration: GroundingConfiguration, _ model: RetrievalModel, _ source: TaskSource
    ) throws -> EvaluationData? {
        guard
            let data = try EvaluationData(
                configuration, source.inside(configuration.fineTuning.imageRoot))
        else { return nil }
        try model.heatMapper.check(configuration.attention)
        return data
    }

    /// Accuracy on each split; the best checkpoint is that of `val`, or of all splits where it is
    /// missing.
    public static func evaluate(
        _ data: EvaluationData, of run: TaskRun<GroundingTask>, _ compute: ComputeOptions
    ) throws -> EpochEvaluation? {
        let evaluation = try GroundingEvaluation(
            data, run.model.heatMapper, .init(run.configuration, compute))
        let accuracy = evaluation.accuracy
        guard !accuracy.isEmpty else { return nil }
        let mean = accuracy.map(\.share).reduce(0, +) / Double(accuracy.count)
        return EpochEvaluation(
            results: accuracy.map { ("\($0.split)_d", $0.share) },
            score: accuracy.first { $0.split == GroundingEvaluation.splits[0] }?.share ?? mean)
    }

    /// Right boxes of each split beside those of a random choice, and how often maps point at the truth.
    public static func report(
        on trained: TrainedModel<GroundingTask>, _ source: TaskSource, _ options: EvaluationRun
    ) throws -> EvaluationReport {
        let (configuration, model) = (trained.configuration, trained.model)
        guard let data = try evaluated(configuration, model, source) else {
            throw ConfigurationKeyError(key: "test_file", expected: "a list of annotation files")
        }
        var evaluation = GroundingEvaluation.Options(configuration, options.compute)
        evaluation.examples = options.examples ?? 0
        let measured = try GroundingEvaluation(data, model.heatMapper, evaluation)
        let part = GroundingPage(evaluation: measured, paths: data.set.source.images)
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
        var inputs = EvaluationOptions(settings)
        // Phrases are not cut, as in the official code.
        inputs.textTokens = settings.model.text.maxPositions
        self.init(
            set: ReferringEvaluationSet(
                records: try source.evaluated(
                    source.records(configuration.testFiles, settings),
                    of: configuration.testFiles, settings
                ) { (record: ReferringRecord) in [source.images.resolve(record.image)] },
                source: source, options: inputs),
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
