import Configuration
import Files
import Foundation
import Text
import Torch
import Training
import ViCHA

/// A trained model on disk: weights, and beside them its configuration, its vocabulary and what kind of
/// model it is. Training writes such directories.
public struct ModelDirectory: Sendable {
    /// Where it is.
    public let path: String
    /// File of the weights.
    public let weights: String

    /// Finds the weights of a directory: those of the best epoch, otherwise the last ones.
    /// - Throws: ``ModelDirectoryError``
    public init(_ path: String) throws {
        self.path = path
        let files = ["best", "last"].map { RunDirectory.checkpoint($0, in: path) }
        guard let file = files.first(where: FileManager.default.fileExists) else {
            throw ModelDirectoryError.noWeights(directory: path, files: files)
        }
        weights = file
    }

    /// The directory of a file with weights.
    public init(checkpoint: String) {
        weights = checkpoint
        path = checkpoint.parentDirectory
    }

    private func file(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }

    /// The configuration of the model.
    public var configurationFile: String { file(RunDirectory.configurationFile) }

    /// The vocabulary of the model, nil where it lies elsewhere.
    public var vocabularyFile: String? {
        let file = file(RunDirectory.vocabularyFile)
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }

    /// What kind of model it is, nil where nobody has said.
    /// - Throws: `AnnotationError`
    public func card() throws -> ModelCard? {
        let file = file(RunDirectory.modelFile)
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        return try ModelCard(file: file)
    }

    /// Makes sure that the model is one of some kinds, where it says which it is.
    /// - Throws: ``ModelDirectoryError/otherTask(directory:task:accepted:)``
    public func check(_ accepted: [String]) throws {
        guard let task = try card()?.task, !accepted.contains(task) else { return }
        throw ModelDirectoryError.otherTask(directory: path, task: task, accepted: accepted)
    }
}

/// What kind of model lies in a directory: `model.json`.
public struct ModelCard: Codable, Sendable, Equatable {
    /// The task that it was trained for, such as `retrieval`.
    public let task: String

    /// A model that was trained for a task.
    public init(task: String) { self.task = task }

    init(file: String) throws {
        do {
            self = try JSONDocument(path: file).decode(ModelCard.self)
        } catch let error as JSONError {
            throw ModelDirectoryError.malformed(file: file, reason: "\(error)")
        }
    }

    func data() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(self) + Data("\n".utf8)
    }
}

/// Why a directory holds no model that can be used.
public enum ModelDirectoryError: Error, Equatable, Sendable, CustomStringConvertible {
    case noWeights(directory: String, files: [String])
    case malformed(file: String, reason: String)
    case otherTask(directory: String, task: String, accepted: [String])
    case noVocabulary(directory: String)

    /// Which directory, what it lacks or holds instead, and what to name.
    public var description: String {
        switch self {
        case .noWeights(let directory, let files):
            "there is no model in '\(directory)': \(files.map { "'\($0)'" }.joined(separator: " or ")) is "
                + "missing. Name the output directory of a training run."
        case .malformed(let file, let reason):
            "'\(file)' does not say what kind of model lies beside it: \(reason)"
        case .otherTask(let directory, let task, let accepted):
            "the model in '\(directory)' was trained for \(task), and this needs one for "
                + accepted.joined(separator: " or ")
        case .noVocabulary(let directory):
            "there is no \(RunDirectory.vocabularyFile) in '\(directory)'; pass --vocabulary with the one "
                + "that the model was trained with"
        }
    }
}

/// A trained model, ready to be used: opened from its directory, with all that belongs to it.
public struct TrainedModel<Task: ModelTask> {
    /// Sizes and settings.
    public let configuration: Task.Configuration
    /// The model, with weights.
    public let model: Task.Model
    /// Cuts texts into the tokens that the model was trained with.
    public let tokenizer: WordPieceTokenizer
    /// Where it computes.
    public let compute: ComputeOptions
    /// Where it was opened from.
    public let directory: ModelDirectory
    /// What became of each tensor of the file.
    public let report: ParameterStore.LoadReport

    /// What a directory does not say, or is to be taken from elsewhere.
    public struct Overrides: Sendable {
        /// Configuration file; nil for that of the directory.
        public var configuration: String?
        /// Values of the form `key=value`, with dots into sections.
        public var values: [String] = []
        /// Vocabulary; nil for that of the directory.
        public var vocabulary: String?

        /// Everything is taken from the directory.
        public init() {}
    }

    /// Opens a model.
    ///
    /// - Parameters:
    ///   - directory: where it lies
    ///   - compute: where it computes
    ///   - overrides: what is not taken from the directory
    ///   - warn: gets what is odd about the configuration
    /// - Throws: ``ModelDirectoryError``, `ConfigurationError`, `VocabularyError`, `CheckpointError`,
    ///   `SafetensorsError`, `StateDictionaryError`, `TorchError`
    public init(
        _ directory: ModelDirectory, compute: ComputeOptions = .init(),
        overrides: Overrides = .init(), warn: (String) -> Void = { _ in }
    ) throws {
        try directory.check(Task.accepted)
        let file = overrides.configuration ?? directory.configurationFile
        let loaded = try ConfigurationFile.load(
            Task.Configuration.self, file, overrides: overrides.values)
        loaded.warnings.forEach(warn)
        var configuration = loaded.configuration
        configuration.moveConcepts(of: file)
        try self.init(
            directory, configuration, compute: compute, vocabulary: overrides.vocabulary)
    }

    /// Opens a model with a configuration of its own.
    ///
    /// - Parameters:
    ///   - directory: where it lies
    ///   - configuration: sizes and settings
    ///   - compute: where it computes
    ///   - vocabulary: nil for that of the directory
    public init(
        _ directory: ModelDirectory, _ configuration: Task.Configuration,
        compute: ComputeOptions = .init(), vocabulary: String? = nil
    ) throws {
        try directory.check(Task.accepted)
        try configuration.validate()
        guard let vocabulary = vocabulary ?? directory.vocabularyFile else {
            throw ModelDirectoryError.noVocabulary(directory: directory.path)
        }
        let tokenizer = try WordPieceTokenizer(
            vocabularyFile: vocabulary, fitting: configuration.settings.model)
        let model = try Task.model(
            configuration, isTrained: false, seed: nil, device: compute.device)
        report = try model.load(checkpoint: directory.weights, tokenizer.identity)
        self.configuration = configuration
        self.model = model
        self.tokenizer = tokenizer
        self.compute = compute
        self.directory = directory
    }
}

extension TaskModel {
    /// Takes the weights of a checkpoint over, or of a file of other programs with official keys.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - vocabulary: what the ids of tokens mean
    /// - Returns: which weights were taken, initialised anew or not used
    /// - Throws: `SafetensorsError`, `StateDictionaryError`, and `CheckpointError` for a run that was trained
    ///   with another vocabulary
    @discardableResult
    public func load(checkpoint path: String, _ vocabulary: VocabularyIdentity) throws
        -> ParameterStore.LoadReport
    {
        var report = try StateDictionaryError.naming(path) {
            try load(
                TrainingCheckpoint.open(path, vocabulary: vocabulary).tensors(),
                allowingUnexpected: TrainingCheckpoint.statePrefixes)
        }
        report.unused.removeAll { key in
            TrainingCheckpoint.statePrefixes.contains(where: key.hasPrefix)
        }
        return report
    }
}

extension WordPieceTokenizer {
    /// Reads a vocabulary that has no more tokens than a model.
    /// - Throws: `VocabularyError`, `ConfigurationKeyError`
    public init(vocabularyFile path: String, fitting model: ModelConfiguration) throws {
        try self.init(vocabularyFile: path)
        guard vocabularySize <= model.text.vocabularySize else {
            throw ConfigurationKeyError(
                key: "bert_config.vocab_size",
                expected: "at least \(vocabularySize), the tokens of '\(path)'",
                found: model.text.vocabularySize)
        }
    }
}
