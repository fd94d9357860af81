import ArgumentParser
import Datasets
import Files
import Foundation
import Torch
import Training
import ViCHA

/// `vicha vqa train`
struct TrainQuestions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a pretrained model for questions about images.",
        discussion: """
            Starts from a checkpoint of 'pretrain', whose fusion layers also become the answer decoder. \
            Where the configuration names a val_file with answers, it is evaluated after each epoch and \
            the best epoch is kept as checkpoint_best.safetensors; the official files have none. At the \
            end the questions of test_file are answered, and the answers written to \
            result/vqa_result_epochN.json for the VQA v2 server.

            EXAMPLES
              vicha vqa train --config VQA.yaml --data-dir /data --data-json-dir /data/json \\
                --checkpoint output/base/checkpoint_last.safetensors --output-dir output/vqa \\
                --device cuda --precision bf16
              vicha vqa train --config configs/scenes/vqa.yaml --data-dir output/scenes \\
                --data-json-dir output/scenes --vocabulary output/scenes/vocab.txt \\
                --checkpoint output/pretrain/checkpoint_last.safetensors --output-dir output/vqa
            """)

    @OptionGroup var model: ModelRunOptions
    @OptionGroup var training: TrainingRunOptions

    func run() throws {
        let configuration: QuestionAnsweringConfiguration = try model.configuration()
        let options = try training.options(model)
        let stop = StopSignal()
        stop.watchSignals()
        let run = try QuestionAnsweringRun(
            configuration, model, checkpoint: training.startingWeights(), isTrained: true,
            seed: options.seed, device: options.device)
        let dataset = try run.dataset()
        // Read before training: what is wrong with these files should not be found hours later.
        let (validation, test) = try (run.validationSet(), run.testSet())
        let answers = validation == nil && test == nil ? [] : try run.answers()
        let trainer = try Trainer(
            QuestionAnsweringTask(
                configuration, model: run.model, dataset: dataset,
                validation: validation.map { .init(set: $0, answers: answers) },
                workers: options.workers), options: options, stop: stop)
        let outcome = try training.run(
            trainer, records: dataset.records.count, on: options.device)
        guard outcome == .finished, let test else { return }
        let results = try run.results(
            test, run.answered(test, answers, model, device: options.device))
        let path =
            options.directory.path
            + "/result/vqa_result_epoch\(configuration.settings.schedule.epochs - 1).json"
        try makeDirectory((path as NSString).deletingLastPathComponent)
        try AnswerResult.write(results, to: path)
        note("\(results.count) answers are in \(path)")
    }
}
