import Batches
import Configuration
import Datasets
import Reports
import Torch
import Training
import ViCHA

/// A task of sentences that belong to classes: what is asked of them, and how its records become sentences.
public protocol SentenceTask: Sendable {
    /// What model directories call it.
    static var name: String { get }
    /// Names of the tasks whose models can be used for this one.
    static var accepted: [String] { get }
    /// Of a page with results.
    static var title: String { get }
    /// What sentences are about.
    static var kind: ClassificationModel.Kind { get }

    /// The sentences of annotation files.
    /// - Throws: `AnnotationError`
    static func sentences(
        _ files: [String], _ configuration: ClassificationConfiguration, _ source: TaskSource
    ) throws -> [ClassifiedSentence]
}

/// Fine-tuning for sentences that belong to classes (Li et al. 2021, section 5).
public struct ClassificationTask<Sentences: SentenceTask>: EvaluatedTask {
    /// What model directories call it.
    public static var name: String { Sentences.name }
    /// Names of the tasks whose models can be used for this one.
    public static var accepted: [String] { Sentences.accepted }
    /// The model that is trained.
    public let model: ClassificationModel
    /// Sizes and settings.
    public let configuration: ClassificationConfiguration
    /// What is trained on.
    public let dataset: SentenceDataset
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
    /// - Throws: `ConfigurationKeyError`
    public init(
        _ configuration: ClassificationConfiguration, model: ClassificationModel,
        dataset: SentenceDataset, sets: EvaluationSets<SentenceDataset>, workers: Int = 2
    ) throws {
        try configuration.validate()
        self.configuration = configuration.resolved(for: model.kind)
        self.model = model
        self.dataset = dataset
        self.sets = sets
        self.workers = workers
    }

    /// Reads what is trained on, and what is evaluated after each epoch.
    public init(
        _ configuration: ClassificationConfiguration, model: ClassificationModel,
        source: TaskSource, workers: Int
    ) throws {
        let source = source.inside(configuration.fineTuning.imageRoot)
        try self.init(
            configuration, model: model,
            dataset: Self.dataset(
                Sentences.sentences(configuration.settings.trainFiles, configuration, source),
                configuration, source), sets: Self.sets(configuration, source),
            workers: workers)
    }

    /// Makes the model of a configuration.
    public static func model(
        _ configuration: ClassificationConfiguration, isTrained: Bool, seed: UInt64?,
        device: Device
    ) throws -> ClassificationModel {
        try ClassificationModel(
            configuration.settings.model, Sentences.kind,
            distills: isTrained && configuration.fineTuning.distills, seed: seed, device: device)
    }

    /// The momentum model.
    public var teacher: MomentumTeacher? { model.teacher }

    /// The loss.
    public func losses(_ batch: ClassificationBatch, _ step: TrainingStep) throws -> TrainingLosses
    {
        let loss = try model.loss(
            batch.to(device: step.device),
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
                .init(
                    configuration, model.kind, ComputeOptions(device: device, workers: workers)))
            return ([("acc", evaluation.accuracy)], evaluation.accuracy)
        }
    }

    private static func dataset(
        _ sentences: [ClassifiedSentence], _ configuration: ClassificationConfiguration,
        _ source: TaskSource
    ) -> SentenceDataset {
        SentenceDataset(
            sentences: sentences, paths: source.images, tokenizer: source.tokenizer,
            options: ImageTextOptions(configuration, Sentences.kind))
    }

    /// The sets that a configuration names.
    private static func sets(_ configuration: ClassificationConfiguration, _ source: TaskSource)
        throws -> EvaluationSets<SentenceDataset>
    {
        func set(_ file: String) throws -> SentenceDataset {
            try dataset(
                source.evaluated(
                    Sentences.sentences([file], configuration, source), of: [file],
                    configuration.settings
                ) { $0.images.map(source.images.resolve) }, configuration, source)
        }
        return .init(
            validation: try configuration.validationFile.map(set),
            test: try configuration.testFile.map(set))
    }

    /// Accuracy beside that of always naming the commonest class, and what is taken for what.
    public static func evaluate(
        _ configuration: ClassificationConfiguration, _ model: ClassificationModel,
        _ source: TaskSource, _ options: EvaluationRun
    ) throws -> EvaluationReport {
        let sets = try sets(configuration, source.inside(configuration.fineTuning.imageRoot)).named
        guard !sets.isEmpty else { throw ConfigurationKeyError.noEvaluationSet }
        var report = EvaluationReport(title: Sentences.title)
        for (name, set) in sets {
            let evaluation = try ClassificationEvaluation(
                set, model, .init(configuration, model.kind, options.compute))
            let part = SentencePage(
                set: set, evaluation: evaluation, labels: model.kind.classNames)
            let title = "\(name): \(set.sentences.count) sentences"
            report.lines += [title, part.text]
            report.results += evaluation.results.map { ("\(name)_\($0.name)", $0.value) }
            report.page.body += "<h3>\(title)</h3>\(part.tables)"
            report.page.body += try part.gallery(options.chosen(of: set.sentences.count))
        }
        return report
    }
}

extension ConfigurationKeyError {
    /// A configuration without anything to evaluate on.
    static let noEvaluationSet = ConfigurationKeyError(
        key: "test_file", expected: "an annotation file, here or as val_file")
}

extension ImageTextOptions {
    /// How a configuration wants sentences and images of training.
    public init(_ configuration: ClassificationConfiguration, _ kind: ClassificationModel.Kind) {
        // A pair has two images, mirrored each on its own: left and right mean nothing there.
        self.init(
            configuration.settings, swapsSides: !kind.isOfPairs,
            textTokens: configuration.textTokens(kind))
        conceptTokens = configuration.conceptTokens(kind)
    }
}

extension ClassificationConfiguration {
    /// Tokens kept of a sentence. Those of NLVR2 are not cut, as in the official code.
    public func textTokens(_ kind: ClassificationModel.Kind) -> Int {
        kind.isOfPairs ? settings.model.text.maxPositions : settings.fineTuningTextTokens
    }

    /// Tokens kept of the concepts of an image, which the official code does not cut for NLVR2 either.
    public func conceptTokens(_ kind: ClassificationModel.Kind) -> Int {
        kind.isOfPairs && settings.model.compatibility == .official
            ? settings.model.text.maxPositions : settings.conceptTokens
    }
}
