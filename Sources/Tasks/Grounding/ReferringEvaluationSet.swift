import Batches
import Datasets
import Files
import Images
import Text
import Torch

/// A batch of phrases with the images that they are to be found in.
public struct ReferringBatch: TensorBatch {
    /// Each image once.
    public let images: ImageBatch
    /// One row a phrase, padded to the longest.
    public let texts: TokenBatch
    /// The image of each phrase. int64 `[B]`
    public let imageOfText: Tensor

    /// The same with each tensor changed.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> ReferringBatch {
        try ReferringBatch(
            images: images.map(change), texts: texts.map(change), imageOfText: change(imageOfText))
    }
}

/// Phrases with the images that they are to be found in.
public struct ReferringEvaluationSet: Sendable {
    /// One phrase each, in the order of the file.
    public let records: [ReferringRecord]
    /// Where images lie, and how texts become tokens.
    public let source: TaskSource
    private let options: EvaluationOptions

    /// Describes a set; no image is read yet.
    ///
    /// - Parameters:
    ///   - records: the phrases
    ///   - source: where images lie, and how texts become tokens
    ///   - options: how records become inputs
    public init(records: [ReferringRecord], source: TaskSource, options: EvaluationOptions) {
        self.records = records
        self.source = source
        self.options = options
    }

    /// Some phrases with their images, and what is wrong with damaged ones.
    /// - Throws: `ImageError`
    public func batch(_ range: Range<Int>) throws -> (
        batch: ReferringBatch, damages: [ImageError]
    ) {
        var names: [String] = []
        var concepts: [[String]] = []
        var places: [ExactString: Int] = [:]
        let imageOfText = records[range].map { record -> Int in
            let name = ExactString(record.image)
            if let place = places[name] { return place }
            places[name] = names.count
            names.append(record.image)
            concepts.append(record.concepts ?? [])
            return names.count - 1
        }
        let (images, damages) = try ImageBatch.read(
            names.map(source.images.resolve), concepts: concepts, tokenizer: source.tokenizer,
            options)
        let batch = ReferringBatch(
            images: images,
            texts: source.tokenizer.batch(
                records[range].map { CaptionCleaning.caption($0.text) },
                maxLength: options.textTokens),
            imageOfText: Tensor(imageOfText))
        return (batch, damages)
    }
}
