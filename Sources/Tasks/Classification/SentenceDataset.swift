import Batches
import Datasets
import Images
import Text
import Torch

/// A sentence about one or two images, with the class it belongs to.
public struct ClassifiedSentence: Sendable, Equatable {
    /// Paths from the image root, all of a data set as many.
    public let images: [String]
    /// What is claimed.
    public let sentence: String
    /// Number of the class.
    public let label: Int
    /// Visual concepts of each image; nil where the file has none.
    public let concepts: [[String]?]
    /// The sentence's name where it is told of several pairs of images, nil where it has none.
    public let group: String?

    /// Describes a sentence.
    public init(
        images: [String], sentence: String, label: Int, concepts: [[String]?], group: String?
    ) {
        self.images = images
        self.sentence = sentence
        self.label = label
        self.concepts = concepts
        self.group = group
    }
}

/// A batch of texts, each about one image or about two.
public struct ClassificationBatch: TensorBatch {
    /// The images of all texts: one batch, or that of the left ones and that of the right ones.
    public let images: [ImageBatch]
    /// Encoded sentences.
    public let texts: TokenBatch
    /// Right classes. int64 `[B]`
    public let targets: Tensor

    /// Texts in the order of their rows.
    public init(images: [ImageBatch], texts: TokenBatch, targets: Tensor) {
        self.images = images
        self.texts = texts
        self.targets = targets
    }

    /// The same with each tensor changed.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> ClassificationBatch {
        try ClassificationBatch(
            images: images.map { try $0.map(change) }, texts: texts.map(change),
            targets: change(targets))
    }
}

/// Sentences about images, for training and for evaluation.
public struct SentenceDataset: TrainingDataset {
    /// What is drawn from.
    public let sentences: [ClassifiedSentence]
    private let paths: ImagePaths
    /// Cuts texts into tokens.
    public let tokenizer: WordPieceTokenizer
    private let options: ImageTextOptions

    /// Describes a data set; no image is read yet.
    ///
    /// - Parameters:
    ///   - sentences: what is drawn from
    ///   - paths: where the images lie
    ///   - tokenizer: cuts texts into tokens
    ///   - options: how training sees them
    public init(
        sentences: [ClassifiedSentence], paths: ImagePaths, tokenizer: WordPieceTokenizer,
        options: ImageTextOptions
    ) {
        self.sentences = sentences
        self.paths = paths
        self.tokenizer = tokenizer
        self.options = options
    }

    /// Number of sentences.
    public var count: Int { sentences.count }

    /// The files of a sentence's images.
    public func imagePaths(_ sentence: Int) -> [String] {
        sentences[sentence].images.map(paths.resolve)
    }

    /// The images, as training sees them.
    public var images: TrainingImages {
        TrainingImages(
            names: RecordList(sentences).mapped { $1.images },
            imagesPerRecord: sentences.first?.images.count ?? 0, paths: paths, options)
    }

    /// The batch of some records, with those whose images could not be read and were replaced.
    public func batch(_ indices: [Int], seed: (UInt64, UInt64)) throws -> (
        batch: ClassificationBatch, skipped: [UnreadableRecord]
    ) {
        var labels: [Int] = []
        var texts: [String] = []
        var concepts: [[String]] = []
        let (pixels, skipped) = try images.batch(indices, seed: seed) { sample, random in
            let sentence = sentences[sample.index]
            let text = CaptionCleaning.caption(sentence.sentence)
            labels.append(sentence.label)
            texts.append(
                options.swapsSides && sample.isMirrored ? CaptionCleaning.sidesSwapped(text) : text)
            concepts.append(sentence.concepts.map { options.joined($0 ?? [], using: &random) })
        }
        let batch = ClassificationBatch(
            images: (0..<pixels.size(0) / indices.count).map { number in
                ImageBatch(
                    pixels: pixels.slice(0, number * indices.count..<(number + 1) * indices.count),
                    concepts: options.conceptBatch(concepts.map { $0[number] }, tokenizer))
            }, texts: tokenizer.batch(texts, maxLength: options.textTokens),
            targets: Tensor(labels))
        return (batch, skipped)
    }

    /// Some sentences for an evaluation.
    ///
    /// - Returns: the batch, and what is wrong with damaged images
    /// - Throws: `ImageError`
    public func batch(_ range: Range<Int>, _ options: EvaluationOptions) throws -> (
        batch: ClassificationBatch, damages: [ImageError]
    ) {
        let chosen = sentences[range]
        var damages: [ImageError] = []
        let images = try (sentences.first?.images ?? []).indices.map { number in
            let read = try ImageBatch.read(
                chosen.map { paths.resolve($0.images[number]) },
                concepts: chosen.map { $0.concepts[number] ?? [] }, tokenizer: tokenizer, options)
            damages += read.damages
            return read.batch
        }
        let batch = ClassificationBatch(
            images: images,
            texts: tokenizer.batch(
                chosen.map { CaptionCleaning.caption($0.sentence) }, maxLength: options.textTokens),
            targets: Tensor(chosen.map(\.label)))
        return (batch, damages)
    }

    /// Goes over all sentences once; a checksum of them in their order.
    public func inspect(_ look: ([String]) -> Void) throws -> String {
        let sum = RecordChecksum()
        for sentence in sentences {
            look(sentence.images)
            sum.add(sentence.images)
            sum.add(sentence.sentence)
            sum.add(sentence.label)
            for concepts in sentence.concepts { sum.add(concepts) }
        }
        return sum.text
    }
}
