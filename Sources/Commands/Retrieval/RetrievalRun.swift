import Datasets
import Text
import Torch
import Training
import ViCHA

/// Puts fine-tuning for retrieval together from files and options; shared by the commands of
/// retrieval and `demo`.
struct RetrievalRun {
    let configuration: RetrievalConfiguration
    let data: DataLocation
    let tokenizer: WordPieceTokenizer
    let model: RetrievalModel

    /// Builds the model and takes over the weights of a checkpoint, where one is given.
    init(
        _ configuration: RetrievalConfiguration, data: DataLocation,
        tokenizer: WordPieceTokenizer, checkpoint: String?, seed: UInt64, device: Device
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.data = data.inside(configuration.fineTuning.imageRoot)
        self.tokenizer = tokenizer
        model = try RetrievalModel(
            configuration.model, checkpoint: checkpoint, seed: seed, device: device)
    }

    /// The pairs of training.
    func dataset() throws -> ImageTextDataset {
        let records: [RetrievalRecord] = try AnnotationFile.load(
            files: configuration.trainFiles.map(data.annotationFile),
            requiresConcepts: configuration.readsConcepts)
        let dataset = ImageTextDataset(
            pairs: ImageTextPair.pairs(of: records), paths: data.images, tokenizer: tokenizer,
            options: ImageTextOptions(
                configuration.settings, textTokens: configuration.settings.fineTuningTextTokens))
        if !data.allowsMissingImages { try dataset.images.checkExistence() }
        return dataset
    }

    /// The images and captions of an annotation file.
    func evaluationSet(_ file: String) throws -> RetrievalEvaluationSet {
        let set = RetrievalEvaluationSet(
            records: try AnnotationFile.load(
                files: [data.annotationFile(file)],
                requiresConcepts: configuration.readsConcepts),
            paths: data.images, tokenizer: tokenizer,
            options: EvaluationOptions(configuration.settings))
        if set.repeatedImages > 0 {
            let isMerged = configuration.model.compatibility == .corrected
            note(
                "\(file): \(set.repeatedImages) records name an image that was there before; "
                    + (isMerged
                        ? "their captions are taken together"
                        : "each counts as an image of its own, as in the official code"))
        }
        if !configuration.usesDualMetrics, configuration.candidates > set.records.count {
            note(
                "\(file): k_test is \(configuration.candidates), but there are "
                    + "\(set.records.count) images; all of them are candidates")
        }
        return set
    }

    /// The sets that the configuration names.
    func evaluationSets() throws -> RetrievalTask.EvaluationSets {
        .init(
            validation: try configuration.validationFile.map(evaluationSet),
            test: try configuration.testFile.map(evaluationSet))
    }
}

extension RetrievalModel {
    /// A model with the weights of a checkpoint, where one is given.
    convenience init(
        _ configuration: ModelConfiguration, checkpoint: String?, seed: UInt64 = 0, device: Device
    ) throws {
        try self.init(configuration, seed: seed, device: device)
        guard let checkpoint else { return }
        try load(
            SafetensorsFile(path: checkpoint).tensors(),
            allowingUnexpected: TrainingCheckpoint.statePrefixes)
    }
}

extension DataLocation {
    /// The same with images in a directory of the data directory.
    func inside(_ imageRoot: String) -> DataLocation {
        DataLocation(
            images: images.inside(imageRoot), annotationDirectory: annotationDirectory,
            allowsMissingImages: allowsMissingImages)
    }
}
