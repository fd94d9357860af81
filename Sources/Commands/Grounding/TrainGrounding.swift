import ArgumentParser
import Torch
import Training
import ViCHA

/// `vicha grounding train`
struct TrainGrounding: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a pretrained model on referring expressions.",
        discussion: """
            Needs no boxes to learn from: phrases and images are matched as in retrieval. After each \
            epoch the heat maps of test_file choose among the detector's boxes, and the best epoch \
            on val is kept as checkpoint_best.safetensors. refs(unc).p (or refs.json) and \
            instances.json lie in refcoco+ beside the annotation files.

            EXAMPLES
              vicha grounding train --config Grounding.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/base/checkpoint_last.safetensors \\
                --output-dir output/grounding --device cuda --precision bf16
              vicha grounding train --config configs/scenes/grounding.yaml \\
                --data-dir output/demo/scenes --data-json-dir output/demo/annotations \\
                --vocabulary output/demo/scenes/vocab.txt \\
                --checkpoint output/demo/pretrain/checkpoint_last.safetensors \\
                --output-dir output/grounding
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var training: TrainingRunOptions
    @OptionGroup var heat: HeatOptions

    func run() throws {
        let configuration = try heat.applied(to: model.configuration())
        let options = try training.options(model)
        let stop = StopSignal()
        stop.watchSignals()
        let run = try GroundingRun(
            configuration, model, checkpoint: training.startingWeights(), isTrained: true,
            seed: options.seed, device: options.device)
        let dataset = try run.dataset()
        let trainer = try Trainer(
            GroundingTask(
                configuration, model: run.model, dataset: dataset, data: run.evaluationData(),
                workers: options.workers), options: options, stop: stop)
        try training.run(trainer, records: dataset.pairs.count, on: options.device)
    }
}

/// Where heat maps come from; arguments of the official script, which the configuration can state too.
struct HeatOptions: ParsableArguments {
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

    /// The configuration with these options.
    func applied(to configuration: GroundingConfiguration) -> GroundingConfiguration {
        var result = configuration
        result.heatMode = gradcamMode ?? result.heatMode
        result.block = blockNum ?? result.block
        return result
    }
}

extension GroundingConfiguration.HeatMode: ExpressibleByArgument {}
