import Batches
import Configuration
import Datasets
import Reports
import Torch
import Training
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
        public var compute = ComputeOptions()
        /// Candidates of each query that the matching head scores, at most all there are; 0 leaves
        /// the matching out.
        public var candidates = 128
        /// Images or texts encoded at a time.
        public var batchSize = 64
        /// Texts that go through the fusion layers with one image at a time.
        public var textsAtOnce = 128
        /// Bytes of hidden states of images to keep between the two passes.
        public var keptImageBytes = 4 << 30
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
    public init(_ inputs: RetrievalInputs, _ scorer: RetrievalScorer, _ options: Options) throws {
        precondition(
            inputs.images.count >= options.processes?.size ?? 1
                && inputs.texts.count >= options.processes?.size ?? 1,
            "more processes than images or texts")
        (similarities, matching) = try options.compute {
            var pass = SearchPass(inputs: inputs, scorer: scorer, options: options)
            let texts = try pass.encodeTexts()
            let similarities = try pass.similarities(to: texts)
            try ScoreError.check(similarities, "similarity") {
                inputs.pair($0 / inputs.texts.count, $0 % inputs.texts.count)
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
        search = try RetrievalSearch(set.inputs, scorer, options)
        dualMetrics = try RetrievalMetrics(
            similarities: search.similarities, imageOfText: set.imageOfText)
        matchingMetrics = try search.matching.map {
            try RetrievalMetrics($0, imageOfText: set.imageOfText)
        }
    }
}

extension RetrievalInputs {
    /// An image and a text, as errors name them.
    fileprivate func pair(_ image: Int, _ text: Int) -> String {
        "the image '\(images[image])' and the text '\(texts[text])'"
    }
}

/// The parts of a search, with the images that the first one keeps for the last.
private struct SearchPass {
    let inputs: RetrievalInputs
    let scorer: RetrievalScorer
    let options: RetrievalSearch.Options
    let damaged = DamagedImages()
    /// By the number of the batch.
    private var kept: [Int: EncodedImages] = [:]

    init(
        inputs: RetrievalInputs, scorer: RetrievalScorer, options: RetrievalSearch.Options
    ) {
        self.inputs = inputs
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
        options.processes?.rank ?? 0 == 0
            ? ProgressDisplay(total: ownImages, unit: "images") : nil
    }

    func encodeTexts() throws -> (encoded: EncodedTexts, lengths: [Int]) {
        let parts = batches(inputs.texts.count).map {
            scorer.encode(inputs.encodedTexts($0).to(device: options.compute.device))
        }
        let encoded = try EncodedTexts(joining: parts).map {
            try gathered($0, count: inputs.texts.count)
        }
        return (encoded, try encoded.attentionMask.sum(1).array(of: Int.self))
    }

    mutating func similarities(to texts: (encoded: EncodedTexts, lengths: [Int])) throws -> Tensor {
        let display = display()
        var features: [Tensor] = []
        var bytes = 0
        var done = 0
        try forEachBatch(Array(batches(inputs.images.count).indices)) { number, images in
            features.append(images.features)
            bytes += images.hiddenStates.count * 4
            if bytes <= options.keptImageBytes, options.candidates > 0 { kept[number] = images }
            done += images.count
            display?.update(done, items: done, title: "encoding")
        }
        return try withInferenceMode {
            try gathered(.concatenated(features, dimension: 0), count: inputs.images.count)
                .matmul(texts.encoded.features.transposed(0, 1)).to(dtype: .float32).checked()
        }
    }

    func match(_ texts: (encoded: EncodedTexts, lengths: [Int]), _ similarities: Tensor) throws
        -> RetrievalScores
    {
        let candidates = try RetrievalCandidates(similarities, count: options.candidates)
        let pairs = candidates.pairsOfImage
        let ranges = batches(inputs.images.count)
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
                score: "matching score", of: inputs.pair(flat[place].0, flat[place].1))
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

    private var ownImages: Int { batches(inputs.images.count).reduce(0) { $0 + $1.count } }

    /// Reads and encodes batches of images, by their numbers.
    private func forEachBatch(_ numbers: [Int], _ body: (Int, EncodedImages) throws -> Void) throws
    {
        let ranges = batches(inputs.images.count)
        let loader = PrefetchingLoader(
            0..<numbers.count, workers: options.compute.workers,
            ahead: options.compute.workers + 1
        ) { [inputs] in try inputs.images(ranges[numbers[$0]]) }
        defer { loader.stop() }
        var place = 0
        while let (batch, damages) = try loader.next() {
            damaged.add(damages)
            try body(numbers[place], scorer.encode(batch.to(device: options.compute.device)))
            place += 1
        }
    }
}

extension RetrievalSearch.Options {
    /// How a configuration wants an evaluation.
    public init(_ configuration: RetrievalConfiguration, _ compute: ComputeOptions) {
        self.init()
        self.compute = compute
        candidates = configuration.ranksByFeatures ? 0 : configuration.candidates
        batchSize = configuration.testBatchSize
    }
}

extension RetrievalTask {
    /// Recall of both directions by the features and after the matching head, beside chance.
    public static func report(
        on trained: TrainedModel<RetrievalTask>, _ source: TaskSource, _ options: EvaluationRun
    ) throws -> EvaluationReport {
        let title = "Captions and the images that fit best"
        return try report(title, on: trained, source) { name, set, report in
            var search = RetrievalSearch.Options(trained.configuration, options.compute)
            search.processes = options.processes
            let count = options.processes?.size ?? 1
            guard min(set.inputs.images.count, set.inputs.texts.count) >= count else {
                throw TooManyProcessesError(processes: count, set: name)
            }
            let measured = try RetrievalEvaluation(set, trained.model.scorer, search)
            let part = RetrievalPage(
                set: set, evaluation: measured, candidates: search.candidates)
            report.lines += [part.title(name), textTable(part.rows, indent: "  ")]
            let metrics = measured.matchingMetrics ?? measured.dualMetrics
            report.results += metrics.named.map { ("\(name)_\($0.name)", $0.value) }
            let chance = RetrievalMetrics(chanceFor: set.records.map(\.captions.count))
            for (kind, metrics) in [("dual", measured.dualMetrics), ("chance", chance)] {
                report.results += metrics.named.map { ("\(name)_\(kind)_\($0.name)", $0.value) }
            }
            let examples = options.chosen(of: set.inputs.texts.count)
            report.page.body += try part.table(name) + part.queries(examples)
        }
    }
}

/// More processes than there is work for.
public struct TooManyProcessesError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Processes that were started.
    public let processes: Int
    /// What was to be evaluated.
    public let set: String

    /// How many for which file, and what to change.
    public var description: String {
        "\(processes) processes are more than the images or captions of \(set)_file; start fewer"
    }
}
