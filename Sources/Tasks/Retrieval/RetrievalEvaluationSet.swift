import Batches
import Datasets
import Files
import Images
import Text

/// Images and texts that are scored against each other, as inputs of a model.
public struct RetrievalInputs: Sendable {
    /// Image files.
    public let images: [String]
    /// The texts, as they are tokenized.
    public let texts: [String]
    private let concepts: [[String]]
    private let tokenizer: WordPieceTokenizer
    private let options: EvaluationOptions

    /// Describes images and texts; no image is read yet.
    ///
    /// - Parameters:
    ///   - images: image files
    ///   - concepts: of each image
    ///   - texts: captions or queries, not cleaned yet
    ///   - tokenizer: cuts texts and concepts into tokens
    ///   - options: how they become inputs
    public init(
        images: [String], concepts: [[String]], texts: [String], tokenizer: WordPieceTokenizer,
        options: EvaluationOptions
    ) {
        self.images = images
        self.concepts = concepts
        self.texts = texts.map { CaptionCleaning.caption($0) }
        self.tokenizer = tokenizer
        self.options = options
    }

    /// Some of the images with their concepts, and what is wrong with damaged ones.
    /// - Throws: `ImageError`
    public func images(_ range: Range<Int>) throws -> (batch: ImageBatch, damages: [ImageError]) {
        try ImageBatch.read(
            Array(images[range]), concepts: Array(concepts[range]), tokenizer: tokenizer, options)
    }

    /// Some of the texts, padded to one length.
    public func encodedTexts(_ range: Range<Int>) -> TokenBatch {
        tokenizer.batch(
            Array(texts[range]), maxLength: options.textTokens,
            padding: .length(options.textTokens))
    }
}

/// Images and all their captions, to be found by each other.
public struct RetrievalEvaluationSet: Sendable {
    /// One image each.
    public let records: [RetrievalRecord]
    /// The images, and all captions, those of one image together.
    public let inputs: RetrievalInputs
    /// The record that each text belongs to.
    public let imageOfText: [Int]
    /// Records whose image another record before had too.
    public let repeatedImages: Int

    /// Describes a set; no image is read yet.
    public init(
        records: [RetrievalRecord], paths: ImagePaths, tokenizer: WordPieceTokenizer,
        options: EvaluationOptions
    ) {
        let merged = Self.merged(records)
        repeatedImages = records.count - merged.count
        let records = options.mergesRepeatedImages ? merged : records
        self.records = records
        inputs = RetrievalInputs(
            images: records.map { paths.resolve($0.image) },
            concepts: records.map { $0.concepts ?? [] }, texts: records.flatMap(\.captions),
            tokenizer: tokenizer, options: options)
        imageOfText = records.enumerated().flatMap { index, record in
            record.captions.map { _ in index }
        }
    }

    /// One record for each image, with the captions of all records of it.
    private static func merged(_ records: [RetrievalRecord]) -> [RetrievalRecord] {
        var places: [ExactString: Int] = [:]
        var result: [RetrievalRecord] = []
        for record in records {
            let name = ExactString(record.image)
            guard let place = places[name] else {
                places[name] = result.count
                result.append(record)
                continue
            }
            let first = result[place]
            result[place] = RetrievalRecord(
                image: first.image, captions: first.captions + record.captions,
                imageID: first.imageID, concepts: first.concepts)
        }
        return result
    }
}
