import Datasets

/// Whether a sentence is true of two images (NLVR2; Suhr et al. 2019).
public enum ImagePairs: SentenceTask {
    /// What model directories call it.
    public static let name = "image pairs"
    /// Names of the tasks whose models can be used for this one.
    public static let accepted = [name, TextAssignmentTask.name, PretrainingTask.name]
    /// Of a page with results.
    public static let title = "Sentences about two images"
    /// What sentences are about.
    public static let kind = ClassificationModel.Kind.imagePair

    /// The sentences of annotation files.
    public static func sentences(
        _ files: [String], _ configuration: ClassificationConfiguration, _ source: TaskSource
    ) throws -> [ClassifiedSentence] {
        try source.records(files, configuration.settings).map {
            ClassifiedSentence($0 as PairRecord)
        }
    }
}

/// Fine-tuning for sentences about two images.
public typealias ImagePairTask = ClassificationTask<ImagePairs>

extension ClassificationModel.Kind {
    /// False or true of two images.
    public static let imagePair = ClassificationModel.Kind(
        classNames: ["false", "true"], imagesPerSentence: 2)
}

extension ClassifiedSentence {
    /// A record of NLVR2; true is class 1.
    public init(_ record: PairRecord) {
        self.init(
            images: record.images, sentence: record.sentence, label: record.isTrue ? 1 : 0,
            concepts: [record.leftConcepts, record.rightConcepts],
            // All but the last part names the sentence, the last one the pair.
            group: record.identifier.map {
                $0.unicodeScalars.split(separator: "-").dropLast().map { String($0) }
                    .joined(separator: "-")
            })
    }
}
