import Datasets
import Torch
import ViCHA

/// Text assignment: what comes between pretraining and NLVR2 (`spec.md` section 7), on the data of
/// pretraining.
public struct TextAssignmentTask: ImageTextTask {
    /// The model that is trained.
    public let model: TextAssignmentModel
    /// Sizes and settings.
    public let configuration: PretrainingConfiguration
    /// What is trained on.
    public let dataset: ImageTextDataset

    /// Describes the task.
    /// - Throws: ``ModelConfigurationError``
    public init(
        _ configuration: PretrainingConfiguration, model: TextAssignmentModel,
        dataset: ImageTextDataset
    ) throws {
        try configuration.settings.validate(for: .reasoning)
        guard (3...TrainingSettings.mostAtATime).contains(configuration.batchSize) else {
            throw ModelConfigurationError(
                key: PretrainingConfiguration.CodingKeys.batchSize.rawValue,
                expected:
                    "between 3, since two other images come from the batch, and "
                    + "\(TrainingSettings.mostAtATime)", found: configuration.batchSize)
        }
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
    }

    /// The weights of the model.
    public var store: ParameterStore { model.store }

    /// The loss.
    public func losses(_ arrays: ImageTextArrays, _ step: TrainingStep) throws -> TrainingLosses {
        let batch = PretrainingBatch(arrays).to(device: step.device)
        let rows = arrays.texts.rows
        let loss = model.loss(
            images: batch.images, concepts: batch.concepts, texts: batch.captions,
            .drawn(
                pairs: Tensor.uniform([rows, rows], generator: step.draws)
                    .to(device: step.device),
                texts: Tensor.uniform([2, rows], generator: step.draws).to(device: step.device)),
            dropout: step.dropout)
        return TrainingLosses(total: loss, parts: [("loss", loss)])
    }
}
