import ArgumentParser
import Datasets
import Foundation
import Text
import Torch
import Training
import ViCHA

/// Puts a pretraining run together from files and options.
struct PretrainingRun {
    let configuration: PretrainingConfiguration
    let dataset: ImageTextDataset
    let tokenizer: WordPieceTokenizer
    let model: PretrainingModel
    let trainer: PretrainingTrainer

    /// Where weights come from.
    struct Weights {
        /// A BERT directory, nil for random text weights.
        var textEncoder: String?
        /// A vision transformer, nil for random image weights.
        var imageEncoder: String?
    }

    init(
        configuration: PretrainingConfiguration, data: DataLocation, vocabulary: String,
        weights: Weights, options: TrainingOptions, stop: StopSignal
    ) throws {
        self.configuration = configuration
        try configuration.validate()
        tokenizer = try WordPieceTokenizer(
            vocabularyFile: vocabulary, fitting: configuration.settings.model)
        let records = try RecordList<PretrainingRecord>(
            files: configuration.settings.trainFiles.map(data.annotationFile),
            requiresConcepts: configuration.settings.readsConcepts)
        dataset = ImageTextDataset(
            pairs: ImageTextPair.pairs(of: records), paths: data.images, tokenizer: tokenizer,
            options: ImageTextOptions(configuration.settings))
        if !data.allowsMissingImages { try dataset.images.checkExistence() }
        let model = try PretrainingModel(
            configuration.settings.model, seed: options.seed, device: options.device)
        self.model = model
        if let directory = weights.textEncoder {
            let own = directory + "/vocab.txt"
            if FileManager.default.fileExists(atPath: own) {
                let vocabulary = try WordPieceTokenizer(vocabularyFile: own).identity
                guard vocabulary.isSame(as: tokenizer.identity) else {
                    throw CheckpointError.otherVocabulary(
                        path: directory, saved: vocabulary, now: tokenizer.identity)
                }
            }
            let names = ["/model.safetensors", "/pytorch_model.bin"].map { directory + $0 }
            // The second is only read to say what to do with it.
            let file = names.first(where: FileManager.default.fileExists) ?? names[0]
            let report = try StateDictionaryError.naming(file) {
                try model.store.load(bert: SafetensorsFile(path: file).tensors())
            }
            if report.initialized.contains(where: BertWeights.isLanguageHead) {
                note("'\(file)' has no head for masked words; it starts with random weights")
            }
        }
        if let file = weights.imageEncoder {
            try StateDictionaryError.naming(file) {
                try model.load(imageEncoder: SafetensorsFile(path: file).tensors())
            }
        }
        trainer = try PretrainingTrainer(
            configuration, model: model, dataset: dataset, options: options, stop: stop)
    }
}
