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
public enum ClassificationTask<Sentences: SentenceTask>: EvaluatedTask {
    /// What model directories call it.
    public static var name: String { Sentences.name }
    /// Names of the tasks whose models can be used for this one.
    public static var accepted: [String] { Sentences.accepted }

    /// Makes the model of a configuration.
    public static func model(
        _ configuration: ClassificationConfiguration, isTrained: Bool, seed: UInt64?, device: Device
    ) throws -> ClassificationModel {
        try ClassificationModel(
            configuration.settings.model, Sentences.kind,
            distills: isTrained && configuration.fineTuning.distills, seed: seed, device: device)
    }

    /// The sentences of train_file.
    public static func dataset(_ configuration: ClassificationConfiguration, _ source: TaskSource)
        throws -> SentenceDataset
    { try dataset(configuration.settings.trainFiles, configuration, source) { $1 } }

    /// The sets that a configuration names.
    public static func evaluated(
        _ configuration: ClassificationConfiguration, _ model: ClassificationModel,
        _ source: TaskSource
    ) throws -> EvaluationSets<SentenceDataset>? {
        func set(_ file: String) throws -> SentenceDataset {
            try dataset([file], configuration, source) { source, sentences in
                try source.evaluated(sentences, of: [file], configuration.settings) {
                    $0.images.map(source.images.resolve)
                }
            }
        }
        return try EvaluationSets(
            validation: configuration.validationFile.map(set), test: configuration.testFile.map(set)
        ).orNil
    }

    private static func dataset(
        _ files: [String], _ configuration: ClassificationConfiguration, _ source: TaskSource,
        keeping kept: (TaskSource, [ClassifiedSentence]) throws -> [ClassifiedSentence]
    ) throws -> SentenceDataset {
        let source = source.inside(configuration.fineTuning.imageRoot)
        return SentenceDataset(
            sentences: try kept(source, Sentences.sentences(files, configuration, source)),
            paths: source.images, tokenizer: source.tokenizer,
            options: ImageTextOptions(configuration, Sentences.kind))
    }

    /// Accuracy on the validation and the test set.
    public static func evaluate(
        _ sets: EvaluationSets<SentenceDataset>, of run: TaskRun<Self>, _ compute: ComputeOptions
    ) throws -> EpochEvaluation? {
        try sets.evaluated { set in
            let evaluation = try ClassificationEvaluation(
                set, run.model, .init(run.configuration, run.model.kind, compute))
            return ([("acc", evaluation.accuracy)], evaluation.accuracy)
        }
    }

    /// Accuracy beside that of always naming the commonest class, and what is taken for what.
    public static func report(
        on trained: TrainedModel<Self>, _ source: TaskSource, _ options: EvaluationRun
    ) throws -> EvaluationReport {
        let kind = trained.model.kind
        return try report(Sentences.title, on: trained, source) { name, set, report in
            let evaluation = try ClassificationEvaluation(
                set, trained.model, .init(trained.configuration, kind, options.compute))
            let part = SentencePage(set: set, evaluation: evaluation, labels: kind.classNames)
            let title = "\(name): \(set.sentences.count) sentences"
            report.lines += [title, part.text]
            report.results += evaluation.results.map { ("\(name)_\($0.name)", $0.value) }
            report.page.body += "<h3>\(title)</h3>\(part.tables)"
            report.page.body += try part.gallery(options.chosen(of: set.sentences.count))
        }
    }
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
