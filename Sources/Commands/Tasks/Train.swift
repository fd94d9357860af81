import ArgumentParser
import Concepts
import Configuration
import Files
import Foundation
import Tasks
import Text
import Torch
import Training
import ViCHA

/// The commands of a task.
protocol TaskCommands {
    /// What only its training takes.
    associatedtype Training: TrainingExtras

    /// Name, abstract and examples of its training.
    static var training: CommandConfiguration { get }
}

/// What only the training of one task takes.
protocol TrainingExtras: TaskExtras {
    /// Whether training may begin with random weights.
    static var beginsAnew: Bool { get }
    /// A vocabulary that belongs to weights, nil where there is none.
    var vocabulary: String? { get }

    /// Fills a model that begins anew.
    func initialize(_ model: Task.Model, _ tokenizer: WordPieceTokenizer) throws
}

extension TrainingExtras {
    static var beginsAnew: Bool { false }
    var vocabulary: String? { nil }
    func initialize(_ model: Task.Model, _ tokenizer: WordPieceTokenizer) throws {}
}

extension NoExtras: TrainingExtras {}

/// `vicha … train`, of every task.
struct Train<Commands: TaskCommands>: ParsableCommand {
    typealias Task = Commands.Training.Task

    static var configuration: CommandConfiguration { Commands.training }

    @Option(help: "Configuration file.")
    var config: String

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var training: TrainingRunOptions
    @OptionGroup var extras: Commands.Training

    func run() throws {
        var configuration: Task.Configuration = try model.configuration(file: config)
        extras.apply(to: &configuration)
        let output = training.directory.outputDir
        configuration.moveConcepts(of: config) { $0.relativePath(from: output) }
        try nameConcepts(in: &configuration)
        try configuration.validate()
        try training.resumed?.check([Task.name])
        let options = try training.options(model.device)
        let stop = StopSignal()
        stop.watchSignals()
        let start = try training.startingWeights(isNeeded: !Commands.Training.beginsAnew)
        try start?.check(Task.accepted)
        let tokenizer = try WordPieceTokenizer(
            vocabularyFile: Resources.vocabulary(
                model.vocabulary ?? extras.vocabulary ?? start?.vocabularyFile
                    ?? training.resumed?.vocabularyFile, textEncoder: nil),
            fitting: configuration.settings.model)
        let made = try Task.model(
            configuration, isTrained: true, seed: options.seed, device: options.device)
        try extras.initialize(made, tokenizer)
        if let start {
            model.say(
                try made.load(checkpoint: start.weights, tokenizer.identity), of: start.weights)
        }
        let task = try TaskRun<Task>(
            configuration, model: made, source: data.source(tokenizer))
        let trainer = try Trainer(task, options: options, stop: stop)
        if training.resume { try trainer.resume(from: training.weights.checkpoint) }
        note(
            "\(task.recordCount) records, "
                + "\(made.store.parameters.map(\.tensor.count).reduce(0, +)) weights, "
                + "on \(options.device)")
        let outcome = try trainer.run()
        note(
            outcome == .finished
                ? "saved \(trainer.lastCheckpoint)"
                : "stopped on request; --resume goes on from \(trainer.lastCheckpoint)")
        if let best = trainer.best {
            note("best epoch: \(best.epoch), saved \(trainer.bestCheckpoint)")
        }
        if let bytes = try options.device.peakMemory() {
            note(String(format: "peak device memory %.2f GB", Double(bytes) / 1e9))
        }
        guard outcome == .finished else { return }
        let compute = ComputeOptions(
            device: options.device, autocast: options.autocast, workers: options.workers)
        if let done = try Task.finish(task, in: options.directory, compute) { note(done) }
    }

    /// Lets the model name where the concepts of its annotations come from, where they say so.
    private func nameConcepts(in configuration: inout Task.Configuration) throws {
        let settings = configuration.settings
        guard settings.readsConcepts, settings.concepts.vocabulary == nil,
            let file = settings.trainFiles.first,
            let origin = try ConceptOrigin(beside: data.file(file))?
                .relative(to: training.directory.outputDir)
        else { return }
        configuration.settings.concepts.vocabulary = origin.vocabulary
        configuration.settings.concepts.clip = settings.concepts.clip ?? origin.clip
        configuration.settings.concepts.count = origin.count
    }
}
