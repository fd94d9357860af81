import Datasets
import Torch
import Training
import ViCHA

/// Fine-tuning for retrieval.
typealias RetrievalRun = FineTuningRun<RetrievalConfiguration, RetrievalModel>

extension FineTuningRun<RetrievalConfiguration, RetrievalModel> {
    /// Builds the model and takes over the weights of a checkpoint, where one is given.
    init(
        _ configuration: RetrievalConfiguration, _ options: ModelRunOptions, checkpoint: String?,
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

    /// The pairs of training.
    func dataset() throws -> ImageTextDataset {
        let records: RecordList<RetrievalRecord> = try trainingRecords()
        return try dataset(
            ImageTextPair.pairs(of: records),
            ImageTextOptions(
                configuration.settings, textTokens: configuration.settings.fineTuningTextTokens))
    }

    /// The images and captions of an annotation file.
    func evaluationSet(_ file: String) throws -> RetrievalEvaluationSet {
        let set = RetrievalEvaluationSet(
            records: try evaluated(records([file]), of: [file]) { (record: RetrievalRecord) in
                [data.images.resolve(record.image)]
            },
            paths: data.images, tokenizer: tokenizer,
            options: EvaluationOptions(configuration.settings))
        if set.repeatedImages > 0 {
            let isMerged = configuration.settings.model.compatibility == .corrected
            note(
                "\(file): \(set.repeatedImages) records name an image that was there before; "
                    + (isMerged
                        ? "their captions are taken together"
                        : "each counts as an image of its own, as in the official code"))
        }
        if !configuration.ranksByFeatures, configuration.candidates > set.records.count {
            note(
                "\(file): k_test is \(configuration.candidates), but there are "
                    + "\(set.records.count) images; all of them are candidates")
        }
        return set
    }

    /// The sets that the configuration names.
    func evaluationSets() throws -> EvaluationSets<RetrievalEvaluationSet> {
        .init(
            validation: try configuration.validationFile.map(evaluationSet),
            test: try configuration.testFile.map(evaluationSet))
    }
}
