import Datasets
import Torch
import ViCHA

/// Text assignment: what comes between pretraining and NLVR2 (Li et al. 2021, section 5), on the data of
/// pretraining.
public struct TextAssignmentTask: ImageTextTask {
    /// The model that is trained.
    public let model: TextAssignmentModel
    /// Sizes and settings.
    public let configuration: TextAssignmentConfiguration
    /// What is trained on.
    public let dataset: ImageTextDataset

    /// Describes the task.
    /// - Throws: ``ConfigurationKeyError``
    public init(
        _ configuration: TextAssignmentConfiguration, model: TextAssignmentModel,
        dataset: ImageTextDataset
    ) throws {
        try configuration.validate()
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
