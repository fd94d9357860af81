import Datasets
import Files
import Foundation

extension ParityCase {
    private struct AccuracyFields: Decodable {
        struct Accuracy: Decodable {
            let overall: Double
            let perQuestionType: [String: Double]
            let perAnswerType: [String: Double]
        }

        struct Normalization: Decodable {
            let raw: String
            let punctuation: String
            let final: String

            enum CodingKeys: String, CodingKey {
                case raw, final
                case punctuation = "after_punctuation"
            }
        }

        let accuracy: Accuracy
        let questions: [String: Double]
        let normalization: [Normalization]

        enum CodingKeys: String, CodingKey {
            case accuracy
            case questions = "per_question"
            case normalization = "prediction_normalisation"
        }
    }

    /// The accuracy of recorded answers, and how answers are brought to one form.
    func compareAnswerAccuracy() throws -> Comparison {
        let fields: AccuracyFields = try fields()
        func path(_ file: String) -> String { folder.appendingPathComponent(file).path }
        let answers = try AnnotationFile.load(
            [AnswerResult].self, file: path("results.json"))
        let found = try AnswerAccuracy(
            Dictionary(answers.map { ($0.questionID, $0.answer) }) { first, _ in first },
            AnswerAnnotations(file: path("annotations_questions.json")).annotations)
        var comparison = Comparison()
        /// Recorded with two decimals.
        func compare(_ name: String, _ found: Double?, _ expected: Double) {
            comparison.number(name, found ?? .nan, expected, within: 0.005 + 1e-9)
        }
        compare("overall", found.overall, fields.accuracy.overall)
        comparison.same(
            "question types", found.byQuestionType.keys.sorted().map(\.text),
            fields.accuracy.perQuestionType.keys.sorted())
        for (type, value) in fields.accuracy.perQuestionType {
            compare("question type \(type)", found.byQuestionType[ExactString(type)], value)
        }
        for (type, value) in fields.accuracy.perAnswerType {
            compare("answer type \(type)", found.byAnswerType[ExactString(type)], value)
        }
        for (question, value) in fields.questions {
            compare("question \(question)", Int(question).flatMap { found.byQuestion[$0] }, value)
        }
        for item in fields.normalization {
            comparison.same(
                "'\(item.raw)'", AnswerNormalization.prediction(item.raw), item.final)
            let line = item.raw.replacing("\n", with: " ").replacing("\t", with: " ")
            comparison.same(
                "'\(item.raw)' punctuation",
                AnswerNormalization.punctuation(line.trimmingCharacters(in: .whitespaces)),
                item.punctuation)
        }
        return comparison
    }
}
