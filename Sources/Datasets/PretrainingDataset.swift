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
    /// Records tried in place of an unreadable image before the error is thrown.
    static let mostReplacements = 20

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

    /// Makes sure that every image file exists.
    /// - Throws: ``AnnotationError/missingImages(count:examples:)``
    public func checkImages() throws {
        var seen = Set<String>()
        var missing: [String] = []
        for record in records where seen.insert(record.image).inserted {
            let path = paths.resolve(record.image)
            if access(path, R_OK) != 0 { missing.append(path) }
        }
        guard missing.isEmpty else {
            throw AnnotationError.missingImages(
                count: missing.count, examples: Array(missing.prefix(3)))
        }
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
        let side = options.transform.side
        let pixelCount = 3 * side * side
        var captions: [String] = []
        var concepts: [String] = []
        var skipped: [String] = []
        let pixels = try [Float](unsafeUninitializedCapacity: indices.count * pixelCount) {
            buffer, filled in
            for (row, first) in indices.enumerated() {
                var random = SeededGenerator(seed.0, seed.1, UInt64(first))
                var index = first
                var image: RGBImage?
                while image == nil {
                    do {
                        image = try self.image(index)
                    } catch let error as ImageError {
                        skipped.append("\(error)")
                        guard skipped.count <= Self.mostReplacements else { throw error }
                        index = random.index(below: records.count)
                    }
                }
                guard let image else { continue }
                PixelNormalization.clip.normalize(
                    options.transform(image, using: &random),
                    into: UnsafeMutableBufferPointer(
                        rebasing: buffer[row * pixelCount..<(row + 1) * pixelCount]))
                let text = texts(of: index, using: &random)
                captions.append(text.caption)
                concepts.append(text.concepts)
            }
            filled = indices.count * pixelCount
        }
        return PretrainingArrays(
            pixels: pixels, side: side,
            captions: tokenizer.encode(captions, maxLength: options.captionTokens),
            concepts: options.usesConcepts
                ? tokenizer.encode(concepts, maxLength: options.conceptTokens) : nil,
            skipped: skipped)
    }

    private func image(_ index: Int) throws -> RGBImage {
        // A crop may take a fifth of the area, so a side is kept a good two times the result's.
        try ImageDecoder.decode(
            path: paths.resolve(records[index].image),
            shortSide: options.decodesReduced ? options.transform.side * 2 : nil)
    }
}
