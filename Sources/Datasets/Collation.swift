import Batches
import Images
import Text
import Torch

extension WordPieceTokenizer {
    /// Texts as a batch.
    ///
    /// - Parameters:
    ///   - texts: each becomes a row
    ///   - maxLength: tokens kept of a text; nil for all
    ///   - padding: to which length rows are filled up
    public func batch(_ texts: [String], maxLength: Int? = nil, padding: Padding = .longest)
        -> TokenBatch
    {
        TokenBatch(
            texts.map { encode($0, maxLength: maxLength) }, pad: special.pad, padding: padding)
    }
}

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

    /// An image file, as far as it can be read.
    ///
    /// - Returns: the image, and what is wrong with a file that is cut short or damaged
    /// - Throws: `ImageError`
    func image(_ file: String) throws -> (image: RGBImage, damage: ImageError?) {
        try ImageDecoder.decodeAvailable(
            path: file, shortSide: decodesReduced ? 2 * side : nil, limit: acceptance.maxPixels)
    }
}

extension ImageBatch {
    /// Images that have been decoded.
    ///
    /// - Parameters:
    ///   - images: of any size
    ///   - concepts: of each image
    ///   - tokenizer: cuts concepts into tokens
    ///   - options: how they become inputs
    /// - Throws: `TorchError`
    public init(
        _ images: [RGBImage], concepts: [[String]], tokenizer: WordPieceTokenizer,
        _ options: EvaluationOptions
    ) throws {
        try self.init(
            count: images.count, concepts: concepts, tokenizer: tokenizer, options
        ) { images[$0] }
    }

    /// Reads images, those that are cut short as far as they go.
    ///
    /// - Parameters:
    ///   - files: the image files
    ///   - concepts: of each
    ///   - tokenizer: cuts concepts into tokens
    ///   - options: how they become inputs
    /// - Returns: the batch, and what is wrong with files of which the images show what there is
    /// - Throws: `ImageError`, `TorchError`
    public static func read(
        _ files: [String], concepts: [[String]], tokenizer: WordPieceTokenizer,
        _ options: EvaluationOptions
    ) throws -> (batch: ImageBatch, damages: [ImageError]) {
        var damages: [ImageError] = []
        let batch = try ImageBatch(
            count: files.count, concepts: concepts, tokenizer: tokenizer, options
        ) { number in
            let (image, damage) = try options.image(files[number])
            if let damage { damages.append(damage) }
            return image
        }
        return (batch, damages)
    }

    private init(
        count: Int, concepts: [[String]], tokenizer: WordPieceTokenizer,
        _ options: EvaluationOptions, image: (Int) throws -> RGBImage
    ) throws {
        let (side, separator) = (options.side, options.separatesConcepts ? " [SEP] " : " ")
        let pixels = try Tensor([count, 3, side, side]) { buffer in
            for number in 0..<count {
                PixelNormalization.clip.normalize(
                    try image(number).resized(width: side, height: side),
                    into: buffer.row(number, of: 3 * side * side))
            }
        }
        self.init(
            pixels: pixels,
            concepts: options.conceptTokens.map { length in
                tokenizer.batch(
                    concepts.map { $0.joined(separator: separator) }, maxLength: length,
                    padding: options.padsToLength ? .length(length) : .longest)
            })
    }
}

extension UnsafeMutableBufferPointer {
    /// One of rows of equal size.
    func row(_ number: Int, of size: Int) -> UnsafeMutableBufferPointer<Element> {
        UnsafeMutableBufferPointer(rebasing: self[number * size..<(number + 1) * size])
    }
}
