import Batches
import Datasets
import Files
import Torch
import Training
import ViCHA

/// How often a model puts sentences into the right class.
public struct ClassificationEvaluation: Sendable, Equatable {
    /// How it is done.
    public struct Options: Sendable {
        /// Where the model computes.
        public var compute = ComputeOptions()
        /// Sentences at a time.
        public var batchSize = 16
        /// How sentences and images become inputs.
        public var inputs: EvaluationOptions

        /// On the CPU.
        public init(inputs: EvaluationOptions) { self.inputs = inputs }
    }

    /// Sentences of each true class (rows) by what the model says of them (columns).
    public let confusion: [[Int]]
    /// Share of sentences told of several pairs of images that are right of all; nil where sentences have no
    /// names. [0, 1]
    public let consistency: Double?
    /// Of each class, sentence by sentence; empty where only classes were given.
    public private(set) var probabilities: [[Float]] = []

    /// Share of right classes. [0, 1]
    public var accuracy: Double {
        share(confusion.indices.reduce(0) { $0 + confusion[$1][$1] }, of: confusion.joined())
    }

    /// Share of each class's sentences that are right. [0, 1]
    public var classAccuracy: [Double] {
        confusion.indices.map { share(confusion[$0][$0], of: confusion[$0]) }
    }

    /// The commonest class, and what always naming it reaches. [0, 1]
    public var majority: (label: Int, accuracy: Double) {
        let counts = confusion.map { $0.reduce(0, +) }
        let label = counts.indices.max { counts[$0] < counts[$1] } ?? 0
        return (label, share(counts[label], of: counts))
    }

    /// What logs show, by the official names.
    var results: [(name: String, value: Double)] {
        [("acc", accuracy), ("majority_acc", majority.accuracy)]
            + (consistency.map { [("consistency", $0)] } ?? [])
    }

    private func share(_ part: Int, of counts: some Sequence<Int>) -> Double {
        Double(part) / Double(max(1, counts.reduce(0, +)))
    }

    /// Measures given classes.
    ///
    /// - Parameters:
    ///   - predictions: the class of each sentence
    ///   - sentences: with the true classes
    ///   - classes: number of classes
    public init(_ predictions: [Int], _ sentences: [ClassifiedSentence], classes: Int) {
        var confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
        var groups: [ExactString: Bool] = [:]
        for (prediction, sentence) in zip(predictions, sentences) {
            confusion[sentence.label][prediction] += 1
            if let group = sentence.group.map({ ExactString($0) }) {
                groups[group] = (groups[group] ?? true) && prediction == sentence.label
            }
        }
        self.confusion = confusion
        consistency =
            groups.isEmpty ? nil : Double(groups.values.count { $0 }) / Double(groups.count)
    }

    /// Evaluates a model.
    /// - Throws: `ScoreError` for a score that is not finite, `ImageError`, `TorchError`
    public init(_ set: SentenceDataset, _ model: ClassificationModel, _ options: Options) throws {
        let loader = PrefetchingLoader(
            records: set.sentences.count, batchSize: options.batchSize,
            workers: options.compute.workers
        ) { try set.batch($0, options.inputs) }
        defer { loader.stop() }
        let display = ProgressDisplay(total: set.sentences.count, unit: "sentences")
        var predictions: [Int] = []
        var probabilities: [[Float]] = []
        let classes = model.kind.classNames.count
        let damaged = DamagedImages()
        while let (batch, damages) = try loader.next() {
            damaged.add(damages)
            let logits = try options.compute {
                try model.logits(batch.to(device: options.compute.device)).to(dtype: .float32)
                    .checked()
            }
            try ScoreError.check(logits, "score") { place in
                let sentence = set.sentences[predictions.count + place / classes]
                let images = sentence.images.map { "'\($0)'" }.joined(separator: " and ")
                return "the sentence '\(sentence.sentence)' with \(images)"
            }
            predictions += try logits.argmax(1).array(of: Int.self)
            let rows = try logits.softmax(dimension: 1).array(of: Float.self)
            probabilities += stride(from: 0, to: rows.count, by: classes).map {
                Array(rows[$0..<$0 + classes])
            }
            display.update(predictions.count, items: predictions.count, title: "evaluating")
        }
        try damaged.report()
        self.init(predictions, set.sentences, classes: classes)
        self.probabilities = probabilities
    }
}

extension ClassificationEvaluation.Options {
    /// How a configuration wants an evaluation.
    public init(
        _ configuration: ClassificationConfiguration, _ kind: ClassificationModel.Kind,
        _ compute: ComputeOptions
    ) {
        let configuration = configuration.resolved(for: kind)
        var inputs = EvaluationOptions(configuration.settings)
        inputs.padsToLength = false
        inputs.textTokens = configuration.textTokens(kind)
        inputs.conceptTokens = inputs.conceptTokens.map { _ in configuration.conceptTokens(kind) }
        self.init(inputs: inputs)
        self.compute = compute
        batchSize = configuration.testBatchSize ?? configuration.batchSize
    }
}
