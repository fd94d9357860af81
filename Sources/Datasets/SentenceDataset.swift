import Images
import Text

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

    /// A record of visual entailment, whose image lacks its extension.
    public init(_ record: EntailmentRecord, imageExtension: String = ".jpg") {
        images = [record.image + imageExtension]
        sentence = record.sentence
        label = record.label.rawValue
        concepts = [record.concepts]
        group = nil
    }

    /// A record of NLVR2; true is class 1.
    public init(_ record: PairRecord) {
        images = record.images
        sentence = record.sentence
        label = record.isTrue ? 1 : 0
        concepts = [record.leftConcepts, record.rightConcepts]
        // All but the last part names the sentence, the last one the pair.
        group = record.identifier.map {
            $0.unicodeScalars.split(separator: "-").dropLast().map { String($0) }
                .joined(separator: "-")
        }
    }
}

/// The arrays of a batch of sentences.
public struct SentenceArrays: Sendable {
    /// The first images of all sentences, and for pairs the second ones.
    public var images: [ImageArrays]
    /// One row a sentence.
    public var texts: EncodedBatch
    /// The class of each.
    public var labels: [Int]
    /// Images that could not be read and were replaced with their sentences, with the reason.
    public var skipped: [UnreadableRecord]
}

/// Sentences about images, for training and for evaluation.
public struct SentenceDataset: Sendable {
    /// What is drawn from.
    public let sentences: [ClassifiedSentence]
    private let paths: ImagePaths
    private let tokenizer: WordPieceTokenizer

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { tokenizer.identity }

    /// Describes a data set; no image is read yet.
    public init(
        sentences: [ClassifiedSentence], paths: ImagePaths, tokenizer: WordPieceTokenizer
    ) {
        self.sentences = sentences
        self.paths = paths
        self.tokenizer = tokenizer
    }

    /// The files of a sentence's images.
    public func imagePaths(_ sentence: Int) -> [String] {
        sentences[sentence].images.map(paths.resolve)
    }

    /// The images, as training with some options sees them.
    public func images(_ options: ImageTextOptions) -> TrainingImages {
        TrainingImages(
            names: RecordList(sentences).mapped { $1.images },
            imagesPerRecord: sentences.first?.images.count ?? 0, paths: paths,
            transform: options.transform,
            decodesReduced: options.decodesReduced, acceptance: options.acceptance)
    }

    /// The batch of the given sentences for training. Every sample draws from a stream of its own,
    /// made from `seed`.
    /// - Throws: `ImageError` where image after image cannot be read.
    public func batch(_ indices: [Int], seed: (UInt64, UInt64), _ options: ImageTextOptions) throws
        -> SentenceArrays
    {
        var chosen: [ClassifiedSentence] = []
        var texts: [String] = []
        var concepts: [[String]] = []
        let (pixels, skipped) = try images(options).batch(indices, seed: seed) { sample, random in
            let sentence = sentences[sample.index]
            let text = CaptionCleaning.caption(sentence.sentence)
            chosen.append(sentence)
            texts.append(
                options.swapsSides && sample.isMirrored ? CaptionCleaning.sidesSwapped(text) : text)
            concepts.append(sentence.concepts.map { options.joined($0 ?? [], using: &random) })
        }
        let part = pixels.count / max(1, sentences.first?.images.count ?? 1)
        return SentenceArrays(
            images: stride(from: 0, to: pixels.count, by: max(1, part)).enumerated().map {
                number, start in
                ImageArrays(
                    pixels: Array(pixels[start..<start + part]), rows: indices.count,
                    side: options.transform.side,
                    concepts: options.usesConcepts
                        ? tokenizer.encode(
                            concepts.map { $0[number] }, maxLength: options.conceptTokens) : nil)
            }, texts: tokenizer.encode(texts, maxLength: options.textTokens),
            labels: chosen.map(\.label), skipped: skipped)
    }

    /// Some sentences for an evaluation.
    /// - Throws: `ImageError`
    public func batch(_ range: Range<Int>, _ options: EvaluationOptions) throws -> SentenceArrays {
        let chosen = sentences[range]
        return SentenceArrays(
            images: try (sentences.first?.images ?? []).indices.map { number in
                try ImageArrays(
                    chosen.map { paths.resolve($0.images[number]) },
                    concepts: chosen.map { $0.concepts[number] ?? [] }, tokenizer: tokenizer,
                    options)
            },
            texts: tokenizer.encode(
                chosen.map { CaptionCleaning.caption($0.sentence) },
                maxLength: options.textTokens),
            labels: chosen.map(\.label), skipped: [])
    }
}
