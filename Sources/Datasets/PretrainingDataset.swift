import Foundation
import Images
import Text

/// How records become model inputs.
public struct PretrainingOptions: Sendable {
    /// What is done to images.
    public var transform: ImageTransform
    /// Tokens kept of a caption, with its class token.
    public var captionTokens = 25
    /// Tokens kept of all concepts, with their class token.
    public var conceptTokens = 55
    /// Whether concepts are read at all.
    public var usesConcepts = true
    /// Whether concepts are joined by ` [SEP] ` instead of a space.
    public var separatesConcepts = false
    /// Share of concepts that training draws, with replacement; nil keeps all.
    public var drawnConceptShare: Double?
    /// Whether large JPEGs are decoded at a reduced scale; faster, with slightly other pixels.
    public var decodesReduced = false

    /// The official lengths, with all concepts.
    public init(transform: ImageTransform) { self.transform = transform }
}

/// The arrays of a batch, ready to become tensors.
public struct PretrainingArrays: Sendable {
    /// Normalised pixels. `[rows, 3, side, side]`
    public var pixels: [Float]
    /// Side of the images. pixels
    public var side: Int
    /// Encoded captions, one row a sample.
    public var captions: EncodedBatch
    /// nil where concepts are not read.
    public var concepts: EncodedBatch?
    /// Images that could not be read and were replaced by others, with the reason.
    public var skipped: [String]
}

/// Image-caption pairs for pretraining.
public struct PretrainingDataset: Sendable {
    /// What is drawn from.
    public let records: [PretrainingRecord]
    /// Where the images lie.
    public let paths: ImagePaths
    /// How records become inputs.
    public let options: PretrainingOptions
    private let tokenizer: WordPieceTokenizer

    /// Describes a data set; no file is read yet.
    public init(
        records: [PretrainingRecord], paths: ImagePaths, tokenizer: WordPieceTokenizer,
        options: PretrainingOptions
    ) {
        self.records = records
        self.paths = paths
        self.tokenizer = tokenizer
        self.options = options
    }

    /// The images of the records.
    public var images: TrainingImages {
        TrainingImages(
            records: records, paths: paths, transform: options.transform,
            decodesReduced: options.decodesReduced)
    }

    /// The caption and the joined concepts of a record, as they are tokenized.
    public func texts(of index: Int, using random: inout SeededGenerator) -> (
        caption: String, concepts: String
    ) {
        let record = records[index]
        let caption = record.captions[
            record.captions.count == 1 ? 0 : random.index(below: record.captions.count)]
        let all = record.concepts ?? []
        var concepts = all
        if let share = options.drawnConceptShare, !all.isEmpty {
            concepts = (0..<Int(share * Double(all.count))).map { _ in
                all[random.index(below: all.count)]
            }
        }
        return (
            CaptionCleaning.caption(caption),
            concepts.joined(separator: options.separatesConcepts ? " [SEP] " : " ")
        )
    }

    /// The batch of the given records. Every sample draws from a stream of its own, made from
    /// `seed`, so that the result does not depend on who makes it when.
    /// - Throws: ``ImageError`` where image after image cannot be read.
    public func batch(_ indices: [Int], seed: (UInt64, UInt64)) throws -> PretrainingArrays {
        var captions: [String] = []
        var concepts: [String] = []
        let (pixels, skipped) = try images.batch(indices, seed: seed) { index, random in
            let text = texts(of: index, using: &random)
            captions.append(text.caption)
            concepts.append(text.concepts)
        }
        return PretrainingArrays(
            pixels: pixels, side: options.transform.side,
            captions: tokenizer.encode(captions, maxLength: options.captionTokens),
            concepts: options.usesConcepts
                ? tokenizer.encode(concepts, maxLength: options.conceptTokens) : nil,
            skipped: skipped)
    }
}
