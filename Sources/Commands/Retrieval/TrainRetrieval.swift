import ArgumentParser
import Torch
import Training
import ViCHA

/// `vicha retrieval train`
struct TrainRetrieval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a pretrained model for retrieval.",
        discussion: """
            Starts from a checkpoint of 'pretrain', evaluates on val_file and test_file after each \
            epoch, and keeps the best epoch by the mean recall on val_file as \
            checkpoint_best.safetensors. Logs are those of 'pretrain'.

            EXAMPLES
              vicha retrieval train --config Retrieval_flickr.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/base/checkpoint_last.safetensors \\
                --output-dir output/flickr --device cuda --precision bf16
              vicha retrieval train --config configs/scenes/retrieval.yaml \\
                --data-dir output/demo/scenes --data-json-dir output/demo/annotations \\
                --vocabulary output/demo/scenes/vocab.txt \\
                --checkpoint output/demo/pretrain/checkpoint_last.safetensors \\
                --output-dir output/retrieval
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var training: TrainingRunOptions

    func run() throws {
        let configuration: RetrievalConfiguration = try model.configuration()
        let options = try training.options(model)
        let stop = StopSignal()
        stop.watchSignals()
        let run = try RetrievalRun(
            configuration, model, checkpoint: training.startingWeights(), isTrained: true,
            seed: options.seed, device: options.device)
        let dataset = try run.dataset()
        let trainer = try Trainer(
            RetrievalTask(
                configuration, model: run.model, dataset: dataset, sets: run.evaluationSets(),
                workers: options.workers), options: options, stop: stop)
        try training.run(trainer, records: dataset.pairs.count, on: options.device)
    }
}
