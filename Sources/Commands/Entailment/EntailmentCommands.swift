import ArgumentParser
import Datasets
import ViCHA

/// `vicha entailment`
struct EntailmentCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entailment",
        abstract: "Say whether an image entails a sentence, contradicts it or neither (SNLI-VE).",
        discussion: """
            EXAMPLES
              vicha entailment train --config VE.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/base/checkpoint_last.safetensors --output-dir output/ve
              vicha entailment evaluate --config VE.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/ve/checkpoint_best.safetensors
            """,
        subcommands: [TrainEntailment.self, EvaluateEntailment.self])
}

/// `vicha entailment train`
struct TrainEntailment: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a pretrained model for visual entailment.",
        discussion: """
            Starts from a checkpoint of 'pretrain', evaluates on val_file and test_file after each \
            epoch, and keeps the best epoch by the accuracy on val_file as \
            checkpoint_best.safetensors. Logs are those of 'pretrain'.

            EXAMPLES
              vicha entailment train --config VE.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/base/checkpoint_last.safetensors --output-dir output/ve \\
                --device cuda --precision bf16
              vicha entailment train --config configs/scenes/entailment.yaml \\
                --data-dir output/scenes --data-json-dir output/scenes \\
                --vocabulary output/scenes/vocab.txt \\
                --checkpoint output/pretrain/checkpoint_last.safetensors \\
                --output-dir output/entailment
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var training: TrainingRunOptions

    func run() throws { try ClassificationRun.train(.entailment, model, training) }
}

/// `vicha entailment evaluate`
struct EvaluateEntailment: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how often a model judges sentences rightly.",
        discussion: """
            Prints the accuracy on val_file and test_file beside that of always naming the commonest \
            class, the accuracy of each class and what is taken for what. With --output-dir the \
            accuracy is also written to log.txt in the official form.

            EXAMPLES
              vicha entailment evaluate --config VE.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/ve/checkpoint_best.safetensors
              vicha entailment evaluate --config configs/scenes/entailment.yaml \\
                --data-dir output/scenes --data-json-dir output/scenes \\
                --vocabulary output/scenes/vocab.txt \\
                --checkpoint output/entailment/checkpoint_best.safetensors
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var evaluation: EvaluatedModelOptions
    @OptionGroup var page: PageOptions

    func run() throws {
        try ClassificationRun.evaluate(
            .entailment, model, checkpoint: evaluation.checkpoint,
            labels: EntailmentLabel.allCases.map(\.name), outputDir: evaluation.outputDir,
            page: page)
    }
}
