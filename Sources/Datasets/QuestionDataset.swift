import Files
import Images
import Text

/// Where the images of questions lie, by the data set that a question is of.
public struct QuestionImagePaths: Sendable {
    private let visualQuestions: ImagePaths
    private let visualGenome: ImagePaths

    /// Describes where images lie.
    public init(visualQuestions: ImagePaths, visualGenome: ImagePaths) {
        self.visualQuestions = visualQuestions
        self.visualGenome = visualGenome
    }

    /// The place of a question's image.
    public func resolve(_ record: QuestionRecord) -> String {
        (record.source == .vqa ? visualQuestions : visualGenome).resolve(record.image)
    }
}

/// The answers of a question as training weighs them: each once, by the share of annotators who gave
/// it; the one of Visual Genome counts half.
public struct WeightedAnswers: Sendable, Equatable {
    /// What a question of Visual Genome counts.
    static let visualGenomeWeight = 0.5

    /// In the order of their first appearance.
    public let answers: [String]
    /// Of each answer.
    public let weights: [Double]

    /// Weighs the answers of a record.
    public init(_ record: QuestionRecord) {
        let given = record.answers ?? []
        guard record.source == .vqa else {
            answers = Array(given.prefix(1))
            weights = answers.map { _ in Self.visualGenomeWeight }
            return
        }
        var places: [ExactString: Int] = [:]
        var found: [(answer: String, weight: Double)] = []
        for answer in given {
            let place = places[ExactString(answer)] ?? found.count
            if place == found.count { found.append((answer, 0)) }
            places[ExactString(answer)] = place
            found[place].weight += 1 / Double(given.count)
        }
        answers = found.map(\.answer)
        weights = found.map(\.weight)
    }
}

/// The arrays of a batch of questions.
public struct QuestionArrays: Sendable {
    /// One image a question, with its concepts.
    public var images: ImageArrays
    /// One row a question.
    public var questions: EncodedBatch
    /// The answers of all questions, each with its end mark.
    public var answers: EncodedBatch
    /// The question of each answer.
    public var questionOfAnswer: [Int]
    /// What each answer counts.
    public var weights: [Float]
    /// Images that could not be read and were replaced with their questions, with the reason.
    public var skipped: [UnreadableRecord]
}

/// Questions about images, for training and for evaluation.
public struct QuestionDataset: Sendable {
    /// Words kept of a question in training.
    public static let trainingWords = 30
    /// Words kept of a question in an evaluation.
    public static let evaluationWords = 50

    /// What is drawn from.
    public let records: [QuestionRecord]
    private let files: [String]
    private let tokenizer: WordPieceTokenizer
    private let endMark: String

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { tokenizer.identity }

    /// Describes a data set; no image is read yet.
    ///
    /// - Parameters:
    ///   - records: the questions
    ///   - paths: where the images lie
    ///   - tokenizer: cuts texts into tokens
    ///   - endMark: written behind each answer
    public init(
        records: [QuestionRecord], paths: QuestionImagePaths, tokenizer: WordPieceTokenizer,
        endMark: String
    ) {
        self.records = records
        files = records.map(paths.resolve)
        self.tokenizer = tokenizer
        self.endMark = endMark
    }

    /// The file of a question's image.
    public func imagePath(_ question: Int) -> String { files[question] }

    /// The images, as training with some options sees them.
    public func images(_ options: ImageTextOptions) -> TrainingImages {
        TrainingImages(
            names: RecordList(files).mapped { [$1] }, paths: .unchanged,
            transform: options.transform,
            decodesReduced: options.decodesReduced, acceptance: options.acceptance)
    }

    /// The batch of the given questions for training. Every sample draws from a stream of its own,
    /// made from `seed`.
    /// - Throws: `ImageError` where image after image cannot be read.
    public func batch(_ indices: [Int], seed: (UInt64, UInt64), _ options: ImageTextOptions) throws
        -> QuestionArrays
    {
        var questions: [String] = []
        var concepts: [String] = []
        var answers: [WeightedAnswers] = []
        let (pixels, skipped) = try images(options).batch(indices, seed: seed) { sample, random in
            let record = records[sample.index]
            questions.append(
                CaptionCleaning.question(record.question, maxWords: Self.trainingWords))
            concepts.append(options.joined(record.concepts ?? [], using: &random))
            answers.append(WeightedAnswers(record))
        }
        return QuestionArrays(
            images: ImageArrays(
                pixels: pixels, rows: indices.count, side: options.transform.side,
                concepts: options.usesConcepts
                    ? tokenizer.encode(concepts, maxLength: options.conceptTokens) : nil),
            questions: tokenizer.encode(questions, maxLength: options.textTokens),
            answers: encoded(answers: answers.flatMap(\.answers)),
            questionOfAnswer: answers.enumerated().flatMap { question, answers in
                answers.answers.map { _ in question }
            }, weights: answers.flatMap { $0.weights.map(Float.init) }, skipped: skipped)
    }

    /// Some questions for an evaluation, with their images.
    /// - Throws: `ImageError`
    public func batch(_ range: Range<Int>, _ options: EvaluationOptions) throws -> (
        images: ImageArrays, questions: EncodedBatch
    ) {
        (
            try ImageArrays(
                Array(files[range]), concepts: records[range].map { $0.concepts ?? [] },
                tokenizer: tokenizer, options),
            tokenizer.encode(
                records[range].map {
                    CaptionCleaning.question($0.question, maxWords: Self.evaluationWords)
                }, maxLength: options.textTokens)
        )
    }

    /// Answers with their end mark, as the decoder reads and writes them.
    public func encoded(answers: [String]) -> EncodedBatch {
        tokenizer.encode(answers.map { $0 + endMark })
    }
}
