import Datasets
import Images
import Text
import Torch
import Training
import ViCHA

/// Fine-tuning for retrieval or grounding, put together from files and options.
struct FineTuningRun<Configuration: FineTuningConfiguration> {
    let configuration: Configuration
    let data: DataLocation
    let tokenizer: WordPieceTokenizer
    let model: RetrievalModel

    /// Builds the model and takes over the weights of a checkpoint, where one is given.
    init(
        _ configuration: Configuration, data: DataLocation, tokenizer: WordPieceTokenizer,
        checkpoint: String?, seed: UInt64, device: Device
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.data = data.inside(configuration.fineTuning.imageRoot)
        self.tokenizer = tokenizer
        model = try RetrievalModel(
            configuration.model, checkpoint: checkpoint, seed: seed, device: device)
    }

    /// The records of annotation files.
    func records<Record: AnnotationRecord>(_ files: [String]) throws -> [Record] {
        try AnnotationFile.load(
            files: files.map(data.annotationFile), requiresConcepts: configuration.readsConcepts)
    }

    /// Pairs to train on, whose images are there unless that does not matter.
    func dataset(
        _ pairs: [ImageTextPair], framing: ImageTransform.Framing? = nil, swapsSides: Bool = false
    ) throws -> ImageTextDataset {
        let dataset = ImageTextDataset(
            pairs: pairs, paths: data.images, tokenizer: tokenizer,
            options: ImageTextOptions(
                configuration.settings, framing: framing, swapsSides: swapsSides,
                textTokens: configuration.settings.fineTuningTextTokens))
        if !data.allowsMissingImages { try dataset.images.checkExistence() }
        return dataset
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
