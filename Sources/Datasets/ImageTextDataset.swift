import Batches
import Files
import Foundation
import Images
import Text
import Torch

/// How images with texts become model inputs.
public struct ImageTextOptions: Sendable {
    /// What is done to images.
    public var transform: ImageTransform
    /// Tokens kept of a text, with its class token.
    public var textTokens = 25
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
    /// Which files are read.
    public var acceptance = ImageAcceptance()
    /// Whether the words left and right change places in the text of a mirrored image.
    public var swapsSides = false

    /// The official lengths, with all concepts.
    public init(transform: ImageTransform) { self.transform = transform }

    /// Joined concepts of images as a batch, nil where they are not read.
    public func conceptBatch(_ concepts: [String], _ tokenizer: WordPieceTokenizer) -> TokenBatch? {
        usesConcepts ? tokenizer.batch(concepts, maxLength: conceptTokens) : nil
    }

    /// The concepts of an image, or those that training draws, as one text.
    public func joined(_ concepts: [String], using random: inout SeededGenerator) -> String {
        var drawn = concepts
        if let share = drawnConceptShare, !concepts.isEmpty {
            drawn = (0..<Int(share * Double(concepts.count))).map { _ in
                concepts[random.index(below: concepts.count)]
            }
        }
        return drawn.joined(separator: separatesConcepts ? " [SEP] " : " ")
    }
}

/// An image with its texts, as training sees it.
public struct ImageTextPair: Sendable, Equatable {
    /// Path as it stands in the annotation file.
    public let image: String
    /// Of several, each epoch draws one.
    public let texts: [String]
    /// Visual concepts, best first; nil where the file has none.
    public let concepts: [String]?
    /// Equal for pairs of one image.
    public let identity: Int

    /// The pairs of pretraining, each of which counts as an image of its own.
    public static func pairs(of records: RecordList<PretrainingRecord>)
        -> RecordList<ImageTextPair>
    {
        records.mapped { index, record in
            ImageTextPair(
                image: record.image, texts: record.captions, concepts: record.concepts,
                identity: index)
        }
    }

    /// The pairs of retrieval; those with one `image_id` are of one image. Where there is none, the
    /// path names the image.
    /// - Throws: ``AnnotationError``
    public static func pairs(of records: RecordList<RetrievalRecord>) throws
        -> RecordList<ImageTextPair>
    {
        let identities = try identities(records) { $0.imageID ?? $0.image }
        return records.mapped {
            ImageTextPair(
                image: $1.image, texts: $1.captions, concepts: $1.concepts,
                identity: Int(identities[$0]))
        }
    }

    /// The pairs of grounding; those whose image files have one name are of one image, as in the
    /// official data set.
    /// - Throws: ``AnnotationError``
    public static func pairs(of records: RecordList<ReferringRecord>) throws
        -> RecordList<ImageTextPair>
    {
        let identities = try identities(records) { ($0.image as NSString).lastPathComponent }
        return records.mapped {
            ImageTextPair(
                image: $1.image, texts: [$1.text], concepts: $1.concepts,
                identity: Int(identities[$0]))
        }
    }

    /// The number of each record's name, in the order of their first appearance.
    private static func identities<Record>(
        _ records: RecordList<Record>, _ name: (Record) -> String
    ) throws -> [Int32] {
        var numbers: [ExactString: Int32] = [:]
        var identities: [Int32] = []
        identities.reserveCapacity(records.count)
        try records.visit {
            let next = Int32(numbers.count)
            let name = ExactString(name($0))
            let number = numbers[name] ?? next
            if number == next { numbers[name] = next }
            identities.append(number)
        }
        return identities
    }
}

/// Images with texts for training.
public struct ImageTextDataset: TrainingDataset {
    /// What is drawn from.
    public let pairs: RecordList<ImageTextPair>
    /// Where the images lie.
    public let paths: ImagePaths
    /// How pairs become inputs.
    public let options: ImageTextOptions
    /// Cuts texts into tokens.
    public let tokenizer: WordPieceTokenizer

    /// Describes a data set; no file is read yet.
    public init(
        pairs: RecordList<ImageTextPair>, paths: ImagePaths, tokenizer: WordPieceTokenizer,
        options: ImageTextOptions
    ) {
        self.pairs = pairs
        self.paths = paths
        self.tokenizer = tokenizer
        self.options = options
    }

    /// Number of pairs.
    public var count: Int { pairs.count }

    /// The images of the pairs.
    public var images: TrainingImages {
        TrainingImages(names: pairs.mapped { [$1.image] }, paths: paths, options)
    }

    /// The text and the joined concepts of a pair, as they are tokenized.
    /// - Throws: ``AnnotationError``
    public func texts(of index: Int, isMirrored: Bool, using random: inout SeededGenerator) throws
        -> (text: String, concepts: String)
    { texts(of: try pairs[index], isMirrored: isMirrored, using: &random) }

    private func texts(
        of pair: ImageTextPair, isMirrored: Bool, using random: inout SeededGenerator
    ) -> (text: String, concepts: String) {
        let text = pair.texts[pair.texts.count == 1 ? 0 : random.index(below: pair.texts.count)]
        let concepts = options.joined(pair.concepts ?? [], using: &random)
        let cleaned = CaptionCleaning.caption(text)
        return (
            options.swapsSides && isMirrored ? CaptionCleaning.sidesSwapped(cleaned) : cleaned,
            concepts
        )
    }

    /// The batch of the given pairs. Every sample draws from a stream of its own, made from
    /// `seed`, so that the result does not depend on who makes it when.
    ///
    /// - Returns: the batch, and records whose images could not be read and were replaced
    /// - Throws: ``ReplacementError`` where image after image cannot be read, ``AnnotationError``
    public func batch(_ indices: [Int], seed: (UInt64, UInt64)) throws -> (
        batch: ImageTextBatch, skipped: [UnreadableRecord]
    ) {
        var texts: [String] = []
        var concepts: [String] = []
        var identities: [Int] = []
        let (pixels, skipped) = try images.batch(indices, seed: seed) { sample, random in
            let pair = try pairs[sample.index]
            let text = self.texts(of: pair, isMirrored: sample.isMirrored, using: &random)
            texts.append(text.text)
            concepts.append(text.concepts)
            identities.append(pair.identity)
        }
        let batch = ImageTextBatch(
            images: ImageBatch(
                pixels: pixels, concepts: options.conceptBatch(concepts, tokenizer)),
            texts: tokenizer.batch(texts, maxLength: options.textTokens),
            identities: Tensor(identities))
        return (batch, skipped)
    }
}
