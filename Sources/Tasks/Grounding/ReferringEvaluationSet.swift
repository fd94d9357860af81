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
    /// Where the images lie.
    public let paths: ImagePaths
    private let tokenizer: WordPieceTokenizer
    private let options: EvaluationOptions
    /// Longest phrase. tokens
    private let maxTokens: Int

    /// Describes a set; no image is read yet.
    ///
    /// - Parameters:
    ///   - records: the phrases
    ///   - paths: where the images lie
    ///   - tokenizer: cuts phrases and concepts into tokens
    ///   - options: how records become inputs; phrases are not cut at `textTokens`, as in the
    ///     official code
    ///   - maxTokens: the longest sequence of the model
    public init(
        records: [ReferringRecord], paths: ImagePaths, tokenizer: WordPieceTokenizer,
        options: EvaluationOptions, maxTokens: Int
    ) {
        self.records = records
        self.paths = paths
        self.tokenizer = tokenizer
        self.options = options
        self.maxTokens = maxTokens
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
            names.map(paths.resolve), concepts: concepts, tokenizer: tokenizer, options)
        let batch = ReferringBatch(
            images: images,
            texts: tokenizer.batch(
                records[range].map { CaptionCleaning.caption($0.text) }, maxLength: maxTokens),
            imageOfText: Tensor(imageOfText))
        return (batch, damages)
    }
}
