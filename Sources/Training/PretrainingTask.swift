import Datasets
import Text
import Torch
import ViCHA

/// Pretrains a model (ViCHA section 3).
public typealias PretrainingTrainer = Trainer<PretrainingTask>

/// Pretraining: all losses of ViCHA on image-caption pairs.
public struct PretrainingTask: TrainingTask {
    /// The model that is trained.
    public let model: PretrainingModel
    private let configuration: PretrainingConfiguration
    private let dataset: ImageTextDataset

    /// Describes the task.
    /// - Throws: ``ModelConfigurationError``
    public init(
        _ configuration: PretrainingConfiguration, model: PretrainingModel,
        dataset: ImageTextDataset
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
    }

    /// The weights of the model.
    public var store: ParameterStore { model.store }

    /// Which weights the optimizer decays.
    public var parameterGroups: [AdamW.Group] {
        ParameterGroups.make(
            model.store, weightDecay: configuration.optimizer.weightDecay,
            compatibility: configuration.model.compatibility)
    }

    /// How steps follow each other.
    public var plan: TrainingPlan {
        TrainingPlan(
            recordCount: dataset.pairs.count, batchSize: configuration.batchSize,
            learningRate: configuration.optimizer.learningRate, schedule: configuration.schedule,
            saveStep: configuration.saveStep)
    }

    /// Makes the batch of some records.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (batch: ImageTextArrays, skipped: [String])
    {
        dataset.makeBatch
    }

    /// All losses; the momentum model's share of the targets rises over the first epoch.
    public func losses(_ arrays: ImageTextArrays, _ step: TrainingStep) throws -> TrainingLosses {
        let batch = PretrainingBatch(arrays)
        let chance = PretrainingDraws(for: batch, configuration.model, generator: step.draws)
        let share = Double(step.iteration) / Double(step.iterationsPerEpoch)
        let losses = try model.losses(
            batch.to(device: step.device), chance.to(device: step.device),
            alpha: configuration.alpha * (step.epoch > 0 ? 1 : min(1, share)),
            dropout: step.dropout)
        var parts = [("loss_mlm", losses.mlm), ("loss_ita", losses.ita), ("loss_itm", losses.itm)]
        if let mae = losses.mae { parts.append(("loss_mae", mae)) }
        return TrainingLosses(total: losses.total, parts: parts)
    }

    /// Writes the configuration of the run with every value.
    /// - Throws: `FileWritingError`
    public func writeConfiguration(to path: String) throws {
        try ConfigurationFile.write(configuration, to: path)
    }
}

extension Trainer<PretrainingTask> {
    /// Prepares a run from epoch 0 with the weights that `model` has.
    /// - Throws: ``ModelConfigurationError``, ``TorchError``
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
