import ArgumentParser
import Configuration
import Datasets
import Foundation
import Text
import Torch
import Training
import ViCHA

/// What every command with a model takes.
struct ModelOptions: ParsableArguments {
    @Option(
        help:
            "BERT vocabulary; by default that of --text-encoder, or the one set up with the program."
    )
    var vocabulary: String?

    @OptionGroup var device: DeviceOptions

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Change a value of the configuration; may be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(
        help:
            "List the tensors that were taken from a checkpoint, initialised anew or not used.")
    var listWeights = false

    /// The configuration of a file; what is odd about it is said.
    func configuration<Configuration: KeyedConfiguration>(
        _ type: Configuration.Type = Configuration.self, file: String
    ) throws -> Configuration {
        let loaded = try ConfigurationFile.load(type, file, overrides: overrides)
        for warning in loaded.warnings { note("warning: \(warning)") }
        return loaded.configuration
    }

    /// The tokenizer, whose vocabulary must fit the model.
    func tokenizer(for model: ModelConfiguration) throws -> WordPieceTokenizer {
        try WordPieceTokenizer(
            vocabularyFile: Resources.vocabulary(vocabulary, textEncoder: nil), fitting: model)
    }
}

/// What every command takes that trains a model or evaluates it on annotation files.
struct ModelRunOptions: ParsableArguments {
    @Option(help: "Configuration file.")
    var config: String

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(help: "Threads that prepare batches.")
    var workers = 2

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
    }

    /// The configuration; what is odd about its file is said.
    func configuration<Configuration: KeyedConfiguration>(
        _ type: Configuration.Type = Configuration.self
    ) throws -> Configuration {
        try model.configuration(type, file: config)
    }
}

/// A trained model, for commands that use it on single images.
struct TrainedModelOptions: ParsableArguments {
    @Option(help: "Weights of a fine-tuned or pretrained model.")
    var checkpoint: String

    @Option(help: "Configuration file; by default config.yaml beside the checkpoint.")
    var config: String?

    @OptionGroup var model: ModelOptions

    /// The configuration of the model.
    func configuration<Configuration: KeyedConfiguration>(
        _ type: Configuration.Type = Configuration.self
    ) throws -> Configuration {
        let directory = (checkpoint as NSString).deletingLastPathComponent
        return try model.configuration(
            type, file: config ?? (directory as NSString).appendingPathComponent("config.yaml"))
    }
}

extension WordPieceTokenizer {
    /// Reads a vocabulary that has no more tokens than a model.
    /// - Throws: `VocabularyError`, `ConfigurationKeyError`
    init(vocabularyFile path: String, fitting model: ModelConfiguration) throws {
        try self.init(vocabularyFile: path)
        guard vocabularySize <= model.text.vocabularySize else {
            throw ConfigurationKeyError(
                key: "bert_config.vocab_size",
                expected: "at least \(vocabularySize), the tokens of '\(path)'",
                found: model.text.vocabularySize)
        }
    }
}

/// What every command that trains takes beside ``ModelRunOptions``.
struct TrainingRunOptions: ParsableArguments {
    @OptionGroup var directory: RunDirectoryOptions

    @Option(
        help:
            "Weights to start from, or with --resume the run to go on with, in a directory of its own."
    )
    var checkpoint: String?

    @Option(
        help:
            "Steps of an epoch at most; each epoch draws others of the records, and ends after them."
    )
    var stepsPerEpoch: Int?

    @Option(help: "Steps between two readings of the losses; 1 on a CPU, 20 on a GPU by default.")
    var logInterval: Int?

    func validate() throws {
        guard (logInterval ?? 1) > 0 else {
            throw ValidationError("--log-interval must be 1 or more")
        }
        guard (stepsPerEpoch ?? 1) > 0 else {
            throw ValidationError("--steps-per-epoch must be 1 or more")
        }
    }

    /// Whether the run goes on with an earlier one.
    var resume: Bool { directory.resume }

    /// The trainer's options; the output directory belongs to this process from here on.
    func options(_ run: ModelRunOptions) throws -> TrainingOptions {
        let isWithin = checkpoint.map { lies($0, in: directory.outputDir) }
        if directory.overwrite, let checkpoint, isWithin == true {
            throw ValidationError(
                "--overwrite would remove '\(checkpoint)', which the run starts from; name another "
                    + "--output-dir")
        }
        var options = try directory.options(isContinued: isWithin ?? true)
        options.device = try run.model.device.resolved()
        options.autocast = run.model.device.autocast
        options.workers = run.workers
        options.stepsPerEpoch = stepsPerEpoch
        options.logInterval = logInterval ?? (options.device == .cpu ? 1 : 20)
        return options
    }

    private func lies(_ file: String, in directory: String) -> Bool {
        (file.resolvedPath as NSString).deletingLastPathComponent == directory.resolvedPath
    }

    /// The checkpoint to take weights from; fine-tuning does not start from random ones.
    func startingWeights() throws -> String? {
        if checkpoint == nil, !resume {
            throw ValidationError(
                "--checkpoint is missing: name a pretraining checkpoint to start from, or pass "
                    + "--resume")
        }
        return resume ? nil : checkpoint
    }

    /// Trains to the end, and says where the results are.
    @discardableResult
    func run<Task: TrainingTask>(_ trainer: Trainer<Task>, records: Int, on device: Device) throws
        -> TrainingOutcome
    {
        if resume { try trainer.resume(from: checkpoint) }
        note(
            "\(records) records, "
                + "\(trainer.task.store.parameters.map(\.tensor.count).reduce(0, +)) weights, "
                + "on \(device)")
        let outcome = try trainer.run()
        switch outcome {
        case .finished: note("saved \(trainer.lastCheckpoint)")
        case .interrupted:
            note("stopped on request; --resume goes on from \(trainer.lastCheckpoint)")
        }
        if let best = trainer.best {
            note("best epoch: \(best.epoch), saved \(trainer.bestCheckpoint)")
        }
        if let bytes = try device.peakMemory() {
            note(String(format: "peak device memory %.2f GB", Double(bytes) / 1e9))
        }
        return outcome
    }
}
