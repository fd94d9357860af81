import Batches
import Datasets
import Foundation
import Text
import Torch
import ViCHA

/// What is trained, and on what: each objective has its own, and one ``Trainer`` runs them all.
public protocol TrainingTask {
    /// What worker threads prepare for a step.
    associatedtype Batch: TensorBatch

    /// The weights and how they change.
    var store: ParameterStore { get }
    /// Which weights the optimizer decays.
    var parameterGroups: [AdamW.Group] { get }
    /// How steps follow each other.
    var plan: TrainingPlan { get }
    /// Makes the batch of some records, from any thread, with what could not be read and was
    /// replaced. The pair of numbers makes all random choices.
    var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (batch: Batch, skipped: [UnreadableRecord])
    {
        get
    }

    /// The losses of a batch, which is on the CPU, pinned for a GPU that computes.
    func losses(_ batch: Batch, _ step: TrainingStep) throws -> TrainingLosses

    /// Whether ``evaluate(_:)`` finds anything.
    var isEvaluated: Bool { get }

    /// What the model reaches after an epoch; nil for a task that is not evaluated.
    func evaluate(_ compute: ComputeOptions) throws -> EpochEvaluation?

    /// Changes parameters that a step must not find beyond their limits.
    func limitParameters() throws

    /// The momentum model, which the trainer moves before each step; nil where there is none.
    var teacher: MomentumTeacher? { get }

    /// The queue, which the trainer fills with the features of each step; nil where there is none.
    var queue: FeatureQueue? { get }

    /// The configuration of the run with every value, as YAML.
    func configurationText() throws -> String

    /// Of all records in their order.
    func dataChecksum() throws -> String

    /// What the ids of tokens mean.
    var vocabulary: VocabularyIdentity { get }

    /// What lies beside the weights of the run, so that they can be used by themselves: files of
    /// ``RunDirectory/companions``, by name.
    func companions() throws -> [String: Data]
}

extension TrainingTask {
    /// Nothing is evaluated.
    public var isEvaluated: Bool { false }

    /// Nothing is evaluated.
    public func evaluate(_ compute: ComputeOptions) throws -> EpochEvaluation? { nil }

    /// There are no limits.
    public func limitParameters() throws {}

    /// There is no momentum model.
    public var teacher: MomentumTeacher? { nil }

    /// There is no queue.
    public var queue: FeatureQueue? { nil }

    /// There are none.
    public func companions() throws -> [String: Data] { [:] }
}

/// What a model reaches.
public struct EpochEvaluation: Sendable, Equatable {
    /// What logs show, by the official names, such as `val_r_mean`.
    public let results: [Result]
    /// What the best checkpoint is chosen by; more is better.
    public let score: Double

    /// A named result.
    public struct Result: Sendable, Equatable {
        /// The official name.
        public let name: String
        /// The value.
        public let value: Double
    }

    /// Results in the order in which logs show them.
    public init(results: [(name: String, value: Double)], score: Double) {
        self.results = results.map { Result(name: $0.name, value: $0.value) }
        self.score = score
    }
}

/// How the steps of a run follow each other.
public struct TrainingPlan: Sendable {
    /// Records of the data set.
    public var recordCount: Int
    /// Records of a step.
    public var batchSize: Int
    /// The optimizer's settings, with the learning rate at the top of the schedule.
    public var optimizer: OptimizerConfiguration
    /// Epochs, and the learning rate of each.
    public var schedule: LearningRateSchedule.Configuration
    /// Epochs between two checkpoints that are kept, nil for none.
    public var saveStep: Int?

    /// Describes a run.
    public init(
        recordCount: Int, batchSize: Int, optimizer: OptimizerConfiguration,
        schedule: LearningRateSchedule.Configuration, saveStep: Int? = nil
    ) {
        self.recordCount = recordCount
        self.batchSize = batchSize
        self.optimizer = optimizer
        self.schedule = schedule
        self.saveStep = saveStep
    }
}

/// Where in a run a step is, and what it computes with.
public struct TrainingStep {
    /// Epoch, counted from 0.
    public let epoch: Int
    /// Iteration of the epoch, counted from 0.
    public let iteration: Int
    /// Iterations of an epoch.
    public let iterationsPerEpoch: Int
    /// Where the model computes.
    public let device: Device
    /// Draws on the CPU, such as of masks.
    public let draws: Generator
    /// Draws of dropout, on the device.
    public let dropout: Generator
}

/// The losses of a step; scalars.
public struct TrainingLosses {
    /// What is minimised.
    public let total: Tensor
    /// What the queue is filled with.
    public let features: MomentumFeatures?
    /// What logs show, by the official names, `loss_…` or `loss` alone.
    public let parts: [(name: String, value: Tensor)]

    /// A loss's name where it is clear that it is one: without `loss_`.
    static func shortName(_ name: String) -> String {
        name.hasPrefix("loss_") ? String(name.dropFirst("loss_".count)) : name
    }

    /// A single loss.
    public init(_ loss: Tensor) { self.init(total: loss, parts: [("loss", loss)]) }

    /// Losses in the order in which logs show them.
    public init(
        total: Tensor, parts: [(name: String, value: Tensor)], features: MomentumFeatures? = nil
    ) {
        self.total = total
        self.features = features
        self.parts = parts
    }
}

/// What a run needs beside its task.
public struct TrainingOptions: Sendable {
    /// Where checkpoints and logs go.
    public var directory: RunDirectory
    /// Where the model computes.
    public var device = Device.cpu
    /// Type of matrix products; nil for full precision.
    public var autocast: DType?
    /// What every random choice is made from.
    public var seed: UInt64 = 42
    /// Threads that prepare batches.
    public var workers = 1
    /// Steps to make at most, nil for whole epochs.
    public var maxSteps: Int?
    /// Steps of an epoch at most, nil for all that the records make.
    public var stepsPerEpoch: Int?
    /// Steps between two readings of the losses; each waits for the device.
    public var logInterval = 1
    /// Time after which the last checkpoint is saved again within an epoch. seconds
    public var saveInterval = 15 * 60.0
    /// Share of the records whose images may be unreadable; each is replaced by another.
    public var mostUnreadable = 0.5

    /// A run on the CPU in full precision.
    public init(directory: RunDirectory) { self.directory = directory }
}

/// How a run ended.
public enum TrainingOutcome: Sendable, Equatable {
    case finished
    /// Stopped on request, with everything saved.
    case interrupted
}

/// A loss or a gradient that is no finite number.
public struct DivergenceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Epoch, counted from 0.
    public let epoch: Int
    /// Iteration of the epoch, counted from 0.
    public let iteration: Int
    /// The losses and the norm of the gradients, by name.
    public let values: String
    /// Where the weights before this step lie.
    public let checkpoint: String

    /// Which step, what was not finite, and what helps.
    public var description: String {
        "the loss or its gradients are not finite in epoch \(epoch), iteration \(iteration) (\(values)). "
            + "The weights before this step are in '\(checkpoint)'. Lower optimizer.lr, lengthen "
            + "warmup_epochs, or use --precision fp32."
    }
}
