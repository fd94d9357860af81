import ArgumentParser
import CLIP
import Concepts
import Configuration
import Datasets
import Foundation
import Nouns
import Tasks
import Torch
import Training

/// `vicha concepts train-clip`
struct TrainCLIP: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-clip",
        abstract: "Train a small CLIP model on image-caption pairs.",
        discussion: """
            For images of another world than photos, or where no weights are at hand. The output \
            directory is a CLIP model in open_clip's form, which --clip of the other commands \
            takes; it also has logs, and a checkpoint that --resume goes on from.

            EXAMPLES
              vicha concepts train-clip --config configs/scenes/clip.yaml --data-dir data/scenes \\
                --data-json-dir data/scenes --output-dir output/clip
              vicha concepts train-clip --config configs/scenes/clip.yaml --data-dir data/scenes \\
                --data-json-dir data/scenes --output-dir output/clip --resume
            """)

    @Option(help: "Configuration file.")
    var config: String

    @OptionGroup var data: DataOptions

    @OptionGroup var directory: RunDirectoryOptions

    @Option(
        help: ArgumentHelp(
            "merges.txt of CLIP's tokenizer; by default the one set up with the program.",
            valueName: "path"))
    var merges: String?

    @OptionGroup var device: DeviceOptions

    @Option(help: "Threads that prepare batches.")
    var workers = 2

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Change a value of the configuration; may be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
    }

    func run() throws {
        var options = try directory.options()
        options.device = try device.resolved()
        options.autocast = device.autocast
        options.workers = workers
        let loaded = try ConfigurationFile.load(
            CLIPTrainingConfiguration.self, config, overrides: overrides)
        for warning in loaded.warnings { note("warning: \(warning)") }
        let stop = StopSignal()
        stop.watchSignals()
        let trainer = try Trainer(
            task(loaded.configuration, options), options: options, stop: stop)
        if directory.resume { try trainer.resume() }
        let outcome = try trainer.run()
        try trainer.task.save(to: directory.outputDir)
        guard outcome == .finished else {
            note("stopped on request; --resume goes on from \(trainer.lastCheckpoint)")
            return
        }
        note("saved \(directory.outputDir)")
    }

    private func task(_ configuration: CLIPTrainingConfiguration, _ options: TrainingOptions) throws
        -> CLIPTask
    {
        try configuration.validate()
        // Read even where no text is a noun alone: it takes a quarter of a second.
        let extractors = try ExtractorPool(WordNet(), .standard())
        let task = try CLIPTask(
            configuration,
            records: RecordList(
                files: configuration.trainFiles.map(data.file), requiresConcepts: false),
            paths: data.paths(.shortened), merges: Resources.merges(merges),
            nouns: { extractors.concepts(of: $0).heads }, seed: options.seed,
            device: options.device)
        return task
    }
}
