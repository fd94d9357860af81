import ArgumentParser
import Files
import Foundation
import Torch
import Training

/// `vicha pretrain`
struct Pretrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pretrain a model on image-caption pairs.",
        discussion: """
            Reads an official YAML file or one of this project's, and official annotation files. \
            Writes config.yaml, log.txt (one JSON object an epoch), metrics.jsonl (one a step), \
            TensorBoard events and checkpoints to the output directory. Ctrl-C finishes the step, \
            saves and exits; --resume goes on from there as if nothing had happened.

            EXAMPLES
              vicha pretrain --config configs/pretrain_tiny.yaml --data-dir Samples \\
                --data-json-dir Samples --output-dir output/tiny
              vicha pretrain --config configs/pretrain_tiny.yaml --data-dir Samples \\
                --data-json-dir Samples --output-dir output/tiny --resume
              vicha pretrain --config Pretrain.yaml --data-dir /data --data-json-dir /data/json \\
                --output-dir output/base --device cuda --precision bf16 --set batch_size=64
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var training: TrainingRunOptions

    @Option(
        name: [.long, .customLong("text_encoder")],
        help: "BERT directory (config.json, vocab.txt, model.safetensors) for initial text weights."
    )
    var textEncoder: String?

    @Option(help: "Vision transformer in timm's layout (.safetensors) for initial image weights.")
    var imageEncoder: String?

    func run() throws {
        let options = try training.options(model)
        let stop = StopSignal()
        stop.watchSignals()
        let run = try PretrainingRun(
            configuration: model.configuration(), data: model.data.location(.shortened),
            vocabulary: Resources.vocabulary(model.model.vocabulary, textEncoder: textEncoder),
            weights: .init(textEncoder: textEncoder, imageEncoder: imageEncoder),
            options: options, stop: stop)
        if !training.resume, let checkpoint = training.checkpoint {
            try model.model.load(checkpoint, into: run.model, run.tokenizer.identity)
        }
        try training.run(run.trainer, records: run.dataset.pairs.count, on: options.device)
    }
}

/// Writes a line that is no result to standard error.
func note(_ line: String) { StandardError.note(line) }
