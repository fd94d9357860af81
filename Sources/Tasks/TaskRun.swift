import Datasets
import Foundation
import Text
import Torch
import Training
import ViCHA

/// A task in training: a model, what it learns from, and what it is evaluated on.
public struct TaskRun<Task: ModelTask>: ConfiguredTask {
    /// Sizes and settings.
    public let configuration: Task.Configuration
    /// The model that is trained.
    public let model: Task.Model
    /// What is trained on.
    public let dataset: Task.Dataset
    /// What is evaluated after each epoch.
    public let evaluated: Task.Evaluated?

    /// Puts a task together.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - model: with the weights to start from
    ///   - dataset: what is trained on
    ///   - evaluated: what is evaluated after each epoch
    /// - Throws: `ConfigurationKeyError`
    public init(
        _ configuration: Task.Configuration, model: Task.Model, dataset: Task.Dataset,
        evaluated: Task.Evaluated? = nil
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
        self.evaluated = evaluated
    }

    /// Puts a task together from files. All of them are opened before training: what is wrong with one should
    /// not be found hours later.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - model: with the weights to start from
    ///   - source: where files lie
    /// - Throws: `ConfigurationKeyError`, `AnnotationError`
    public init(_ configuration: Task.Configuration, model: Task.Model, source: TaskSource) throws {
        try self.init(
            configuration, model: model, dataset: Task.dataset(configuration, source),
            evaluated: Task.evaluated(configuration, model, source))
    }

    /// The weights of the model.
    public var store: ParameterStore { model.store }

    /// Moves the momentum weights, where the model has some.
    public var teacher: MomentumTeacher? { model.teacher }

    /// Features of earlier steps.
    public var queue: FeatureQueue? { Task.queue(of: model) }

    /// Records that are trained on.
    public var recordCount: Int { dataset.count }

    /// Of all records in their order, which are checked on the way.
    public func dataChecksum() throws -> String { try dataset.inspect() }

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { dataset.tokenizer.identity }

    /// Whether anything is evaluated after an epoch.
    public var isEvaluated: Bool { evaluated != nil }

    /// Makes the batch of some records.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (
            batch: Task.Dataset.Batch, skipped: [UnreadableRecord]
        )
    { { [dataset] in try dataset.batch($0, seed: $1) } }

    /// Changes parameters that a step must not find beyond their limits.
    public func limitParameters() throws { try Task.limitParameters(of: model) }

    /// The losses of a batch.
    public func losses(_ batch: Task.Dataset.Batch, _ step: TrainingStep) throws -> TrainingLosses {
        try Task.losses(batch, of: self, step)
    }

    /// What the model reaches after an epoch.
    public func evaluate(_ compute: ComputeOptions) throws -> EpochEvaluation? {
        try evaluated.flatMap { try Task.evaluate($0, of: self, compute) }
    }

    /// The vocabulary, and what kind of model it is.
    public func companions() throws -> [String: Data] {
        [
            RunDirectory.vocabularyFile: Data(dataset.tokenizer.vocabularyText),
            RunDirectory.modelFile: try ModelCard(task: Task.name).data(),
        ]
    }
}

extension TaskRun where Task.Configuration: FineTuningConfiguration {
    /// The momentum model's share of the targets at a step.
    func alpha(_ step: TrainingStep) -> Double {
        configuration.settings.alpha(configuration.fineTuning, at: step)
    }
}
