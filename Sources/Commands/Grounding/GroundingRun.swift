import Datasets
import Text
import Torch
import Training
import ViCHA

/// Puts fine-tuning for grounding together from files and options.
struct GroundingRun {
    /// The directory with references, beside the annotation files, as the official code has it.
    static let referenceDirectory = "refcoco+"

    let configuration: GroundingConfiguration
    let data: DataLocation
    let tokenizer: WordPieceTokenizer
    let model: RetrievalModel

    /// Builds the model and takes over the weights of a checkpoint, where one is given.
    init(
        _ configuration: GroundingConfiguration, data: DataLocation,
        tokenizer: WordPieceTokenizer, checkpoint: String?, seed: UInt64, device: Device
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.data = data.inside(configuration.fineTuning.imageRoot)
        self.tokenizer = tokenizer
        model = try RetrievalModel(
            configuration.model, checkpoint: checkpoint, seed: seed, device: device)
    }

    /// The pairs of training. The whole picture is shown, so that the phrase's object is in it.
    func dataset() throws -> ImageTextDataset {
        let records: [ReferringRecord] = try AnnotationFile.load(
            files: configuration.trainFiles.map(data.annotationFile),
            requiresConcepts: configuration.readsConcepts)
        let dataset = ImageTextDataset(
            pairs: ImageTextPair.pairs(of: records), paths: data.images, tokenizer: tokenizer,
            options: ImageTextOptions(
                configuration.settings,
                framing: .whole(side: configuration.model.vision.imageSize), swapsSides: true,
                textTokens: configuration.settings.fineTuningTextTokens))
        if !data.allowsMissingImages { try dataset.images.checkExistence() }
        return dataset
    }

    /// The phrases of test_file with what they mean, nil where there is no such file.
    func evaluationData() throws -> GroundingTask.EvaluationData? {
        guard !configuration.testFiles.isEmpty else { return nil }
        let detections = try DetectionFile.load(
            data.annotationFile(configuration.detectionFile))
        return .init(
            set: ReferringEvaluationSet(
                records: try AnnotationFile.load(
                    files: configuration.testFiles.map(data.annotationFile),
                    requiresConcepts: configuration.readsConcepts),
                paths: data.images, tokenizer: tokenizer,
                options: EvaluationOptions(configuration.settings),
                maxTokens: configuration.model.text.maxPositions),
            references: try ReferenceIndex(
                directory: data.annotationFile(Self.referenceDirectory)),
            detections: detections)
    }
}
