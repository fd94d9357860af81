import ArgumentParser
import ViCHA

/// `vicha nlvr`
struct NLVRCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nlvr",
        abstract: "Say whether a sentence is true of two images (NLVR2).",
        discussion: """
            EXAMPLES
              vicha nlvr assign --config NLVR_pretrain.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/base/checkpoint_last.safetensors --output-dir output/assigned
              vicha nlvr train --config NLVR.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/assigned/checkpoint_last.safetensors --output-dir output/nlvr
              vicha nlvr evaluate --config NLVR.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/nlvr/checkpoint_best.safetensors
            """,
        subcommands: [AssignTexts.self, TrainNLVR.self, EvaluateNLVR.self])
}

/// `vicha nlvr train`
struct TrainNLVR: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a model for sentences about two images.",
        discussion: """
            Starts from a checkpoint of 'nlvr assign', or of 'pretrain', whose fusion layers are then \
            doubled. Evaluates on val_file and test_file after each epoch, and keeps the best epoch by \
            the accuracy on val_file as checkpoint_best.safetensors. Logs are those of 'pretrain'.

            EXAMPLES
              vicha nlvr train --config NLVR.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/assigned/checkpoint_last.safetensors --output-dir output/nlvr \\
                --device cuda --precision bf16
              vicha nlvr train --config configs/scenes/nlvr.yaml --data-dir output/scenes \\
                --data-json-dir output/scenes --vocabulary output/scenes/vocab.txt \\
                --checkpoint output/assigned/checkpoint_last.safetensors --output-dir output/nlvr
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var training: TrainingRunOptions

    func run() throws { try ClassificationRun.train(.imagePair, model, training) }
}

/// `vicha nlvr evaluate`
struct EvaluateNLVR: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how often a model judges sentences about two images rightly.",
        discussion: """
            Prints the accuracy on val_file and test_file beside that of always giving the commonest \
            answer, the share of sentences that are judged rightly for all of their pairs \
            (consistency), and what is taken for what. With --output-dir the accuracy is also written \
            to log.txt in the official form.

            EXAMPLES
              vicha nlvr evaluate --config NLVR.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/nlvr/checkpoint_best.safetensors
              vicha nlvr evaluate --config configs/scenes/nlvr.yaml --data-dir output/scenes \\
                --data-json-dir output/scenes --vocabulary output/scenes/vocab.txt \\
                --checkpoint output/nlvr/checkpoint_best.safetensors
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var evaluation: EvaluatedModelOptions
    @OptionGroup var page: PageOptions

    func run() throws {
        try ClassificationRun.evaluate(
            .imagePair, model, checkpoint: evaluation.checkpoint, labels: ["false", "true"],
            outputDir: evaluation.outputDir, page: page)
    }
}
