import ArgumentParser

/// What every command takes that evaluates a trained model.
struct EvaluatedModelOptions: ParsableArguments {
    @Option(help: "Weights of a fine-tuned or pretrained model.")
    var checkpoint: String

    @Option(name: [.long, .customLong("output_dir")], help: "Directory for log.txt.")
    var outputDir: String?
}
