import Files
import Foundation

/// An answer in the form that VQA v2's server takes.
public struct AnswerResult: Codable, Sendable, Equatable {
    /// Names the question.
    public let questionID: Int
    /// The best answer.
    public let answer: String

    enum CodingKeys: String, CodingKey {
        case questionID = "question_id"
        case answer
    }

    /// Makes an answer.
    public init(questionID: Int, answer: String) {
        self.questionID = questionID
        self.answer = answer
    }

    /// Writes a file of results.
    /// - Throws: `FileWritingError`
    public static func write(_ results: [AnswerResult], to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(results), to: path)
    }
}
