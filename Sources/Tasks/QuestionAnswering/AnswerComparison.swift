import Configuration
import Datasets
import Foundation
import Reports
import Training

/// Answers beside those of annotators.
struct AnswerComparison {
    /// What annotators answered.
    let annotations: [AnswerAnnotations.Annotation]
    let accuracy: AnswerAccuracy
    /// What always giving the commonest answer reaches.
    let baseline: (answer: String, accuracy: AnswerAccuracy)
    private let byQuestion: [Int: AnswerAnnotations.Annotation]
    /// What annotations call each question of the set.
    private let numbers: [Int]

    /// Compares with annotations or, where none are given, with the answers of the records; nil where
    /// these have none.
    /// - Throws: `AnnotationError`
    init?(
        _ results: [AnswerResult], _ set: QuestionDataset,
        annotations given: [AnswerAnnotations.Annotation]?
    ) throws {
        if let given {
            annotations = given
            numbers = results.map(\.questionID)
        } else if set.records.allSatisfy({ $0.answers != nil }) {
            annotations = AnswerAccuracy.annotations(of: set.records)
            numbers = Array(results.indices)
        } else {
            return nil
        }
        accuracy = try AnswerAccuracy(
            Dictionary(zip(numbers, results.map(\.answer))) { first, _ in first }, annotations)
        baseline = try AnswerAccuracy.commonest(annotations)
        byQuestion = Dictionary(annotations.map { ($0.questionID, $0) }) { first, _ in first }
    }

    /// What annotators answered to a question of the set, and how far the model agrees, in percent.
    subscript(question: Int) -> (annotation: AnswerAnnotations.Annotation, percent: Double)? {
        let number = numbers[question]
        guard let annotation = byQuestion[number], let percent = accuracy.byQuestion[number] else {
            return nil
        }
        return (annotation, percent)
    }

    /// Names of groups of questions with their accuracy in percent, the baseline second.
    private var rows: [(name: String, percent: Double)] {
        [
            ("\(annotations.count) questions", accuracy.overall),
            ("always '\(baseline.answer)'", baseline.accuracy.overall),
        ]
            + accuracy.byAnswerType.sorted { $0.key < $1.key }.map {
                ("answers of the kind \($0.key)", $0.value)
            }
            + accuracy.byQuestionType.sorted { $0.key < $1.key }.map {
                ("questions '\($0.key) …'", $0.value)
            }
    }

    /// To read.
    var text: String {
        rows.enumerated().map { number, row in
            (number == 0 ? "" : "  ") + row.name + ": " + String(format: "%.2f %%", row.percent)
                + (number == 0 ? " right" : "")
        }.joined(separator: "\n")
    }

    /// As a part of a page.
    var table: String {
        HTML.table(
            [["", "right"]] + rows.map { [$0.name, percentage($0.percent / 100)] }, chance: 2)
    }
}

extension QuestionAnsweringTask {
    /// Accuracy of the answers to test_file where the true ones are known.
    public static func report(
        on trained: TrainedModel<QuestionAnsweringTask>, _ source: TaskSource,
        _ options: EvaluationRun
    ) throws -> EvaluationReport {
        try report(on: trained, source, options, annotations: nil).report
    }

    /// Accuracy of the answers to test_file where the true ones are known, and the answers.
    ///
    /// - Parameters:
    ///   - trained: what is evaluated
    ///   - source: where files lie
    ///   - options: how it is done
    ///   - annotations: VQA v2's annotations of the questions; nil for the answers of the records
    public static func report(
        on trained: TrainedModel<QuestionAnsweringTask>, _ source: TaskSource,
        _ options: EvaluationRun, annotations: String?
    ) throws -> (report: EvaluationReport, answers: [AnswerResult]) {
        let (configuration, model) = (trained.configuration, trained.model)
        let files = QuestionFiles(configuration, source)
        guard let test = try files.testSet() else {
            throw ConfigurationKeyError(key: "test_file", expected: "a list of annotation files")
        }
        let given = try annotations.map {
            try files.annotations(AnswerAnnotations(file: $0).annotations, of: test)
        }
        if let given {
            // Found out before the questions are answered, not after.
            try AnswerAccuracy.check(
                given, askedQuestions: Set(test.records.compactMap(\.questionID)))
        }
        let list = try files.answers()
        var ranking = QuestionAnsweringEvaluation.Options(configuration, options.compute)
        ranking.kept = options.examples == nil ? 1 : AnswerPage.shownAnswers
        let evaluation = try QuestionAnsweringEvaluation(
            test, answers: list, model.answerer, ranking)
        let answers = try evaluation.results(test, of: configuration.testFiles)
        var report = EvaluationReport(title: "Questions about images")
        let comparison = try AnswerComparison(answers, test, annotations: given)
        if let comparison {
            report.lines.append(comparison.text)
            let outside = AnswerAccuracy.outOfReach(comparison.annotations, of: list)
            if outside > 0 {
                report.lines.append(
                    "  \(outside) questions have no answer among those of answer_list")
            }
            report.results = [
                ("test_acc", comparison.accuracy.overall),
                ("test_majority_acc", comparison.baseline.accuracy.overall),
            ]
        } else {
            report.lines.append(
                "the answers to these questions are not known; --annotations compares with them")
        }
        let part = AnswerPage(set: test, evaluation: evaluation, comparison: comparison)
        report.page.body =
            try (comparison?.table ?? "") + part.gallery(options.chosen(of: test.records.count))
        return (report, answers)
    }
}
