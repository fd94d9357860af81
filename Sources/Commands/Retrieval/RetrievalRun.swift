import Datasets
import Training
import ViCHA

/// Fine-tuning for retrieval.
typealias RetrievalRun = FineTuningRun<RetrievalConfiguration>

extension FineTuningRun<RetrievalConfiguration> {
    /// The pairs of training.
    func dataset() throws -> ImageTextDataset {
        let records: [RetrievalRecord] = try records(configuration.trainFiles)
        return try dataset(ImageTextPair.pairs(of: records))
    }

    /// The images and captions of an annotation file.
    func evaluationSet(_ file: String) throws -> RetrievalEvaluationSet {
        let set = RetrievalEvaluationSet(
            records: try records([file]),
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
