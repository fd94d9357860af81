import Datasets
import Text
import Torch
import ViCHA

/// Pretrains a model (ViCHA section 3).
public typealias PretrainingTrainer = Trainer<PretrainingTask>

/// Pretraining: all losses of ViCHA on image-caption pairs.
public struct PretrainingTask: ImageTextTask {
    /// The model that is trained.
    public let model: PretrainingModel
    /// Sizes and settings.
    public let configuration: PretrainingConfiguration
    /// What is trained on.
    public let dataset: ImageTextDataset

    /// Describes the task.
    /// - Throws: ``ConfigurationKeyError``
    public init(
        _ configuration: PretrainingConfiguration, model: PretrainingModel,
        dataset: ImageTextDataset
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
    }

    /// The momentum model.
    public var teacher: MomentumTeacher? { model.teacher }

    /// Features of earlier steps.
    public var queue: FeatureQueue? { model.queue }

    /// The weights of the model.
    public var store: ParameterStore { model.store }

    /// The temperature.
    public func limitParameters() throws { try model.limitTemperature() }

    /// All losses; the momentum model's share of the targets rises over the first epoch.
    public func losses(_ arrays: ImageTextArrays, _ step: TrainingStep) throws -> TrainingLosses {
        let batch = PretrainingBatch(arrays)
        let chance = PretrainingDraws(
            for: batch, configuration.settings.model, special: SpecialTokens(dataset.specialTokens),
            generator: step.draws)
        let share = Double(step.iteration) / Double(step.iterationsPerEpoch)
        let losses = try model.losses(
            batch.to(device: step.device), chance.to(device: step.device),
            alpha: configuration.settings.alpha * (step.epoch > 0 ? 1 : min(1, share)),
            dropout: step.dropout)
        var parts = [("loss_mlm", losses.mlm), ("loss_ita", losses.ita), ("loss_itm", losses.itm)]
        if let mae = losses.mae { parts.append(("loss_mae", mae)) }
        return TrainingLosses(total: losses.total, parts: parts, features: losses.features)
    }
}

extension Trainer<PretrainingTask> {
    /// Prepares a run from epoch 0 with the weights that `model` has.
    /// - Throws: ``ConfigurationKeyError``, ``TorchError``
    public convenience init(
        _ configuration: PretrainingConfiguration, model: PretrainingModel,
        dataset: ImageTextDataset, options: TrainingOptions, stop: StopSignal = StopSignal()
    ) throws {
        try self.init(
            PretrainingTask(configuration, model: model, dataset: dataset), options: options,
            stop: stop)
    }

    /// The model that is trained.
    public var model: PretrainingModel { task.model }
}

extension SpecialTokens {
    /// Those of a vocabulary.
    public init(_ special: WordPieceTokenizer.Special) {
        self.init(pad: Int(special.pad), cls: Int(special.cls), mask: Int(special.mask))
    }
}

extension PretrainingBatch {
    /// The tensors of a prepared batch, on the CPU.
    public init(_ arrays: ImageTextArrays) {
        self.init(
            images: arrays.images, captions: TokenBatch(arrays.texts),
            concepts: arrays.concepts.map { TokenBatch($0) })
    }
}

extension ImageArrays {
    /// The pixels as a tensor on the CPU. `[rows, 3, side, side]`
    public var tensor: Tensor { Tensor(pixels, shape: [rows, 3, side, side]) }
}

extension ImageTextArrays {
    /// The pixels as a tensor on the CPU. `[rows, 3, side, side]`
    var images: Tensor { Tensor(pixels, shape: [texts.rows, 3, side, side]) }
}

extension TokenBatch {
    /// The tensors of encoded texts, on the CPU.
    public init(_ batch: EncodedBatch) {
        let shape = [batch.rows, batch.length]
        self.init(
            inputIDs: Tensor(batch.inputIDs, shape: shape),
            attentionMask: Tensor(batch.attentionMask, shape: shape))
    }
}
