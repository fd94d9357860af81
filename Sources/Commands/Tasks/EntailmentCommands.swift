import ArgumentParser
import Tasks
import Training

/// `vicha entailment`
struct EntailmentGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entailment",
        abstract: "Say whether an image entails a sentence, contradicts it or neither (SNLI-VE).",
        discussion: """
            EXAMPLES
              vicha entailment train --config VE.yaml --data-dir /data --data-json-dir /data/json \\
                --model output/base --output-dir output/ve
              vicha entailment evaluate --data-dir /data --data-json-dir /data/json \\
                --model output/ve
            """,
        subcommands: [Train<EntailmentCommands>.self, Evaluate<EntailmentCommands>.self])
}

/// Training and evaluation of visual entailment.
enum EntailmentCommands: TaskCommands, EvaluatedCommands {
    typealias Training = NoExtras<EntailmentTask>
    typealias Evaluation = NoExtras<EntailmentTask>

    static let training = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a pretrained model for visual entailment.",
        discussion: """
            Starts from a checkpoint of 'pretrain', evaluates on val_file and test_file after each \
            epoch, and keeps the best epoch by the accuracy on val_file as \
            checkpoint_best.safetensors. Logs are those of 'pretrain'.

            EXAMPLES
              vicha entailment train --config VE.yaml --data-dir /data --data-json-dir /data/json \\
                --model output/base --output-dir output/ve \\
                --device cuda --precision bf16
              vicha entailment train --config configs/scenes/entailment.yaml \\
                --data-dir output/scenes --data-json-dir output/scenes \\
                --model output/pretrain \\
                --output-dir output/entailment
            """)

    static let evaluation = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how often a model judges sentences rightly.",
        discussion: """
            Prints the accuracy on val_file and test_file beside that of always naming the commonest \
            class, the accuracy of each class and what is taken for what. With --output-dir the \
            accuracy is also written to log.txt in the official form.

            EXAMPLES
              vicha entailment evaluate --data-dir /data --data-json-dir /data/json \\
                --model output/ve
              vicha entailment evaluate --data-dir output/scenes --data-json-dir output/scenes \\
                --model output/entailment
            """)
}
