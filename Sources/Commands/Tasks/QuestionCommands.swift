import ArgumentParser
import Datasets
import Tasks
import Training

/// `vicha vqa`
struct QuestionGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa",
        abstract: "Answer questions about images (VQA v2).",
        discussion: """
            EXAMPLES
              vicha vqa train --config VQA.yaml --data-dir /data --data-json-dir /data/json \\
                --model output/base --output-dir output/vqa
              vicha vqa evaluate --data-dir /data --data-json-dir /data/json \\
                --model output/vqa --result output/vqa/result.json
              vicha vqa ask photo.jpg "what is the man holding?" \\
                --model output/vqa --answers answer_list.json
            """,
        subcommands: [
            Train<QuestionCommands>.self, Evaluate<QuestionCommands>.self, AskQuestion.self,
        ])
}

/// Training and evaluation of question answering.
enum QuestionCommands: TaskCommands, EvaluatedCommands {
    typealias Training = NoExtras<QuestionAnsweringTask>
    typealias Evaluation = AnswerOptions

    static let training = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a pretrained model for questions about images.",
        discussion: """
            Starts from a checkpoint of 'pretrain', whose fusion layers also become the answer decoder. \
            Where the configuration names a val_file with answers, it is evaluated after each epoch and \
            the best epoch is kept as checkpoint_best.safetensors; the official files have none. At the \
            end the questions of test_file are answered, and the answers written to \
            result/vqa_result_epochN.json for the VQA v2 server.

            EXAMPLES
              vicha vqa train --config VQA.yaml --data-dir /data --data-json-dir /data/json \\
                --model output/base --output-dir output/vqa \\
                --device cuda --precision bf16
              vicha vqa train --config configs/scenes/vqa.yaml --data-dir output/scenes \\
                --data-json-dir output/scenes \\
                --model output/pretrain --output-dir output/vqa
            """)

    static let evaluation = CommandConfiguration(
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
              vicha vqa evaluate --data-dir /data --data-json-dir /data/json \\
                --model output/vqa --result output/vqa/result.json
              vicha vqa evaluate --data-dir output/scenes \\
                --data-json-dir output/scenes \\
                --model output/vqa \\
                --annotations output/scenes/vqa_test_annotations.json
            """)
}

/// What answers are compared with, and where they go.
struct AnswerOptions: EvaluationExtras {
    typealias Task = QuestionAnsweringTask

    @Option(help: ArgumentHelp("VQA v2's annotations of the questions.", valueName: "path"))
    var annotations: String?

    @Option(help: ArgumentHelp("File to write the answers to.", valueName: "path"))
    var result: String?

    @OptionGroup var output: OutputFileOptions

    func check(_ command: EvaluationInputs) throws {
        guard let result else { return }
        try output.check(
            [result], inputs: command.files + [annotations].compactMap(\.self),
            others: [command.page].compactMap(\.self))
    }

    func inputs(of configuration: QuestionAnsweringConfiguration) -> [String] {
        configuration.testFiles + [configuration.answerList]
    }

    func evaluate(
        _ trained: TrainedModel<QuestionAnsweringTask>, _ source: TaskSource, _ run: EvaluationRun
    ) throws -> EvaluationReport {
        var (report, answers) = try QuestionAnsweringTask.report(
            on: trained, source, run, annotations: annotations)
        if let result {
            try AnswerResult.write(answers, to: result)
            report.lines.insert("\(answers.count) answers are in \(result)", at: 0)
        }
        return report
    }
}
