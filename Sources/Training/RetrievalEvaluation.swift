import Datasets
import Torch
import ViCHA

/// Retrieval on a set of images and captions: features of each once, then matching scores of the
/// best candidates (`spec.md` section 7).
public struct RetrievalEvaluation {
    /// How it is done.
    public struct Options: Sendable {
        /// Where the model computes.
        public var device = Device.cpu
        /// Candidates of each query that the matching head scores; 0 leaves the matching out.
        public var candidates = 128
        /// Images or texts encoded at a time.
        public var batchSize = 64
        /// Threads that prepare images.
        public var workers = 2

        /// On the CPU with 128 candidates.
        public init() {}
    }

    /// Scores by the cosine of the features.
    public let similarities: RetrievalScores
    /// Scores of the matching head for the best candidates; nil where it was left out.
    public let matching: RetrievalScores?
    private let imageOfText: [Int]

    /// Recall by the features alone.
    public var dualMetrics: RetrievalMetrics {
        RetrievalMetrics(similarities, imageOfText: imageOfText)
    }

    /// Recall after the candidates were ranked anew by the matching head.
    public var matchingMetrics: RetrievalMetrics? {
        matching.map { RetrievalMetrics($0, imageOfText: imageOfText) }
    }

    /// Evaluates a model.
    /// - Throws: ``ImageError``, ``TorchError``
    public init(_ set: RetrievalEvaluationSet, _ scorer: RetrievalScorer, _ options: Options) throws
    {
        imageOfText = set.imageOfText
        let (imageCount, textCount) = (set.records.count, set.texts.count)
        func batches(_ count: Int) -> [Range<Int>] {
            stride(from: 0, to: count, by: options.batchSize).map {
                $0..<min(count, $0 + options.batchSize)
            }
        }
        let texts = EncodedTexts(
            joining: batches(textCount).map {
                scorer.encode(texts: TokenBatch(set.encodedTexts($0)).to(device: options.device))
            })
        let ranges = batches(imageCount)
        let loader = PrefetchingLoader(
            0..<ranges.count, workers: options.workers, ahead: options.workers + 1
        ) { try set.images(ranges[$0]) }
        defer { loader.stop() }
        var encoded: [EncodedImages] = []
        while let arrays = try loader.next() {
            encoded.append(
                scorer.encode(
                    images: Tensor(
                        arrays.pixels, shape: [arrays.rows, 3, arrays.side, arrays.side]
                    )
                    .to(device: options.device),
                    concepts: arrays.concepts.map { TokenBatch($0).to(device: options.device) }))
        }
        let images = EncodedImages(joining: encoded)
        similarities = try RetrievalScores(similaritiesOf: images, texts)
        let progress = ProgressDisplay(total: imageCount, unit: "images")
        matching =
            options.candidates > 0
            ? try RetrievalScores(
                matching: images, texts, by: scorer, candidates: options.candidates
            ) { progress.update($0, items: $0, title: "matching") } : nil
    }
}
