import ArgumentParser
import Configuration
import Files
import Foundation
import Reports
import Steps
import Tasks
import Training

/// `vicha ablate`
struct Ablate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what each part of the method adds, over several seeds.",
        discussion: """
            Pretrains the baseline (the losses of ALBEF), the baseline with hierarchical alignment, \
            with masked image modelling, with visual concepts, and with all three: each with the same \
            number of steps on the same data in the same order. Evaluates retrieval, fine-tunes for it \
            and evaluates again. Writes ablation.txt, ablation.csv (every number of every run) and \
            ablation.html, and says plainly which differences the seeds alone do not explain, \
            and whether the order of the paper holds.

            What is finished is not repeated, and pretraining not where only fine-tuning changes; what was \
            interrupted goes on. Runs that were done with other options are replaced only with --overwrite.

            EXAMPLES
              vicha ablate --config configs/scenes/pretrain.yaml \\
                --retrieval-config configs/scenes/retrieval.yaml --data-dir output/demo/scenes \\
                --data-json-dir output/demo/annotations \\
                --vocabulary output/demo/scenes/vocab.txt --output-dir output/ablation
              vicha ablate --config Pretrain.yaml --retrieval-config Retrieval_flickr.yaml \\
                --data-dir /data --data-json-dir /data/json --output-dir output/ablation \\
                --variants baseline all --seeds 1 2 3 4 5 --device cuda --precision bf16
            """)

    @Option(help: "Configuration file of pretraining.")
    var config: String

    @Option(help: "Configuration file of fine-tuning for retrieval, with a test_file.")
    var retrievalConfig: String

    @OptionGroup var data: DataOptions

    @Option(help: "BERT vocabulary; by default the one set up with the program.")
    var vocabulary: String?

    @Option(
        name: [.long, .customLong("output_dir")], help: "Directory for the runs and the table.")
    var outputDir: String

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Rows of the table: \(AblationVariant.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "variant"))
    var variants: [AblationVariant] = AblationVariant.allCases

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Seeds of the runs of each variant.", valueName: "seed"))
    var seeds: [UInt64] = [1, 2, 3]

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Change a value of the configuration of pretraining; may be repeated.",
            valueName: "key=value"))
    var overrides: [String] = []

    @Option(
        help: ArgumentHelp(
            "Change a value of the configuration of fine-tuning; may be repeated.",
            valueName: "key=value"))
    var retrievalSet: [String] = []

    @Option(help: "Steps of an epoch of pretraining at most.")
    var stepsPerEpoch: Int?

    @Option(help: "Steps of an epoch of fine-tuning at most.")
    var retrievalStepsPerEpoch: Int?

    @Flag(help: "Do runs anew that were done with other options.")
    var overwrite = false

    @OptionGroup var device: DeviceOptions

    func validate() throws {
        guard Set(seeds).count == seeds.count, Set(variants).count == variants.count else {
            throw ValidationError("a seed or a variant is named twice")
        }
        guard (stepsPerEpoch ?? 1) > 0, (retrievalStepsPerEpoch ?? 1) > 0 else {
            throw ValidationError("steps per epoch must be 1 or more")
        }
    }

    func run() throws {
        _ = try device.resolved()
        let pretraining = try ConfigurationFile.load(
            PretrainingConfiguration.self, config, overrides: overrides
        ).configuration
        let retrieval = try ConfigurationFile.load(
            RetrievalConfiguration.self, retrievalConfig, overrides: retrievalSet
        ).configuration
        guard let testFile = retrieval.testFile else {
            throw ValidationError(
                "'\(retrievalConfig)' has no test_file: name one there or with --retrieval-set")
        }
        func files(_ names: [String]) -> [String] {
            names.map(data.file) + (vocabulary.map { [$0] } ?? [])
        }
        let plan = AblationPlan(
            directory: outputDir, variants: variants, seeds: seeds,
            pretraining: .init(
                file: config, values: overrides, stepsPerEpoch: stepsPerEpoch,
                data: files(pretraining.settings.trainFiles)),
            retrieval: .init(
                file: retrievalConfig, values: retrievalSet, stepsPerEpoch: retrievalStepsPerEpoch,
                data: files(retrieval.settings.trainFiles + [testFile])),
            common: data.arguments + (vocabulary.map { ["--vocabulary", $0] } ?? [])
                + device.arguments)
        let stop = StopSignal()
        stop.watchSignals()
        let runs = plan.runs
        let runner = StepRunner(
            directory: path("steps"), rerun: [], overwrites: overwrite, stop: stop)
        guard try runner(runs.flatMap(\.steps)) != nil else {
            note("stopped on request; the same command goes on")
            return
        }
        let table = AblationTable(
            variants: variants,
            runs: try runs.map { run in
                .init(
                    variant: run.variant, seed: run.seed,
                    logs: try run.evaluations.mapValues(EvaluationLog.last))
            })
        try write(table)
    }

    private func path(_ name: String) -> String {
        (outputDir as NSString).appendingPathComponent(name)
    }

    private func write(_ table: AblationTable) throws {
        let findings = table.findings + table.orders
        let text = ([table.text, ""] + findings).joined(separator: "\n")
        try writeAtomically(Data((text + "\n").utf8), to: path("ablation.txt"))
        try writeAtomically(Data(table.csv.utf8), to: path("ablation.csv"))
        let items = findings.map { "<li>\(HTML.escaped($0))</li>" }.joined()
        let body = """
            <p>Mean recall of both directions at 1, 5 and 10 on the test set, over \(seeds.count) seeds \
            with their standard deviation. All runs of a seed have the same number of steps on the same \
            data in the same order.</p>\(HTML.table(table.rows, chance: variants.count + 1))\(AblationPlot(table: table).svg)
            <p>Differences from the baseline, seed by seed, with their standard error; then whether each \
            part is above the baseline and all three above each, as in the paper:</p><ul>\(items)</ul>
            """
        try Page(title: "What each part adds", body: body).write(to: path("ablation.html"))
        print(text)
        print("look at \(path("ablation.html")); all numbers are in \(path("ablation.csv"))")
    }
}

extension AblationVariant: ExpressibleByArgument {}
