import Configuration
import Datasets
import Foundation
import Reports
import Text
import Torch
import Training
import ViCHA

/// A task on a model: how it is made from a configuration and files, and how it is evaluated. One folder
/// here has all of a task.
public protocol ModelTask: ConfiguredTask {
    /// The model that is trained.
    associatedtype Model: TaskModel

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

    /// Reads what is trained on, and what is evaluated after each epoch.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings, which have been validated
    ///   - model: with the weights to start from
    ///   - source: where files lie
    ///   - workers: threads that prepare images of an evaluation
    init(_ configuration: Configuration, model: Model, source: TaskSource, workers: Int) throws

    /// The model that is trained.
    var model: Model { get }

    /// What is trained on.
    var dataset: Dataset { get }

    /// Records that batches are made of.
    associatedtype Dataset: TrainingDataset where Dataset.Batch == Batch

    /// What is done with a model whose training has ended.
    /// - Returns: what is said of it, nil where nothing is done
    func finish(in directory: RunDirectory, _ compute: ComputeOptions) throws -> String?
}

extension ModelTask {
    /// Its own, and that of pretraining.
    public static var accepted: [String] { [name, PretrainingTask.name] }

    /// The weights of the model.
    public var store: ParameterStore { model.store }

    /// Records that are trained on.
    public var recordCount: Int { dataset.count }

    /// Of all records in their order, which are checked on the way.
    public func dataChecksum() throws -> String {
        try dataset.inspect()
    }

    /// Cuts texts into the tokens of the model.
    public var tokenizer: WordPieceTokenizer { dataset.tokenizer }

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { tokenizer.identity }

    /// The vocabulary, and what kind of model it is.
    public func companions() throws -> [String: Data] {
        [
            RunDirectory.vocabularyFile: Data(tokenizer.vocabularyText),
            RunDirectory.modelFile: try ModelCard(task: Self.name).data(),
        ]
    }

    /// Makes the batch of some records.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (batch: Batch, skipped: [UnreadableRecord])
    {
        { [dataset] in try dataset.batch($0, seed: $1) }
    }

    /// Nothing is done.
    public func finish(in directory: RunDirectory, _ compute: ComputeOptions) throws -> String? {
        nil
    }
}

/// A task whose model is evaluated on annotation files.
public protocol EvaluatedTask: ModelTask {
    /// Evaluates a model on every set that a configuration names.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings, which have been validated
    ///   - model: what is evaluated
    ///   - source: where files lie
    ///   - options: how it is done
    static func evaluate(
        _ configuration: Configuration, _ model: Model, _ source: TaskSource,
        _ options: EvaluationRun
    ) throws -> EvaluationReport
}

/// Where a model computes, and with how many threads images are prepared.
public struct ComputeOptions: Sendable {
    /// Where the model is.
    public var device: Device
    /// Type of matrix products; nil for full precision.
    public var autocast: DType?
    /// Threads that prepare images.
    public var workers: Int

    /// By default on the CPU in full precision.
    public init(device: Device = .cpu, autocast: DType? = nil, workers: Int = 2) {
        self.device = device
        self.autocast = autocast
        self.workers = workers
    }

    /// Computes in the wanted precision.
    public func callAsFunction<Result>(_ body: () throws -> Result) rethrows -> Result {
        try withAutocast(autocast, on: device, body)
    }
}

/// How a model is evaluated.
public struct EvaluationRun: Sendable {
    /// Where the model computes.
    public var compute: ComputeOptions
    /// Examples on a page to look at; nil where no page is wanted.
    public var examples: Int?
    /// Processes that share the work; nil for this one alone.
    public var processes: ProcessGroup?

    /// Without a page.
    public init(compute: ComputeOptions = .init(), examples: Int? = nil) {
        self.compute = compute
        self.examples = examples
    }

    /// Numbers of the examples among so many, at even distances; none where no page is wanted.
    public func chosen(of count: Int) -> [Int] { (0..<count).evenly(examples ?? 0) }
}

/// What an evaluation found.
public struct EvaluationReport {
    /// For people, line by line.
    public var lines: [String] = []
    /// What `log.txt` gets, by the official names.
    public var results: [(name: String, value: Double)] = []
    /// A page to look at.
    public var page: Page

    /// Nothing yet.
    public init(title: String) { page = Page(title: title, body: "") }
}
