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
    /// One phrase each, those of one image together.
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
    ///   - records: the phrases; those of one image are brought together
    ///   - paths: where the images lie
    ///   - tokenizer: cuts phrases and concepts into tokens
    ///   - options: how records become inputs; phrases are not cut at `textTokens`, as in the
    ///     official code
    ///   - maxTokens: the longest sequence of the model
    public init(
        records: [ReferringRecord], paths: ImagePaths, tokenizer: WordPieceTokenizer,
        options: EvaluationOptions, maxTokens: Int
    ) {
        var places: [String: Int] = [:]
        let order = records.map { record -> Int in
            let place = places[record.image] ?? places.count
            places[record.image] = place
            return place
        }
        self.records = records.indices.sorted { (order[$0], $0) < (order[$1], $1) }
            .map { records[$0] }
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
        var imageOfText: [Int] = []
        for record in records[range] {
            if names.last != record.image {
                names.append(record.image)
                concepts.append(record.concepts ?? [])
            }
            imageOfText.append(names.count - 1)
        }
        return ReferringArrays(
            images: try ImageArrays(
                names.map(paths.resolve), concepts: concepts, tokenizer: tokenizer, options),
            texts: tokenizer.encode(
                records[range].map { CaptionCleaning.caption($0.text) }, maxLength: maxTokens),
            imageOfText: imageOfText)
    }
}
