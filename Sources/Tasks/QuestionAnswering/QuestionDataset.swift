import Batches
import Datasets
import Files
import Images
import Text
import Torch

/// Where the images of questions lie, by the data set that a question is of.
public struct QuestionImagePaths: Sendable {
    private let visualQuestions: ImagePaths
    private let visualGenome: ImagePaths

    /// Describes where images lie.
    public init(visualQuestions: ImagePaths, visualGenome: ImagePaths) {
        self.visualQuestions = visualQuestions
        self.visualGenome = visualGenome
    }

    /// Images are used as they stand once they are resolved.
    var resolved: ImagePaths {
        ImagePaths(dataDirectory: "", allowsMissingImages: visualQuestions.allowsMissingImages)
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

/// A batch of questions about images, each with several answers.
public struct QuestionBatch: TensorBatch {
    /// The image of each question.
    public let images: ImageBatch
    /// Encoded questions.
    public let questions: TokenBatch
    /// The answers of all questions, each with its end mark.
    public let answers: TokenBatch
    /// The question of each answer. int64 `[A]`
    public let questionOfAnswer: Tensor
    /// What each answer counts. `[A]`
    public let weights: Tensor

    /// Questions in the order of their rows.
    public init(
        images: ImageBatch, questions: TokenBatch, answers: TokenBatch, questionOfAnswer: Tensor,
        weights: Tensor
    ) {
        self.images = images
        self.questions = questions
        self.answers = answers
        self.questionOfAnswer = questionOfAnswer
        self.weights = weights
    }

    /// The same with each tensor changed.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> QuestionBatch {
        try QuestionBatch(
            images: images.map(change), questions: questions.map(change),
            answers: answers.map(change), questionOfAnswer: change(questionOfAnswer),
            weights: change(weights))
    }
}

/// Questions about images, for training and for evaluation.
public struct QuestionDataset: TrainingDataset {
    /// Words kept of a question in training.
    public static let trainingWords = 30
    /// Words kept of a question in an evaluation.
    public static let evaluationWords = 50

    /// What is drawn from.
    public let records: [QuestionRecord]
    private let files: [String]
    private let resolved: ImagePaths
    /// Cuts texts into tokens.
    public let tokenizer: WordPieceTokenizer
    private let endMark: String
    private let options: ImageTextOptions

    /// Describes a data set; no image is read yet.
    ///
    /// - Parameters:
    ///   - records: the questions
    ///   - paths: where the images lie
    ///   - tokenizer: cuts texts into tokens
    ///   - endMark: written behind each answer
    ///   - options: how training sees them
    public init(
        records: [QuestionRecord], paths: QuestionImagePaths, tokenizer: WordPieceTokenizer,
        endMark: String, options: ImageTextOptions
    ) {
        self.records = records
        files = records.map(paths.resolve)
        resolved = paths.resolved
        self.tokenizer = tokenizer
        self.endMark = endMark
        self.options = options
    }

    /// Number of questions.
    public var count: Int { records.count }

    /// The file of a question's image.
    public func imagePath(_ question: Int) -> String { files[question] }

    /// The images, as training sees them.
    public var images: TrainingImages {
        TrainingImages(names: RecordList(files).mapped { [$1] }, paths: resolved, options)
    }

    /// The batch of some records, with those whose images could not be read and were replaced.
    public func batch(_ indices: [Int], seed: (UInt64, UInt64)) throws -> (
        batch: QuestionBatch, skipped: [UnreadableRecord]
    ) {
        var questions: [String] = []
        var concepts: [String] = []
        var answers: [WeightedAnswers] = []
        let (pixels, skipped) = try images.batch(indices, seed: seed) { sample, random in
            let record = records[sample.index]
            questions.append(
                CaptionCleaning.question(record.question, maxWords: Self.trainingWords))
            concepts.append(options.joined(record.concepts ?? [], using: &random))
            answers.append(WeightedAnswers(record))
        }
        let batch = QuestionBatch(
            images: ImageBatch(
                pixels: pixels, concepts: options.conceptBatch(concepts, tokenizer)),
            questions: tokenizer.batch(questions, maxLength: options.textTokens),
            answers: encoded(answers: answers.flatMap(\.answers)),
            questionOfAnswer: Tensor(
                answers.enumerated().flatMap { question, answers in
                    answers.answers.map { _ in question }
                }), weights: Tensor(answers.flatMap { $0.weights.map(Float.init) }))
        return (batch, skipped)
    }

    /// Some questions for an evaluation, with their images.
    ///
    /// - Returns: both batches, and what is wrong with damaged images
    /// - Throws: `ImageError`
    public func batch(_ range: Range<Int>, _ options: EvaluationOptions) throws -> (
        images: ImageBatch, questions: TokenBatch, damages: [ImageError]
    ) {
        let (images, damages) = try ImageBatch.read(
            Array(files[range]), concepts: records[range].map { $0.concepts ?? [] },
            tokenizer: tokenizer, options)
        let questions = tokenizer.batch(
            records[range].map {
                CaptionCleaning.question($0.question, maxWords: Self.evaluationWords)
            }, maxLength: options.textTokens)
        return (images, questions, damages)
    }

    /// Answers with their end mark, as the decoder reads and writes them.
    public func encoded(answers: [String]) -> TokenBatch {
        tokenizer.batch(answers.map { $0 + endMark })
    }

    /// Goes over all questions once; a checksum of them in their order.
    public func inspect(_ look: ([String]) -> Void) throws -> String {
        let sum = RecordChecksum()
        for (record, file) in zip(records, files) {
            look([file])
            sum.add(record.image)
            sum.add(record.source.rawValue)
            sum.add(record.question)
            sum.add(record.answers)
            sum.add(record.concepts)
        }
        return sum.text
    }
}
