import Datasets
import Foundation
import Torch
import Training
import ViCHA

/// Fine-tuning for grounding.
typealias GroundingRun = FineTuningRun<GroundingConfiguration, RetrievalModel>

extension FineTuningRun<GroundingConfiguration, RetrievalModel> {
    /// Builds the model and takes over the weights of a checkpoint, where one is given.
    init(
        _ configuration: GroundingConfiguration, _ options: ModelRunOptions, checkpoint: String?,
        isTrained: Bool, seed: UInt64 = 0, device: Device
    ) throws {
        try configuration.validate()
        try self.init(
            configuration, options, imageRoot: configuration.fineTuning.imageRoot,
            checkpoint: checkpoint
        ) {
            try RetrievalModel(
                configuration.settings.model, isTrained: isTrained, seed: seed, device: device)
        }
    }

    /// The directory with references: that of the detector's file, or one beside the annotation
    /// files, of which the official code has the first.
    private var referenceDirectory: String {
        let ofDetections = (configuration.detectionFile as NSString).deletingLastPathComponent
        let candidates = ([ofDetections] + ["refcoco+", "refcoco", "refcocog"])
            .filter { !$0.isEmpty }.map(data.annotationFile)
        return candidates.first { FileManager.default.fileExists(atPath: $0 + "/instances.json") }
            ?? data.annotationFile("refcoco+")
    }

    /// The pairs of training. The whole image is shown, so that the phrase's object is in it.
    func dataset() throws -> ImageTextDataset {
        let records: RecordList<ReferringRecord> = try trainingRecords()
        return try dataset(
            ImageTextPair.pairs(of: records),
            ImageTextOptions(
                configuration.settings,
                framing: .whole(side: configuration.settings.model.vision.imageSize),
                swapsSides: true,
                textTokens: configuration.settings.fineTuningTextTokens))
    }

    /// The phrases of test_file with what they mean, nil where there is no such file.
    func evaluationData() throws -> GroundingTask.EvaluationData? {
        guard !configuration.testFiles.isEmpty else { return nil }
        let detections = try DetectionFile.load(
            data.annotationFile(configuration.detectionFile))
        return .init(
            set: ReferringEvaluationSet(
                records: try evaluated(
                    records(configuration.testFiles), of: configuration.testFiles
                ) { (record: ReferringRecord) in [data.images.resolve(record.image)] },
                paths: data.images, tokenizer: tokenizer,
                options: EvaluationOptions(configuration.settings),
                maxTokens: configuration.settings.model.text.maxPositions),
            references: try ReferenceIndex(directory: referenceDirectory),
            detections: detections)
    }
}
