import Datasets
import Files
import Images
import Reports
import Training

/// Questions with their images and the answers a model gives, as a part of a page.
struct AnswerPage {
    /// Answers of a question that are shown.
    static let shownAnswers = 4

    let set: QuestionDataset
    let evaluation: QuestionAnsweringEvaluation
    /// Nil where nobody knows the answers.
    let comparison: AnswerComparison?

    /// - Throws: `ImageError`
    func gallery(_ questions: [Int]) throws -> String {
        HTML.gallery(try questions.map { try figure($0) })
    }

    private func figure(_ number: Int) throws -> String {
        let known = comparison?[number]
        let given = Set(known?.annotation.answers.map { ExactString($0.answer) } ?? [])
        let verdict = known.map { annotation, percent in
            let truth = AnswerAccuracy.commonest(annotation.answers.map(\.answer))
            return (percent >= 100, percent >= 100 ? "right" : "most said: \(truth)")
        }
        return try Figure(
            images: [.thumbnail(set.imagePath(number))], caption: set.records[number].question,
            bars: evaluation.ranked[number].prefix(Self.shownAnswers).map { answer in
                Figure.Bar(
                    name: answer.text, label: percentage(answer.probability),
                    share: answer.probability, isTrue: given.contains(ExactString(answer.text)))
            }, verdict: verdict
        ).html()
    }
}
