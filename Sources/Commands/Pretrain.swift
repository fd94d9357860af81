import ArgumentParser
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

    @Option(help: "Configuration file.")
    var config: String

    @OptionGroup var data: DataOptions

    @Option(
        name: [.long, .customLong("output_dir")],
        help: "Directory for checkpoints and logs.")
    var outputDir: String

    @Option(help: "Weights to start from, or with --resume the run to go on with.")
    var checkpoint: String?

    @Flag(help: "Go on with the run in the output directory, or with that of --checkpoint.")
    var resume = false

    @OptionGroup var device: DeviceOptions

    @Option(
        name: [.long, .customLong("text_encoder")],
        help: "BERT directory (config.json, vocab.txt, model.safetensors) for initial text weights."
    )
    var textEncoder: String?

    @Option(help: "Vision transformer in timm's layout (.safetensors) for initial image weights.")
    var imageEncoder: String?

    @Option(
        help:
            "BERT vocabulary; by default that of --text-encoder, or the one set up with the program."
    )
    var vocabulary: String?

    @Option(help: "Seed of all random choices.")
    var seed: UInt64 = 42

    @Option(help: "Threads that prepare batches.")
    var workers = 2

    @Option(help: "Stop after this many steps.")
    var maxSteps: Int?

    @Option(help: "Steps between two readings of the losses; 1 on a CPU, 20 on a GPU by default.")
    var logInterval: Int?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Change a value of the configuration; may be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
        guard (logInterval ?? 1) > 0 else {
            throw ValidationError("--log-interval must be 1 or more")
        }
        guard (maxSteps ?? 1) > 0 else { throw ValidationError("--max-steps must be 1 or more") }
    }

    func run() throws {
        let loaded = try ConfigurationFile.load(
            PretrainingConfiguration.self, config, overrides: overrides)
        for warning in loaded.warnings { note("warning: \(warning)") }
        var options = TrainingOptions(outputDirectory: outputDir)
        options.device = try device.resolved()
        options.autocast = device.autocast
        options.seed = seed
        options.workers = workers
        options.maxSteps = maxSteps
        options.logInterval = logInterval ?? (options.device == .cpu ? 1 : 20)
        let stop = StopSignal()
        stop.watchSignals()
        let run = try PretrainingRun(
            configuration: loaded.configuration, data: data.location(),
            vocabulary: Resources.vocabulary(vocabulary, textEncoder: textEncoder),
            weights: .init(
                textEncoder: textEncoder, imageEncoder: imageEncoder, checkpoint: checkpoint,
                resumes: resume),
            options: options, stop: stop)
        note(
            "\(run.dataset.records.count) records, "
                + "\(run.model.store.parameters.map(\.tensor.count).reduce(0, +)) weights, "
                + "on \(options.device)")
        switch try run.trainer.run() {
        case .finished: note("saved \(run.trainer.lastCheckpoint)")
        case .interrupted:
            note("stopped on request; --resume goes on from \(run.trainer.lastCheckpoint)")
        }
        if let bytes = try options.device.peakMemory() {
            note(String(format: "peak device memory %.2f GB", Double(bytes) / 1e9))
        }
    }
}

/// Writes a line that is no result to standard error.
func note(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
