import Batches
import Datasets
import Text
import Torch
import Training
import ViCHA

/// The best answers to questions about images, ranked among given ones.
public struct QuestionAnsweringEvaluation: Sendable {
    /// How it is done.
    public struct Options: Sendable {
        /// Where the model computes.
        public var compute = ComputeOptions()
        /// Questions at a time.
        public var batchSize = 16
        /// Answers that are ranked by their whole likelihood.
        public var candidates = 128
        /// Answers of each question that are kept.
        public var kept = 1
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
            records: set.records.count, batchSize: options.batchSize,
            workers: options.compute.workers
        ) { try set.batch($0, options.inputs) }
        defer { loader.stop() }
        let device = options.compute.device
        let encoded = try AnswerList(set.encoded(answers: list).to(device: device))
        let display = ProgressDisplay(total: set.records.count, unit: "questions")
        var found: [[Answer]] = []
        let damaged = DamagedImages()
        while let batch = try loader.next() {
            damaged.add(batch.damages)
            let ranked = try options.compute {
                try answerer.rank(
                    answerer.encode(
                        batch.images.to(device: device), batch.questions.to(device: device)),
                    encoded, candidates: options.candidates)
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

extension QuestionAnsweringEvaluation {
    /// Answers in the form that VQA v2's server takes.
    ///
    /// - Parameters:
    ///   - set: the questions
    ///   - files: where they stand, for errors
    /// - Throws: `AnnotationError` for a question without a number
    public func results(_ set: QuestionDataset, of files: [String]) throws -> [AnswerResult] {
        try zip(set.records, answers).enumerated().map { number, pair in
            guard let id = pair.0.questionID else {
                throw AnnotationError.invalidRecord(
                    file: files.joined(separator: ", "), record: number, field: "question_id",
                    expected: "a number, since results name questions by it")
            }
            return AnswerResult(questionID: id, answer: pair.1)
        }
    }
}

extension QuestionAnsweringEvaluation.Options {
    /// How a configuration wants an evaluation.
    public init(_ configuration: QuestionAnsweringConfiguration, _ compute: ComputeOptions) {
        self.init(inputs: EvaluationOptions(questions: configuration.settings))
        self.compute = compute
        batchSize = configuration.testBatchSize
        candidates = configuration.candidates
    }
}

extension EvaluationOptions {
    /// How settings want questions, whose rows are padded to the longest.
    init(questions settings: TrainingSettings) {
        self.init(settings)
        padsToLength = false
    }
}
