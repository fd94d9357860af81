import Datasets
import Text
import Torch
import ViCHA

/// The best answers to questions about images, ranked among given ones.
public struct QuestionAnsweringEvaluation: Sendable {
    /// How it is done.
    public struct Options: Sendable {
        /// Where the model computes.
        public var device = Device.cpu
        /// Type of matrix products; nil for full precision.
        public var autocast: DType?
        /// Questions at a time.
        public var batchSize = 16
        /// Answers that are ranked by their whole likelihood.
        public var candidates = 128
        /// Answers of each question that are kept.
        public var kept = 1
        /// Threads that prepare images.
        public var workers = 2
        /// How questions and images become inputs.
        public var inputs: EvaluationOptions

        /// On the CPU.
        public init(inputs: EvaluationOptions) { self.inputs = inputs }
    }

    /// An answer with its probability among the candidates.
    public struct Answer: Sendable, Equatable {
        /// As it stands in the list.
        public let text: String
        /// Softmax over the candidates. [0, 1]
        public let probability: Double
    }

    /// The best answers to each question, best first, in the order of the questions.
    public let ranked: [[Answer]]

    /// The best answer to each question, in the order of the questions.
    public var answers: [String] { ranked.map { $0.first?.text ?? "" } }

    /// Answers the questions of a set.
    ///
    /// - Parameters:
    ///   - set: the questions
    ///   - list: what can be answered
    ///   - answerer: the model
    ///   - options: how it is done
    /// - Throws: `ScoreError` for a score that is not finite, `ImageError`, `TorchError`
    public init(
        _ set: QuestionDataset, answers list: [String], _ answerer: QuestionAnswerer,
        _ options: Options
    ) throws {
        let loader = PrefetchingLoader(
            records: set.records.count, batchSize: options.batchSize, workers: options.workers
        ) { try set.batch($0, options.inputs) }
        defer { loader.stop() }
        let encoded = try AnswerList(
            TokenBatch(set.encoded(answers: list)).to(device: options.device))
        let display = ProgressDisplay(total: set.records.count, unit: "questions")
        var found: [[Answer]] = []
        let damaged = DamagedImages()
        while let arrays = try loader.next() {
            damaged.add(arrays.images)
            let ranked = try withAutocast(options.autocast, on: options.device) {
                try answerer.rank(
                    answerer.encode(arrays.images, arrays.questions, on: options.device), encoded,
                    candidates: options.candidates)
            }
            for (place, candidates) in ranked.enumerated()
            where candidates.contains(where: { !$0.probability.isFinite }) {
                let record = set.records[found.count + place]
                throw ScoreError.notFinite(
                    score: "probability of an answer",
                    of: "the question '\(record.question)' about '\(record.image)'")
            }
            found += ranked.map { candidates in
                candidates.prefix(options.kept).map {
                    Answer(text: list[$0.number], probability: $0.probability)
                }
            }
            display.update(found.count, items: found.count, title: "answering")
        }
        ranked = found
        try damaged.report()
    }
}

extension QuestionAnsweringEvaluation.Options {
    /// How a configuration wants an evaluation.
    public init(
        _ configuration: QuestionAnsweringConfiguration, device: Device, autocast: DType?,
        workers: Int
    ) {
        var inputs = EvaluationOptions(configuration.settings)
        inputs.padsToLength = false
        self.init(inputs: inputs)
        self.device = device
        self.autocast = autocast
        self.workers = workers
        batchSize = configuration.testBatchSize
        candidates = configuration.candidates
    }
}

extension QuestionAnswerer {
    /// Encodes prepared questions.
    public func encode(_ images: ImageArrays, _ questions: EncodedBatch, on device: Device)
        -> EncodedQuestions
    {
        encode(
            images: images.tensor.to(device: device),
            concepts: images.concepts.map { TokenBatch($0).to(device: device) },
            questions: TokenBatch(questions).to(device: device))
    }
}
