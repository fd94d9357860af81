import ArgumentParser
import Configuration
import Datasets
import Files
import Foundation
import Torch
import Training
import ViCHA

/// `vicha vqa evaluate`
struct EvaluateQuestions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract:
            "Answer the questions of a test set, and measure how well where answers are known.",
        discussion: """
            Ranks the answers of answer_list for each question of test_file. --result writes them in the \
            form of the VQA v2 server. Accuracy is that of VQA v2 after its normalisation of answers: \
            overall, for each kind of answer and of question, beside what always giving the commonest \
            answer reaches. It is computed where --annotations (VQA v2's own file) or test_file has the \
            annotators' answers.

            EXAMPLES
              vicha vqa evaluate --config VQA.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/vqa/checkpoint_last.safetensors --result output/vqa/result.json
              vicha vqa evaluate --config configs/scenes/vqa.yaml --data-dir output/scenes \\
                --data-json-dir output/scenes --vocabulary output/scenes/vocab.txt \\
                --checkpoint output/vqa/checkpoint_best.safetensors \\
                --annotations output/scenes/vqa_test_annotations.json
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var evaluation: EvaluatedModelOptions
    @OptionGroup var page: PageOptions

    @Option(help: ArgumentHelp("VQA v2's annotations of the questions.", valueName: "path"))
    var annotations: String?

    @Option(help: ArgumentHelp("File to write the answers to.", valueName: "path"))
    var result: String?

    @OptionGroup var output: OutputFileOptions

    func run() throws {
        if let result { try output.check([result], inputs: inputs) }
        let configuration: QuestionAnsweringConfiguration = try model.configuration()
        if let result {
            let files = configuration.testFiles + [configuration.answerList]
            try output.check(
                [result], inputs: files.map(model.data.location().annotationFile),
                others: page.html.map { [$0] } ?? [])
        }
        let device = try model.model.device.resolved()
        let run = try QuestionAnsweringRun(
            configuration, model, checkpoint: evaluation.checkpoint, isTrained: false,
            device: device)
        guard let test = try run.testSet() else {
            throw ConfigurationKeyError(key: "test_file", expected: "a list of annotation files")
        }
        let given = try annotations.map {
            try run.annotations(AnswerAnnotations(file: $0).annotations, of: test)
        }
        if let given {
            // Found out before the questions are answered, not after.
            try AnswerAccuracy.check(
                given, askedQuestions: Set(test.records.compactMap(\.questionID)))
        }
        let list = try run.answers()
        let evaluation = try run.answered(
            test, list, model, device: device, kept: page.html == nil ? 1 : AnswerPage.shownAnswers)
        let results = try run.results(test, evaluation)
        if let result {
            try AnswerResult.write(results, to: result)
            print("\(results.count) answers are in \(result)")
        }
        let comparison = try AnswerComparison(results, test, annotations: given)
        if let comparison {
            print(comparison.text)
            let outside = AnswerAccuracy.outOfReach(comparison.annotations, of: list)
            if outside > 0 {
                print("  \(outside) questions have no answer among those of answer_list")
            }
            try EvaluationLog.append(
                [
                    ("test_acc", comparison.accuracy.overall),
                    ("test_majority_acc", comparison.baseline.accuracy.overall),
                ], to: self.evaluation.outputDir)
        } else {
            print("the answers to these questions are not known; --annotations compares with them")
        }
        try page.write {
            let part = AnswerPage(set: test, evaluation: evaluation, comparison: comparison)
            return Page(
                title: "Questions about images",
                body: try (comparison?.table ?? "")
                    + part.gallery(page.chosen(of: test.records.count)))
        }
    }
}

extension EvaluateQuestions {
    /// Files that are read, beside those that the configuration names.
    private var inputs: [String] {
        [model.config, evaluation.checkpoint]
            + [annotations, model.model.vocabulary].compactMap(\.self)
    }
}

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
