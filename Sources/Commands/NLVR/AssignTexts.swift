import ArgumentParser
import Datasets
import Torch
import Training
import ViCHA

/// `vicha nlvr assign`
struct AssignTexts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign",
        abstract: "Let a pretrained model learn to look at two images, before NLVR2.",
        discussion: """
            Text assignment: of two images and a caption the model says which image the caption belongs \
            to, or neither. Starts from a checkpoint of 'pretrain', whose fusion layers are doubled, and \
            trains on the data of pretraining. 'nlvr train' goes on from the result.

            EXAMPLES
              vicha nlvr assign --config NLVR_pretrain.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/base/checkpoint_last.safetensors --output-dir output/assigned \\
                --device cuda --precision bf16
              vicha nlvr assign --config configs/scenes/assign.yaml --data-dir output/scenes \\
                --data-json-dir output/scenes --vocabulary output/scenes/vocab.txt \\
                --checkpoint output/pretrain/checkpoint_last.safetensors --output-dir output/assigned
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var training: TrainingRunOptions

    func run() throws {
        let configuration: TextAssignmentConfiguration = try model.configuration()
        try configuration.validate()
        let options = try training.options(model)
        let stop = StopSignal()
        stop.watchSignals()
        let run = try FineTuningRun(
            configuration, model, absolutePaths: .shortened,
            checkpoint: training.startingWeights()
        ) {
            try TextAssignmentModel(
                configuration.settings.model, seed: options.seed, device: options.device)
        }
        let records: RecordList<PretrainingRecord> = try run.trainingRecords()
        let dataset = try run.dataset(
            ImageTextPair.pairs(of: records), ImageTextOptions(configuration.settings))
        let trainer = try Trainer(
            TextAssignmentTask(configuration, model: run.model, dataset: dataset),
            options: options, stop: stop)
        try training.run(trainer, records: dataset.pairs.count, on: options.device)
    }
}
