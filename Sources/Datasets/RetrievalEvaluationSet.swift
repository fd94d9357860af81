import Files
import Foundation
import Images
import Text

/// How records of an evaluation become model inputs.
public struct EvaluationOptions: Sendable {
    /// Side of the model's images. pixels
    public var side: Int
    /// Tokens kept of a text, with its class token.
    public var textTokens = 25
    /// Tokens kept of all concepts, nil for a model without concepts.
    public var conceptTokens: Int? = 55
    /// Whether rows are padded to these lengths, as the official evaluations of retrieval and grounding
    /// do; otherwise to the longest.
    public var padsToLength = true
    /// Whether concepts are joined by ` [SEP] ` instead of a space.
    public var separatesConcepts = false
    /// Whether large JPEGs are decoded at a reduced scale; faster, with slightly other pixels.
    public var decodesReduced = false
    /// Which files are read. Those that are cut short are read as far as they go in any case.
    public var acceptance = ImageAcceptance()
    /// Whether records of one image are taken together. Otherwise each counts as an image of its own,
    /// which can only be right for the captions of one of them.
    public var mergesRepeatedImages = false

    /// The official lengths, with concepts.
    public init(side: Int) { self.side = side }
}

/// The arrays of a batch of images with their concepts.
public struct ImageArrays: Sendable {
    /// Normalised pixels. `[rows, 3, side, side]`
    public var pixels: [Float]
    /// Number of images.
    public var rows: Int
    /// Side of the images. pixels
    public var side: Int
    /// nil where concepts are not read.
    public var concepts: EncodedBatch?
    /// What is wrong with files that are cut short or damaged, of which the images show what there is.
    public private(set) var damages: [ImageError] = []

    /// Makes the value.
    init(pixels: [Float], rows: Int, side: Int, concepts: EncodedBatch?) {
        self.pixels = pixels
        self.rows = rows
        self.side = side
        self.concepts = concepts
    }

    /// Reads images, those that are cut short as far as they go.
    ///
    /// - Parameters:
    ///   - files: the image files
    ///   - concepts: of each
    ///   - tokenizer: cuts concepts into tokens
    ///   - options: how they become inputs
    /// - Throws: `ImageError`
    public init(
        _ files: [String], concepts: [[String]], tokenizer: WordPieceTokenizer,
        _ options: EvaluationOptions
    ) throws {
        side = options.side
        rows = files.count
        pixels = []
        pixels.reserveCapacity(rows * 3 * side * side)
        for file in files {
            let (image, damage) = try ImageDecoder.decodeAvailable(
                path: file, shortSide: options.decodesReduced ? 2 * side : nil,
                limit: options.acceptance.maxPixels)
            if let damage { damages.append(damage) }
            pixels += PixelNormalization.clip(image.resized(width: side, height: side))
        }
        let separator = options.separatesConcepts ? " [SEP] " : " "
        self.concepts = options.conceptTokens.map { length in
            tokenizer.encode(
                concepts.map { $0.joined(separator: separator) }, maxLength: length,
                padding: options.padsToLength ? .length(length) : .longest)
        }
    }
}

/// Images and all their captions, to be found by each other.
public struct RetrievalEvaluationSet: Sendable {
    /// One image each.
    public let records: [RetrievalRecord]
    /// All captions, those of one image together, as they are tokenized.
    public let texts: [String]
    /// The record that each text belongs to.
    public let imageOfText: [Int]
    /// Records whose image another record before had too.
    public let repeatedImages: Int
    private let paths: ImagePaths
    private let tokenizer: WordPieceTokenizer
    private let options: EvaluationOptions

    /// Describes a set; no image is read yet.
    public init(
        records: [RetrievalRecord], paths: ImagePaths, tokenizer: WordPieceTokenizer,
        options: EvaluationOptions
    ) {
        let merged = Self.merged(records)
        repeatedImages = records.count - merged.count
        let records = options.mergesRepeatedImages ? merged : records
        self.records = records
        self.paths = paths
        self.tokenizer = tokenizer
        self.options = options
        texts = records.flatMap { $0.captions.map { CaptionCleaning.caption($0) } }
        imageOfText = records.enumerated().flatMap { index, record in
            record.captions.map { _ in index }
        }
    }

    /// Images and texts of which nobody says what belongs together; no image is read yet.
    ///
    /// - Parameters:
    ///   - images: image files
    ///   - concepts: of each image
    ///   - texts: queries
    ///   - tokenizer: cuts texts and concepts into tokens
    ///   - options: how they become inputs
    public init(
        images: [String], concepts: [[String]], texts: [String], tokenizer: WordPieceTokenizer,
        options: EvaluationOptions
    ) {
        records = zip(images, concepts).map {
            RetrievalRecord(image: $0, captions: [], imageID: nil, concepts: $1)
        }
        self.texts = texts.map { CaptionCleaning.caption($0) }
        imageOfText = []
        repeatedImages = 0
        paths = .unchanged
        self.tokenizer = tokenizer
        self.options = options
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

    /// Where the image of a record lies.
    public func imagePath(_ index: Int) -> String { paths.resolve(records[index].image) }

    /// The images of some records with their concepts.
    /// - Throws: ``ImageError``
    public func images(_ range: Range<Int>) throws -> ImageArrays {
        try ImageArrays(
            range.map(imagePath), concepts: range.map { records[$0].concepts ?? [] },
            tokenizer: tokenizer, options)
    }

    /// Some of the texts, padded to one length.
    public func encodedTexts(_ range: Range<Int>) -> EncodedBatch {
        tokenizer.encode(
            Array(texts[range]), maxLength: options.textTokens,
            padding: .length(options.textTokens))
    }
}
