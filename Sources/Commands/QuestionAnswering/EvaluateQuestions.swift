import ArgumentParser
import Datasets
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

    @Option(help: ArgumentHelp("VQA v2's annotations of the questions.", valueName: "path"))
    var annotations: String?

    @Option(help: ArgumentHelp("File to write the answers to.", valueName: "path"))
    var result: String?

    func run() throws {
        let configuration: QuestionAnsweringConfiguration = try model.configuration()
        let device = try model.model.device.resolved()
        let run = try QuestionAnsweringRun(
            configuration, model, checkpoint: evaluation.checkpoint, isTrained: false,
            device: device)
        guard let test = try run.testSet() else {
            throw ModelConfigurationError(key: "test_file", expected: "a list of annotation files")
        }
        let given = try annotations.map { try AnswerAnnotations(file: $0).annotations }
        if let given {
            // Found out before the questions are answered, not after.
            try AnswerAccuracy.check(
                given, askedQuestions: Set(test.records.compactMap(\.questionID)))
        }
        let list = try run.answers()
        let results = try run.results(test, list, model, device: device)
        if let result {
            try AnswerResult.write(results, to: result)
            print("\(results.count) answers are in \(result)")
        }
        let byQuestion: [Int: String]
        let known: [AnswerAnnotations.Annotation]
        if let given {
            byQuestion = Dictionary(results.map { ($0.questionID, $0.answer) }) { first, _ in first
            }
            known = given
        } else if test.records.allSatisfy({ $0.answers != nil }) {
            byQuestion = Dictionary(
                uniqueKeysWithValues: results.enumerated().map { ($0, $1.answer) })
            known = AnswerAccuracy.annotations(of: test.records)
        } else {
            print("the answers to these questions are not known; --annotations compares with them")
            return
        }
        let accuracy = try AnswerAccuracy(byQuestion, known)
        let baseline = try AnswerAccuracy.commonest(known)
        func percent(_ value: Double) -> String { String(format: "%.2f %%", value) }
        print("\(known.count) questions: \(percent(accuracy.overall)) right")
        print("  always '\(baseline.answer)': \(percent(baseline.accuracy.overall))")
        for (type, value) in accuracy.byAnswerType.sorted(by: { $0.key < $1.key }) {
            print("  answers of the kind \(type): \(percent(value))")
        }
        for (type, value) in accuracy.byQuestionType.sorted(by: { $0.key < $1.key }) {
            print("  questions '\(type) …': \(percent(value))")
        }
        let possible = Set(list)
        let outside = known.count { !$0.answers.contains { possible.contains($0.answer) } }
        if outside > 0 {
            print("  \(outside) questions have no answer among those of answer_list")
        }
        try EvaluationLog.append([("test_acc", accuracy.overall)], to: evaluation.outputDir)
    }
}
