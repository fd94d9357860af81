import Batches
import Configuration
import Datasets
import Text
import Torch
import Training
import ViCHA

/// Pretraining: all losses of ViCHA on image-caption pairs (ViCHA section 3).
public struct PretrainingTask: ModelTask {
    /// What model directories call it.
    public static let name = "pretraining"
    /// The model that is trained.
    public let model: PretrainingModel
    /// Sizes and settings.
    public let configuration: PretrainingConfiguration
    /// What is trained on.
    public let dataset: ImageTextDataset

    /// Describes the task.
    /// - Throws: `ConfigurationKeyError`
    public init(
        _ configuration: PretrainingConfiguration, model: PretrainingModel,
        dataset: ImageTextDataset
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
    }

    /// Reads what is trained on, and what is evaluated after each epoch.
    public init(
        _ configuration: PretrainingConfiguration, model: PretrainingModel, source: TaskSource,
        workers: Int
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
        _ configuration: PretrainingConfiguration, isTrained: Bool, seed: UInt64?, device: Device
    ) throws -> PretrainingModel {
        try PretrainingModel(configuration.settings.model, seed: seed, device: device)
    }

    /// The momentum model.
    public var teacher: MomentumTeacher? { model.teacher }

    /// Features of earlier steps.
    public var queue: FeatureQueue? { model.queue }

    /// The temperature.
    public func limitParameters() throws { try model.limitTemperature() }

    /// All losses; the momentum model's share of the targets rises over the first epoch.
    public func losses(_ batch: ImageTextBatch, _ step: TrainingStep) throws -> TrainingLosses {
        let draws = PretrainingDraws(
            for: batch, configuration.settings.model, special: SpecialTokens(tokenizer.special),
            generator: step.draws)
        let share = Double(step.iteration) / Double(step.iterationsPerEpoch)
        let losses = try model.losses(
            batch.to(device: step.device), draws.to(device: step.device),
            alpha: configuration.settings.alpha * (step.epoch > 0 ? 1 : min(1, share)),
            dropout: step.dropout)
        var parts = [("loss_mlm", losses.mlm), ("loss_ita", losses.ita), ("loss_itm", losses.itm)]
        if let mae = losses.mae { parts.append(("loss_mae", mae)) }
        return TrainingLosses(total: losses.total, parts: parts, features: losses.features)
    }
}

extension SpecialTokens {
    /// Those of a vocabulary.
    public init(_ special: WordPieceTokenizer.Special) {
        self.init(pad: Int(special.pad), cls: Int(special.cls), mask: Int(special.mask))
    }
}
