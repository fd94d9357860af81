import Datasets

/// Visual entailment: whether an image entails a sentence, contradicts it or neither (SNLI-VE; Xie et al.
/// 2019).
public enum Entailment: SentenceTask {
    /// What model directories call it.
    public static let name = "entailment"
    /// Names of the tasks whose models can be used for this one.
    public static let accepted = [name, PretrainingTask.name]
    /// Of a page with results.
    public static let title = "Sentences about an image"
    /// What sentences are about.
    public static let kind = ClassificationModel.Kind.entailment

    /// The sentences of annotation files.
    public static func sentences(
        _ files: [String], _ configuration: ClassificationConfiguration, _ source: TaskSource
    ) throws -> [ClassifiedSentence] {
        try source.records(files, configuration.settings).map { (record: EntailmentRecord) in
            ClassifiedSentence(record, imageExtension: configuration.imageExtension)
        }
    }
}

/// Fine-tuning for visual entailment.
public typealias EntailmentTask = ClassificationTask<Entailment>

extension ClassificationModel.Kind {
    /// Contradiction, neutral or entailment, in the order of the official labels.
    public static let entailment = ClassificationModel.Kind(
        classNames: EntailmentLabel.allCases.map(\.name), imagesPerSentence: 1)
}

extension ClassifiedSentence {
    /// A record of visual entailment, whose image lacks its extension.
    public init(_ record: EntailmentRecord, imageExtension: String = ".jpg") {
        self.init(
            images: [record.image + imageExtension], sentence: record.sentence,
            label: record.label.rawValue, concepts: [record.concepts], group: nil)
    }
}
