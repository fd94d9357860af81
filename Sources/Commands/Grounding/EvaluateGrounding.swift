import ArgumentParser
import Datasets
import Foundation
import Torch
import Training
import ViCHA

/// `vicha grounding evaluate`
struct EvaluateGrounding: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how often the heat maps of phrases choose the right box.",
        discussion: """
            Prints the share of phrases of test_file whose chosen box overlaps the true one by half \
            or more, for each split of RefCOCO+, beside what a random choice among the detector's \
            boxes reaches. With --output-dir the results are also written to log.txt in the official \
            form.

            EXAMPLES
              vicha grounding evaluate --config Grounding.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/grounding/checkpoint_best.safetensors
              vicha grounding evaluate --config configs/scenes/grounding.yaml \\
                --data-dir output/demo/scenes --data-json-dir output/demo/concepts \\
                --vocabulary output/demo/scenes/vocab.txt --gradcam-mode itc --block-num 3 \\
                --checkpoint output/grounding/checkpoint_best.safetensors
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var heat: HeatOptions

    @Option(help: "Weights of a fine-tuned or pretrained model.")
    var checkpoint: String

    @Option(name: [.long, .customLong("output_dir")], help: "Directory for log.txt.")
    var outputDir: String?

    func run() throws {
        let configuration = try heat.applied(to: model.configuration())
        let device = try model.model.device.resolved()
        let run = try GroundingRun(
            configuration, data: model.data.location(),
            tokenizer: model.model.tokenizer(for: configuration.model), checkpoint: checkpoint,
            seed: 0,
            device: device)
        guard let data = try run.evaluationData() else {
            throw ModelConfigurationError(
                key: "test_file", expected: "a list of annotation files")
        }
        let evaluation = try withAutocast(model.model.device.autocast, on: device) {
            try GroundingEvaluation(
                data.set, run.model.heatMapper, references: data.references,
                detections: data.detections,
                .init(configuration, device: device, workers: model.workers))
        }
        for ((split, share), (_, chance)) in zip(evaluation.accuracy, evaluation.chance) {
            print(
                String(
                    format: "%@: %.1f %% right (a random box: %.1f %%)", split, 100 * share,
                    100 * chance))
        }
        if evaluation.withoutDetections > 0 {
            print(
                "\(evaluation.withoutDetections) phrases have no box to choose from: det_file has none "
                    + "in their image")
        }
        try EvaluationLog.append(
            evaluation.accuracy.map { ("\($0.split)_d", $0.share) }, to: outputDir)
    }
}
