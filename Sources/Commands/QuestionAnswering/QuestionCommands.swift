import ArgumentParser

/// `vicha vqa`
struct QuestionCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa",
        abstract: "Answer questions about images (VQA v2).",
        discussion: """
            EXAMPLES
              vicha vqa train --config VQA.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/base/checkpoint_last.safetensors --output-dir output/vqa
              vicha vqa evaluate --config VQA.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/vqa/checkpoint_last.safetensors --result output/vqa/result.json
              vicha vqa ask photo.jpg "what is the man holding?" \\
                --checkpoint output/vqa/checkpoint_last.safetensors --answers answer_list.json
            """,
        subcommands: [TrainQuestions.self, EvaluateQuestions.self, AskQuestion.self])
}
