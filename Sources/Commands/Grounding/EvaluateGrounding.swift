import ArgumentParser
import Configuration
import Datasets
import Files
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
            boxes reaches, and how often the map is hottest inside the true box. With --html writes a \
            page with images, heat maps and boxes. With --output-dir the results are also written to \
            log.txt in the official form.

            EXAMPLES
              vicha grounding evaluate --config Grounding.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/grounding/checkpoint_best.safetensors
              vicha grounding evaluate --config configs/scenes/grounding.yaml \\
                --data-dir output/demo/scenes --data-json-dir output/demo/annotations \\
                --vocabulary output/demo/scenes/vocab.txt --gradcam-mode itc --block-num 3 \\
                --checkpoint output/grounding/checkpoint_best.safetensors
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var heat: HeatOptions

    @OptionGroup var evaluation: EvaluatedModelOptions

    @OptionGroup var page: PageOptions

    func run() throws {
        let configuration = try heat.applied(to: model.configuration())
        let device = try model.model.device.resolved()
        let run = try GroundingRun(
            configuration, model, checkpoint: evaluation.checkpoint, isTrained: false,
            device: device)
        guard let data = try run.evaluationData() else {
            throw ConfigurationKeyError(
                key: "test_file", expected: "a list of annotation files")
        }
        var options = GroundingEvaluation.Options(
            configuration, device: device, workers: model.workers)
        options.examples = page.html == nil ? 0 : page.examples
        let measured = try withAutocast(model.model.device.autocast, on: device) {
            try GroundingEvaluation(
                data.set, run.model.heatMapper, references: data.references,
                detections: data.detections, options)
        }
        for ((split, share), (_, chance)) in zip(measured.accuracy, measured.chance) {
            print(
                String(
                    format: "%@: %.1f %% right (a random box: %.1f %%)", split, 100 * share,
                    100 * chance))
        }
        print(
            String(
                format: "the map is hottest inside the true box for %.1f %% of the phrases",
                100 * measured.pointing))
        try page.write {
            let part = GroundingPage(evaluation: measured, paths: data.set.paths)
            return Page(
                title: "Grounding: \(configuration.heatMode.rawValue), \(configuration.block)",
                body: try part.table + part.gallery())
        }
        if measured.withoutDetections > 0 {
            print(
                "\(measured.withoutDetections) phrases have no box to choose from: det_file has none "
                    + "in their image")
        }
        if measured.truthsOutside > 0 {
            print(
                "\(measured.truthsOutside) phrases have a true box without area in their image, which "
                    + "nothing can find: check the annotations and the sizes in instances.json")
        }
        if measured.detectionsOutside > 0 {
            print(
                "\(measured.detectionsOutside) boxes of det_file have no area in their image: check "
                    + "that it was made for these images")
        }
        try EvaluationLog.append(
            measured.accuracy.map { ("\($0.split)_d", $0.share) }
                + measured.chance.map { ("\($0.split)_chance", $0.share) },
            to: evaluation.outputDir)
    }
}
