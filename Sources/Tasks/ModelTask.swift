import Batches
import Datasets
import Torch
import Training
import ViCHA

/// A task on a model: how it is made, what it learns from, what its losses are and how it is evaluated. One
/// folder here has all of a task; ``TaskRun`` trains it, ``TrainedModel`` uses it.
public protocol ModelTask {
    /// What a configuration file of the task says.
    associatedtype Configuration: TaskConfiguration
    /// The model that is trained.
    associatedtype Model: TaskModel
    /// Records that batches are made of.
    associatedtype Dataset: TrainingDataset
    /// What is evaluated after each epoch.
    associatedtype Evaluated = Never

    /// What model directories call it.
    static var name: String { get }

    /// Names of the tasks whose models can be used for this one.
    static var accepted: [String] { get }

    /// Makes a model.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - isTrained: whether it has what only training needs
    ///   - seed: of random weights; nil for weights that are all loaded before they are used
    ///   - device: where the weights are made
    static func model(
        _ configuration: Configuration, isTrained: Bool, seed: UInt64?, device: Device
    ) throws -> Model

    /// Opens what is trained on.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - source: where files lie
    static func dataset(_ configuration: Configuration, _ source: TaskSource) throws -> Dataset

    /// Reads what is evaluated after each epoch; nil for nothing.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - model: what is evaluated
    ///   - source: where files lie
    static func evaluated(_ configuration: Configuration, _ model: Model, _ source: TaskSource)
        throws -> Evaluated?

    /// The losses of a batch, which is on the CPU, pinned for a GPU that computes.
    static func losses(_ batch: Dataset.Batch, of run: TaskRun<Self>, _ step: TrainingStep) throws
        -> TrainingLosses

    /// What the model reaches after an epoch; nil where there is nothing to choose the best epoch by.
    static func evaluate(_ data: Evaluated, of run: TaskRun<Self>, _ compute: ComputeOptions) throws
        -> EpochEvaluation?

    /// Changes parameters that a step must not find beyond their limits.
    static func limitParameters(of model: Model) throws

    /// The queue, which is filled with the features of each step; nil where there is none.
    static func queue(of model: Model) -> FeatureQueue?

    /// What is done with a model whose training has ended.
    /// - Returns: what is said of it, nil where nothing is done
    static func finish(
        _ run: TaskRun<Self>, in directory: RunDirectory, _ compute: ComputeOptions
    ) throws -> String?
}

extension ModelTask {
    /// Its own, and that of pretraining.
    public static var accepted: [String] {
        name == PretrainingTask.name ? [name] : [name, PretrainingTask.name]
    }

    /// Nothing is evaluated after an epoch.
    public static func evaluated(
        _ configuration: Configuration, _ model: Model, _ source: TaskSource
    ) throws -> Evaluated? { nil }

    /// There are no limits.
    public static func limitParameters(of model: Model) throws {}

    /// There is no queue.
    public static func queue(of model: Model) -> FeatureQueue? { nil }

    /// Nothing is done.
    public static func finish(
        _ run: TaskRun<Self>, in directory: RunDirectory, _ compute: ComputeOptions
    ) throws -> String? { nil }
}

extension ModelTask where Dataset == ImageTextDataset {
    /// The image-caption pairs of pretraining.
    public static func dataset(_ configuration: Configuration, _ source: TaskSource) throws
        -> ImageTextDataset
    { try source.captions(configuration.settings) }
}

/// A model that its sizes and switches say all about.
public protocol SizedModel: TaskModel {
    /// Builds the model.
    ///
    /// - Parameters:
    ///   - configuration: sizes and switches
    ///   - seed: of random weights; nil for weights that are all loaded before they are used
    ///   - device: where the weights are made
    init(_ configuration: ModelConfiguration, seed: UInt64?, device: Device) throws
}

extension ModelTask where Model: SizedModel {
    /// Makes the model of a configuration.
    public static func model(
        _ configuration: Configuration, isTrained: Bool, seed: UInt64?, device: Device
    ) throws -> Model { try Model(configuration.settings.model, seed: seed, device: device) }
}

/// A model that learns by a single loss, beside its momentum model where it has one.
public protocol SingleLossModel: TaskModel {
    /// What a step computes with.
    associatedtype Batch: TensorBatch

    /// The loss of one step, a scalar.
    ///
    /// - Parameters:
    ///   - batch: on the device of the model
    ///   - alpha: the momentum model's share of the targets
    ///   - dropout: nil for none
    func loss(_ batch: Batch, alpha: Double, dropout: Generator?) throws -> Tensor
}

extension ModelTask
where
    Configuration: FineTuningConfiguration, Model: SingleLossModel, Model.Batch == Dataset.Batch
{
    /// The loss of the model.
    public static func losses(
        _ batch: Dataset.Batch, of run: TaskRun<Self>, _ step: TrainingStep
    ) throws -> TrainingLosses {
        TrainingLosses(
            try run.model.loss(
                batch.to(device: step.device), alpha: run.alpha(step), dropout: step.dropout))
    }
}

extension ModelTask where Evaluated == Never {
    /// Nothing is evaluated.
    public static func evaluate(
        _ data: Never, of run: TaskRun<Self>, _ compute: ComputeOptions
    ) throws -> EpochEvaluation? {}
}
