import ArgumentParser
import Foundation
import Images
import Text
import Torch
import Training
import ViCHA

/// `vicha demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pretrain a tiny model on sample photographs and show what it has learned.",
        discussion: """
            Takes about two minutes on two cores and writes report.html, a page without links to \
            anything outside: the loss curves and, for each photograph, the captions that fit best.

            EXAMPLES
              vicha demo --output-dir output/demo
            """)

    @Option(help: "Configuration file.")
    var config = "configs/pretrain_tiny.yaml"

    @Option(help: "Directory with the photographs and pretrain.json.")
    var samples = "Samples"

    @Option(
        name: [.long, .customLong("output_dir")], help: "Directory for the run and its report.")
    var outputDir = "output/demo"

    @OptionGroup var device: DeviceOptions

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Change a value of the configuration; may be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    func run() throws {
        let start = Date()
        let loaded = try ConfigurationFile.load(config, overrides: overrides)
        for warning in loaded.warnings { note("warning: \(warning)") }
        var options = PretrainingTrainer.Options(outputDirectory: outputDir)
        options.device = try device.resolved()
        options.autocast = device.autocast
        var data = try DataOptions.parse([])
        data.dataDir = samples
        data.dataJsonDir = samples
        let stop = StopSignal()
        stop.watchSignals()
        let run = try PretrainingRun(
            configuration: loaded.configuration, data: data,
            vocabulary: Resources.vocabulary(nil, textEncoder: nil), weights: .init(),
            options: options, stop: stop)
        let outcome = try run.trainer.run()
        let trained = Date()
        let matches = try CaptionMatching(run, device: options.device)
        let report = DemoReport(
            curves: try LossCurves(directory: outputDir), matches: matches.photos,
            facts: [
                ("records", "\(run.dataset.records.count)"),
                ("weights", "\(run.model.store.parameters.map(\.tensor.count).reduce(0, +))"),
                (
                    "training",
                    String(
                        format: "%.0f s%@", trained.timeIntervalSince(start),
                        outcome == .interrupted ? ", stopped on request" : "")
                ),
                ("configuration", config),
            ])
        let path = (outputDir as NSString).appendingPathComponent("report.html")
        try report.write(to: path)
        print(
            "\(matches.correctCount) of \(matches.photos.count) photographs find one of their own "
                + "captions first; chance is \(String(format: "%.1f", matches.chance))")
        print("look at \(path)")
    }
}
