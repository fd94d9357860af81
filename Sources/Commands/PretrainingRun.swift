import ArgumentParser
import Datasets
import Foundation
import Text
import Torch
import Training
import ViCHA

/// Puts a pretraining run together from files and options; shared by `pretrain` and `demo`.
struct PretrainingRun {
    let configuration: PretrainingConfiguration
    let dataset: PretrainingDataset
    let tokenizer: WordPieceTokenizer
    let model: PretrainingModel
    let trainer: PretrainingTrainer

    /// Where weights come from.
    struct Weights {
        /// A BERT directory, nil for random text weights.
        var textEncoder: String?
        /// A vision transformer, nil for random image weights.
        var imageEncoder: String?
        /// A pretraining checkpoint.
        var checkpoint: String?
        /// Whether to continue the checkpoint's run.
        var resumes = false
    }

    init(
        configuration: PretrainingConfiguration, data: DataLocation, vocabulary: String,
        weights: Weights, options: TrainingOptions, stop: StopSignal
    ) throws {
        self.configuration = configuration
        try configuration.validate()
        tokenizer = try WordPieceTokenizer(vocabularyFile: vocabulary)
        guard tokenizer.vocabularySize <= configuration.model.text.vocabularySize else {
            throw ModelConfigurationError(
                key: "vocab_size",
                expected: "at least \(tokenizer.vocabularySize), the tokens of '\(vocabulary)'")
        }
        dataset = PretrainingDataset(
            records: try AnnotationFile.load(
                files: configuration.trainFiles.map(data.annotationFile),
                requiresConcepts: configuration.readsConcepts),
            paths: data.images, tokenizer: tokenizer,
            options: PretrainingOptions(configuration))
        if !data.allowsMissingImages { try dataset.images.checkExistence() }
        model = try PretrainingModel(
            configuration.model, seed: options.seed, device: options.device)
        if let directory = weights.textEncoder {
            try model.store.load(
                bert: SafetensorsFile(path: directory + "/model.safetensors").tensors())
        }
        if let file = weights.imageEncoder {
            try model.load(imageEncoder: SafetensorsFile(path: file).tensors())
        }
        trainer = try PretrainingTrainer(
            configuration, model: model, dataset: dataset, options: options, stop: stop)
        let last = trainer.lastCheckpoint
        if weights.resumes {
            try trainer.resume(from: weights.checkpoint ?? last)
        } else if let checkpoint = weights.checkpoint {
            try model.load(
                pretrained: SafetensorsFile(path: checkpoint).tensors(),
                allowingUnexpected: TrainingCheckpoint.statePrefixes)
        }
    }
}
