import ArgumentParser
import Datasets
import Foundation
import Images
import Scenes
import Torch
import Training
import ViCHA

/// `vicha demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pretrain a small model on generated scenes and show what it has learned.",
        discussion: """
            Makes scenes, mines visual concepts for them with a small CLIP that it trains (about a \
            minute on two cores), pretrains (about four), finds held-out pictures by their captions \
            and writes report.html, a page without links to anything outside. Scenes that are there \
            already are used again.

            EXAMPLES
              vicha demo --output-dir output/demo
              vicha demo --output-dir output/longer --set schedular.epochs=20
            """)

    /// Queries and restored pictures in the report.
    private static let shownQueries = 8
    private static let shownResults = 6
    private static let shownRestorations = 6
    private static let shownConcepts = 8
    /// Candidates that the matching head ranks anew.
    private static let candidates = 32

    @Option(help: "Configuration file.")
    var config = "configs/scenes/pretrain.yaml"

    @Option(help: "Configuration file of the small CLIP.")
    var clipConfig = "configs/scenes/clip.yaml"

    @Option(
        name: [.long, .customLong("output_dir")],
        help: "Directory for the scenes, the run and its report.")
    var outputDir = "output/demo"

    @Option(help: "Scenes in all.")
    var images = 4000

    @Option(help: "Seed of all random choices.")
    var seed: UInt64 = 42

    @OptionGroup var device: DeviceOptions

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Change a value of the configuration; may be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    func run() throws {
        var stopwatch = Stopwatch()
        let loaded = try ConfigurationFile.load(
            PretrainingConfiguration.self, config, overrides: overrides)
        for warning in loaded.warnings { note("warning: \(warning)") }
        let device = try device.resolved()
        let scenes = outputDir + "/scenes"
        let dataset = SceneDataset(
            .init(images: images, seed: seed, fillsConcepts: false), directory: scenes)
        let summary = try dataset.writeWithProgress().summary
        stopwatch.lap("\(summary.options)")

        let stop = StopSignal()
        stop.watchSignals()
        guard let concepts = try concepts(scenes: scenes, device: device, stop: stop) else {
            note("stopped on request; 'vicha demo' begins again")
            return
        }
        stopwatch.lap("visual concepts")

        let data = DataLocation(
            images: ImagePaths(dataDirectory: scenes),
            annotationDirectory: concepts.annotationDirectory, allowsMissingImages: false)
        let run = try pretraining(
            loaded.configuration, data, vocabulary: scenes + "/vocab.txt", device: device,
            stop: stop)
        guard try run.trainer.run() == .finished else {
            note("stopped on request; 'vicha pretrain --resume' goes on from here")
            return
        }
        stopwatch.lap("pretraining")

        let test = try evaluated(.test, of: run, data, device: device)
        let unseen = try evaluated(.unseen, of: run, data, device: device)
        stopwatch.lap("retrieval on test and unseen combinations")
        let restorations = try restorations(test.set, run, device: device)

        let report = DemoReport(
            facts: facts(run, summary, concepts), times: stopwatch.laps,
            concepts: concepts.examples,
            curves: try LossCurves(directory: outputDir + "/pretrain"),
            recalls: [recall("test", test), recall("unseen combinations", unseen)],
            queries: try queries(test.set, test.result.search.similarities),
            restorations: restorations)
        let path = outputDir + "/report.html"
        try report.write(to: path)
        let recall = test.result.dualMetrics.imageRecall[0]
        let chance = RetrievalMetrics(chanceFor: test.set.records.map(\.captions.count))
            .imageRecall[0]
        print(
            String(
                format: "%.1f %% of the captions of %d unseen pictures find their own first; "
                    + "chance is %.2f %%", recall, test.set.records.count, chance))
        print("look at \(path)")
    }

    // MARK: Steps

    private func trainingOptions(_ directory: String, device: Device) -> TrainingOptions {
        var options = TrainingOptions(outputDirectory: outputDir + "/" + directory)
        options.device = device
        options.autocast = self.device.autocast
        options.seed = seed
        return options
    }

    /// nil where the user stopped it.
    private func concepts(scenes: String, device: Device, stop: StopSignal) throws
        -> DemoConcepts.Result?
    {
        let mining = DemoConcepts(
            scenes: scenes, directory: outputDir + "/concepts",
            files: ["pretrain.json", annotations(.unseen), annotations(.test)])
        let loaded = try ConfigurationFile.load(
            CLIPTrainingConfiguration.self, clipConfig, overrides: [])
        return try mining(
            loaded.configuration, trainingOptions("clip", device: device), stop: stop,
            shown: Self.shownConcepts)
    }

    private func annotations(_ split: SceneSplit) -> String { "retrieval_\(split.rawValue).json" }

    private func pretraining(
        _ configuration: PretrainingConfiguration, _ data: DataLocation, vocabulary: String,
        device: Device, stop: StopSignal
    ) throws -> PretrainingRun {
        try PretrainingRun(
            configuration: configuration, data: data, vocabulary: vocabulary, weights: .init(),
            options: trainingOptions("pretrain", device: device), stop: stop)
    }

    private func evaluated(
        _ split: SceneSplit, of run: PretrainingRun, _ data: DataLocation, device: Device
    ) throws -> (set: RetrievalEvaluationSet, result: RetrievalEvaluation) {
        let set = RetrievalEvaluationSet(
            records: try AnnotationFile.load(
                files: [data.annotationFile(annotations(split))],
                requiresConcepts: run.configuration.readsConcepts),
            paths: data.images, tokenizer: run.tokenizer,
            options: EvaluationOptions(run.configuration.settings))
        var options = RetrievalSearch.Options()
        options.device = device
        options.candidates = Self.candidates
        return (set, try RetrievalEvaluation(set, run.model.retrieval, options))
    }

    private func restorations(
        _ set: RetrievalEvaluationSet, _ run: PretrainingRun, device: Device
    ) throws -> [DemoReport.Restoration] {
        let arrays = try set.images(0..<min(Self.shownRestorations, set.records.count))
        let side = arrays.side
        let images = arrays.tensor
        let c = run.configuration.model
        let mask = PatchMask(
            noise: .uniform(
                [arrays.rows, c.vision.patchCount], generator: try Generator(seed: seed)),
            ratio: c.maskRatio)
        guard
            let pictures = run.model.restoredImages(
                images.to(device: device), mask.to(device: device))
        else { return [] }
        func rows(_ tensor: Tensor) throws -> [RGBImage] {
            let values = try tensor.contiguous().array(of: Float.self)
            let count = 3 * side * side
            return (0..<arrays.rows).map {
                PixelNormalization.clip.picture(
                    Array(values[$0 * count..<($0 + 1) * count]), width: side, height: side)
            }
        }
        let (originals, masked) = (try rows(images), try rows(pictures.masked))
        let restored = try rows(pictures.restored)
        return originals.indices.map {
            DemoReport.Restoration(
                original: originals[$0], masked: masked[$0], restored: restored[$0])
        }
    }

    // MARK: Report

    private func facts(
        _ run: PretrainingRun, _ summary: SceneDataset.Summary, _ concepts: DemoConcepts.Result
    ) -> [(String, String)] {
        let weights = run.model.store.parameters.map(\.tensor.count).reduce(0, +)
        let training = run.dataset.pairs.count
        return [
            ("pictures for training", "\(training)"),
            ("passes over them", "\(run.configuration.schedule.epochs)"),
            ("weights of the model", "\(weights)"),
            ("configuration", config),
            (
                "visual concepts",
                "\(concepts.counts.picture) for each picture of the \(concepts.counts.vocabulary) "
                    + "most frequent nouns of the captions, by a CLIP model trained on the same scenes"
            ),
            (
                "test captions that fit another test picture too",
                String(
                    format: "%.1f %%",
                    100 * (summary.sharedCaptions[SceneSplit.test.rawValue] ?? 0))
            ),
        ]
    }

    private func recall(
        _ name: String, _ evaluated: (set: RetrievalEvaluationSet, result: RetrievalEvaluation)
    ) -> DemoReport.Recall {
        let (set, result) = evaluated
        var rows = [("dual encoder", result.dualMetrics)]
        if let matching = result.matchingMetrics {
            rows.append(("best \(Self.candidates) ranked anew by the matching head", matching))
        }
        rows.append(
            (
                DemoReport.chance,
                RetrievalMetrics(chanceFor: set.records.map(\.captions.count))
            ))
        return .init(
            split: name, images: set.records.count, texts: set.texts.count, rows: rows)
    }

    /// Captions at even distances through the set, so that nobody has picked them.
    private func queries(_ set: RetrievalEvaluationSet, _ similarities: Tensor) throws
        -> [DemoReport.Query]
    {
        let step = max(1, set.texts.count / Self.shownQueries)
        return try stride(from: 0, to: set.texts.count, by: step).prefix(Self.shownQueries).map {
            text in
            let best = similarities.select(1, text)
                .largest(min(Self.shownResults, set.records.count))
            let numbers = try best.indices.array(of: Int.self)
            let scores = try best.values.array(of: Float.self)
            return DemoReport.Query(
                text: set.texts[text],
                results: try zip(numbers, scores).map { image, score in
                    (
                        try ImageDecoder.decode(path: set.imagePath(image)), score,
                        set.imageOfText[text] == image
                    )
                })
        }
    }
}

/// Times the parts of a program.
private struct Stopwatch {
    private var start = ContinuousClock.now
    private(set) var laps: [(part: String, seconds: Double)] = []

    /// Ends a part; the next one begins.
    mutating func lap(_ part: String) {
        let now = ContinuousClock.now
        laps.append((part, (now - start) / .seconds(1)))
        start = now
    }
}
