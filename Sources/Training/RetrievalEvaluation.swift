import Datasets
import Torch
import ViCHA

/// How well images and texts fit: features of each once, then matching scores of the best candidates
/// (Li et al. 2021, section 5).
///
/// Memory: the hidden states of all texts (texts × tokens × width numbers), those of as many images
/// as ``Options/keptImageBytes`` has room for (the others are encoded a second time), the
/// similarities of all pairs, and one image's keys and values.
///
/// Several processes share the encoding and the matching; each holds the hidden states of all texts
/// and of its own images, and has the whole result.
public struct RetrievalSearch {
    /// How it is done.
    public struct Options: Sendable {
        /// Where the model computes.
        public var device = Device.cpu
        /// Type of matrix products; nil for full precision.
        public var autocast: DType?
        /// Candidates of each query that the matching head scores, at most all there are; 0 leaves
        /// the matching out.
        public var candidates = 128
        /// Images or texts encoded at a time.
        public var batchSize = 64
        /// Texts that go through the fusion layers with one image at a time.
        public var textsAtOnce = 128
        /// Bytes of hidden states of images to keep between the two passes.
        public var keptImageBytes = 4 << 30
        /// Threads that prepare images.
        public var workers = 2
        /// Whether progress is shown.
        public var showsProgress = true
        /// Processes that share the work; nil for this one alone.
        public var processes: ProcessGroup?

        /// On the CPU with 128 candidates.
        public init() {}
    }

    /// Cosines of the features. `[images, texts]`
    public let similarities: Tensor
    /// Scores of the matching head for the best candidates; nil where it was left out.
    public let matching: RetrievalScores?

    /// Scores a set.
    ///
    /// Several processes must have at least an image each.
    ///
    /// - Throws: `ScoreError` for a score that is not finite, `ImageError`, `TorchError`
    public init(_ set: RetrievalEvaluationSet, _ scorer: RetrievalScorer, _ options: Options) throws
    {
        precondition(
            set.records.count >= options.processes?.size ?? 1
                && set.texts.count >= options.processes?.size ?? 1,
            "more processes than images or texts")
        (similarities, matching) = try withAutocast(options.autocast, on: options.device) {
            var pass = SearchPass(set: set, scorer: scorer, options: options)
            let texts = try pass.encodeTexts()
            let similarities = try pass.similarities(to: texts)
            try ScoreError.check(similarities, "similarity") {
                set.pair($0 / set.texts.count, $0 % set.texts.count)
            }
            let matching = try options.candidates > 0 ? pass.match(texts, similarities) : nil
            try pass.damaged.report(options.processes)
            return (similarities, matching)
        }
    }
}

/// Retrieval on images and their captions, measured.
public struct RetrievalEvaluation {
    /// The scores.
    public let search: RetrievalSearch
    /// Recall by the features alone.
    public let dualMetrics: RetrievalMetrics
    /// Recall after the candidates were ranked anew by the matching head; nil where it was left out.
    public let matchingMetrics: RetrievalMetrics?

    /// Evaluates a model.
    /// - Throws: `ScoreError` for a score that is not finite, `ImageError`, `TorchError`
    public init(
        _ set: RetrievalEvaluationSet, _ scorer: RetrievalScorer, _ options: RetrievalSearch.Options
    ) throws {
        search = try RetrievalSearch(set, scorer, options)
        dualMetrics = try RetrievalMetrics(
            similarities: search.similarities, imageOfText: set.imageOfText)
        matchingMetrics = try search.matching.map {
            try RetrievalMetrics($0, imageOfText: set.imageOfText)
        }
    }
}

extension RetrievalEvaluationSet {
    /// An image and a text, as errors name them.
    fileprivate func pair(_ image: Int, _ text: Int) -> String {
        "the image '\(records[image].image)' and the text '\(texts[text])'"
    }
}

/// The parts of a search, with the images that the first one keeps for the last.
private struct SearchPass {
    let set: RetrievalEvaluationSet
    let scorer: RetrievalScorer
    let options: RetrievalSearch.Options
    let damaged = DamagedImages()
    /// By the number of the batch.
    private var kept: [Int: EncodedImages] = [:]

    init(
        set: RetrievalEvaluationSet, scorer: RetrievalScorer, options: RetrievalSearch.Options
    ) {
        self.set = set
        self.scorer = scorer
        self.options = options
    }

    /// The images or texts that fall to this process, in batches.
    private func batches(_ count: Int) -> [Range<Int>] {
        let share = options.processes?.share(of: count) ?? 0..<count
        return stride(from: share.lowerBound, to: share.upperBound, by: options.batchSize).map {
            $0..<min(share.upperBound, $0 + options.batchSize)
        }
    }

    /// The rows of all processes, where `rows` are this one's.
    private func gathered(_ rows: Tensor, count: Int) throws -> Tensor {
        try options.processes?.gathered(rows, count: count) ?? rows
    }

    private func display() -> ProgressDisplay? {
        options.showsProgress ? ProgressDisplay(total: ownImages, unit: "images") : nil
    }

    func encodeTexts() throws -> (encoded: EncodedTexts, lengths: [Int]) {
        let parts = batches(set.texts.count).map {
            scorer.encode(texts: TokenBatch(set.encodedTexts($0)).to(device: options.device))
        }
        let encoded = try EncodedTexts(joining: parts).map {
            try gathered($0, count: set.texts.count)
        }
        return (encoded, try encoded.attentionMask.sum(1).array(of: Int.self))
    }

    mutating func similarities(to texts: (encoded: EncodedTexts, lengths: [Int])) throws -> Tensor {
        let display = display()
        var features: [Tensor] = []
        var bytes = 0
        var done = 0
        try forEachBatch(Array(batches(set.records.count).indices)) { number, images in
            features.append(images.features)
            bytes += images.hiddenStates.count * 4
            if bytes <= options.keptImageBytes, options.candidates > 0 { kept[number] = images }
            done += images.count
            display?.update(done, items: done, title: "encoding")
        }
        return try withInferenceMode {
            try gathered(.concatenated(features, dimension: 0), count: set.records.count)
                .matmul(texts.encoded.features.transposed(0, 1)).to(dtype: .float32).checked()
        }
    }

    func match(_ texts: (encoded: EncodedTexts, lengths: [Int]), _ similarities: Tensor) throws
        -> RetrievalScores
    {
        let candidates = try RetrievalCandidates(similarities, count: options.candidates)
        let pairs = candidates.pairsOfImage
        let ranges = batches(set.records.count)
        var logits = pairs.map { [Float](repeating: 0, count: $0.count) }
        let display = display()
        var done = 0
        func score(_ number: Int, _ images: EncodedImages) throws {
            for (place, image) in ranges[number].enumerated() {
                logits[image] = try scorer.matchingLogits(
                    images, image: place, texts.encoded, rows: pairs[image],
                    lengths: texts.lengths, partSize: options.textsAtOnce)
                done += 1
                display?.update(done, items: done, title: "matching")
            }
        }
        for (number, images) in kept.sorted(by: { $0.key < $1.key }) { try score(number, images) }
        try forEachBatch(ranges.indices.filter { kept[$0] == nil }, score)

        var all = logits.flatMap { $0 }
        // Each process has zeros where another one has scored.
        if let processes = options.processes {
            all = try processes.sum(Tensor(all)).array(of: Float.self)
        }
        if let place = all.firstIndex(where: { !$0.isFinite }) {
            let flat = pairs.enumerated().flatMap { image, texts in texts.map { (image, $0) } }
            throw ScoreError.notFinite(
                score: "matching score", of: set.pair(flat[place].0, flat[place].1))
        }
        var scores = RetrievalScores(candidates)
        var first = 0
        for (image, texts) in pairs.enumerated() {
            scores.add(
                image: image, texts: texts, logits: Array(all[first..<first + texts.count]))
            first += texts.count
        }
        return scores
    }

    private var ownImages: Int { batches(set.records.count).reduce(0) { $0 + $1.count } }

    /// Reads and encodes batches of images, by their numbers.
    private func forEachBatch(_ numbers: [Int], _ body: (Int, EncodedImages) throws -> Void) throws
    {
        let ranges = batches(set.records.count)
        let loader = PrefetchingLoader(
            0..<numbers.count, workers: options.workers, ahead: options.workers + 1
        ) { [set] in try set.images(ranges[numbers[$0]]) }
        defer { loader.stop() }
        var place = 0
        while let arrays = try loader.next() {
            damaged.add(arrays)
            try body(
                numbers[place],
                scorer.encode(
                    images: arrays.tensor.to(device: options.device),
                    concepts: arrays.concepts.map { TokenBatch($0).to(device: options.device) }))
            place += 1
        }
    }
}
