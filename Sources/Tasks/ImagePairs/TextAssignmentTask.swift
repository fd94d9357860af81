import Batches
import Configuration
import Datasets
import Torch
import Training
import ViCHA

/// Text assignment: what comes between pretraining and NLVR2 (Li et al. 2021, section 5), on the data of
/// pretraining.
public struct TextAssignmentTask: ModelTask {
    /// What model directories call it.
    public static let name = "text assignment"
    /// The model that is trained.
    public let model: TextAssignmentModel
    /// Sizes and settings.
    public let configuration: TextAssignmentConfiguration
    /// What is trained on.
    public let dataset: ImageTextDataset

    /// Describes the task.
    /// - Throws: `ConfigurationKeyError`
    public init(
        _ configuration: TextAssignmentConfiguration, model: TextAssignmentModel,
        dataset: ImageTextDataset
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
    }

    /// Reads what is trained on, and what is evaluated after each epoch.
    public init(
        _ configuration: TextAssignmentConfiguration, model: TextAssignmentModel,
        source: TaskSource, workers: Int
    ) throws {
        let settings = configuration.settings
        let records: RecordList<PretrainingRecord> = try source.trainingRecords(
            settings.trainFiles, settings)
        try self.init(
            configuration, model: model,
            dataset: source.shorteningPaths.dataset(
                ImageTextPair.pairs(of: records), ImageTextOptions(settings)))
    }

    /// Makes the model of a configuration.
    public static func model(
        _ configuration: TextAssignmentConfiguration, isTrained: Bool, seed: UInt64?,
        device: Device
    ) throws -> TextAssignmentModel {
        try TextAssignmentModel(configuration.settings.model, seed: seed, device: device)
    }

    /// The loss.
    public func losses(_ batch: ImageTextBatch, _ step: TrainingStep) throws -> TrainingLosses {
        let rows = batch.count
        let loss = model.loss(
            batch.to(device: step.device),
            .drawn(
                pairs: Tensor.uniform([rows, rows], generator: step.draws)
                    .to(device: step.device),
                texts: Tensor.uniform([2, rows], generator: step.draws).to(device: step.device)),
            dropout: step.dropout)
        return TrainingLosses(total: loss, parts: [("loss", loss)])
    }
}
