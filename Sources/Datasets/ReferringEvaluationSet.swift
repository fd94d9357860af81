import Files
import Foundation
import Images
import Text

/// The arrays of a batch of phrases with their images.
public struct ReferringArrays: Sendable {
    /// Each image once, with its concepts.
    public var images: ImageArrays
    /// One row a phrase, padded to the longest.
    public var texts: EncodedBatch
    /// The image of each phrase.
    public var imageOfText: [Int]
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

    /// Some phrases with their images.
    /// - Throws: `ImageError`
    public func batch(_ range: Range<Int>) throws -> ReferringArrays {
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
        return ReferringArrays(
            images: try ImageArrays(
                names.map(paths.resolve), concepts: concepts, tokenizer: tokenizer, options),
            texts: tokenizer.encode(
                records[range].map { CaptionCleaning.caption($0.text) }, maxLength: maxTokens),
            imageOfText: imageOfText)
    }
}
