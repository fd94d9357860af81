import ArgumentParser
import Configuration
import Datasets
import Files
import Foundation
import Tasks
import Text
import Torch
import Training
import ViCHA

/// What every command with a model takes.
struct ModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "BERT vocabulary; by default that of the model or of --text-encoder, or the one set up with "
                + "the program.", valueName: "vocab.txt"))
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

    /// Says what became of the tensors of a checkpoint.
    func say(_ report: ParameterStore.LoadReport, of checkpoint: String) {
        let parts = [
            ("taken from '\(checkpoint)'", report.taken), ("initialised anew", report.initialized),
            ("not used", report.unused),
        ]
        note("tensors: " + parts.map { "\($1.count) \($0)" }.joined(separator: ", "))
        guard listWeights else { return }
        for (title, keys) in parts where !keys.isEmpty {
            note("\(title):")
            for key in keys { note("  \(key)") }
        }
    }
}

/// Which weights: a directory, or a file.
struct WeightOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Directory of a trained model, the output directory of a training command: weights of its "
                + "best epoch or else the last, configuration and vocabulary.",
            valueName: "directory"))
    var model: String?

    @Option(
        help: ArgumentHelp(
            "Weights of a fine-tuned or pretrained model; what else is needed is looked for beside "
                + "them.", valueName: "file"))
    var checkpoint: String?

    func validate() throws {
        guard model == nil || checkpoint == nil else {
            throw ValidationError("--model and --checkpoint both name weights: give one of them")
        }
    }

    /// The model, nil where none is named.
    func directory() throws -> ModelDirectory? {
        try model.map { try ModelDirectory($0) }
            ?? checkpoint.map { ModelDirectory(checkpoint: $0) }
    }
}

/// A trained model, for commands that use it.
struct TrainedModelOptions: ParsableArguments {
    @OptionGroup var weights: WeightOptions

    @Option(help: "Configuration file; by default config.yaml beside the weights.")
    var config: String?

    @OptionGroup var model: ModelOptions

    func validate() throws {
        guard weights.model != nil || weights.checkpoint != nil else {
            throw ValidationError(
                "--model is missing: name the output directory of a training command, or weights "
                    + "alone with --checkpoint")
        }
    }

    /// The directory of the model, which is named.
    func directory() throws -> ModelDirectory {
        guard let directory = try weights.directory() else { throw CleanExit.helpRequest() }
        return directory
    }

    /// The configuration of the model, with the options of a command.
    func configuration<Extras: TaskExtras>(_ extras: Extras) throws -> Extras.Task.Configuration {
        typealias Task = Extras.Task
        let directory = try directory()
        // The configuration of a task that shares the model has other keys.
        try directory.check(
            config == nil ? [Task.name, PretrainingTask.name] : Task.accepted)
        let file = config ?? directory.configurationFile
        var configuration = try model.configuration(Task.Configuration.self, file: file)
        configuration.moveConcepts(of: file)
        extras.apply(to: &configuration)
        return configuration
    }

    /// Opens the model, and says what became of its tensors.
    func open<Task: ModelTask>(_ configuration: Task.Configuration, _ compute: ComputeOptions)
        throws
        -> TrainedModel<Task>
    {
        let directory = try directory()
        let trained = try TrainedModel<Task>(
            directory, configuration, compute: compute,
            vocabulary: Resources.vocabulary(
                model.vocabulary ?? directory.vocabularyFile, textEncoder: nil))
        model.say(trained.report, of: directory.weights)
        return trained
    }

    /// Opens the model with its own configuration.
    func open<Task: ModelTask>(_ task: Task.Type, workers: Int = 2) throws -> TrainedModel<Task> {
        try open(
            configuration(NoExtras<Task>()),
            ComputeOptions(
                device: model.device.resolved(), autocast: model.device.autocast, workers: workers))
    }
}

/// What only the commands of one task take.
protocol TaskExtras: ParsableArguments {
    associatedtype Task: ModelTask

    /// Changes values of the configuration.
    func apply(to configuration: inout Task.Configuration)
}

extension TaskExtras {
    func apply(to configuration: inout Task.Configuration) {}
}

/// Nothing beside what all tasks take.
struct NoExtras<Task: ModelTask>: TaskExtras {}
