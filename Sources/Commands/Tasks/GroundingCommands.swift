import ArgumentParser
import Tasks
import Training

/// `vicha grounding`
struct GroundingGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grounding",
        abstract: "Find what a phrase means in an image, learnt without boxes.",
        discussion: """
            EXAMPLES
              vicha grounding train --config Grounding.yaml --data-dir /data \\
                --data-json-dir /data/json --model output/base \\
                --output-dir output/grounding
              vicha grounding evaluate --data-dir /data \\
                --data-json-dir /data/json --model output/grounding
            """,
        subcommands: [
            Train<GroundingCommands>.self, Evaluate<GroundingCommands>.self, DrawGrounding.self,
        ])
}

/// Training and evaluation of grounding.
enum GroundingCommands: TaskCommands, EvaluatedCommands {
    typealias Training = HeatOptions
    typealias Evaluation = HeatOptions

    static let training = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a pretrained model on referring expressions.",
        discussion: """
            Needs no boxes to learn from: phrases and images are matched as in retrieval. After each \
            epoch the heat maps of test_file choose among the detector's boxes, and the best epoch \
            on val is kept as checkpoint_best.safetensors. refs(unc).p (or refs.json) and \
            instances.json lie in refcoco+ beside the annotation files.

            EXAMPLES
              vicha grounding train --config Grounding.yaml --data-dir /data \\
                --data-json-dir /data/json --model output/base \\
                --output-dir output/grounding --device cuda --precision bf16
              vicha grounding train --config configs/scenes/grounding.yaml \\
                --data-dir output/demo/scenes --data-json-dir output/demo/annotations \\
                --model output/demo/pretrain \\
                --output-dir output/grounding
            """)

    static let evaluation = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how often the heat maps of phrases choose the right box.",
        discussion: """
            Prints the share of phrases of test_file whose chosen box overlaps the true one by half \
            or more, for each split of RefCOCO+, beside what a random choice among the detector's \
            boxes reaches, and how often the map is hottest inside the true box. With --html writes a \
            page with images, heat maps and boxes. With --output-dir the results are also written to \
            log.txt in the official form.

            EXAMPLES
              vicha grounding evaluate --data-dir /data \\
                --data-json-dir /data/json --model output/grounding
              vicha grounding evaluate --data-dir output/demo/scenes --data-json-dir output/demo/annotations \\
                --gradcam-mode itc --block-num 3 \\
                --model output/grounding
            """)
}

/// Where heat maps come from; arguments of the official script, which the configuration can state too.
struct HeatOptions: TrainingExtras, EvaluationExtras {
    typealias Task = GroundingTask

    @Option(
        name: [.long, .customLong("gradcam_mode")],
        help: ArgumentHelp(
            "itm: the matching score and a fusion layer; itc: the similarity and a block of the "
                + "image encoder.", valueName: "itm|itc"))
    var gradcamMode: GroundingConfiguration.HeatMode?

    @Option(
        name: [.long, .customLong("block_num")],
        help: ArgumentHelp(
            "The layer or block, counted from 0 among all of its encoder.", valueName: "number"))
    var blockNum: Int?

    func apply(to configuration: inout GroundingConfiguration) {
        configuration.heatMode = gradcamMode ?? configuration.heatMode
        configuration.block = blockNum ?? configuration.block
    }
}

extension GroundingConfiguration.HeatMode: ExpressibleByArgument {}
