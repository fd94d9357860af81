import Configuration
import Foundation
import Text
import Torch

/// Why a checkpoint cannot be used.
public enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    case noTrainingState(path: String)
    case malformedState(path: String, reason: String)
    case otherRun(path: String, what: String, saved: String, now: String)
    case otherVocabulary(path: String, saved: VocabularyIdentity, now: VocabularyIdentity)

    /// Which checkpoint, what is wrong with it, and what to do about it.
    public var description: String {
        switch self {
        case .noTrainingState(let path):
            "'\(path)' holds weights but no training state; start from it without --resume"
        case .malformedState(let path, let reason):
            "the training state in '\(path)' is none that a run can be in: \(reason). Start from its "
                + "weights without --resume."
        case .otherRun(let path, let what, let saved, let now):
            "'\(path)' was saved with \(what) \(saved), not \(now); resume with the same, or start "
                + "from its weights without --resume"
        case .otherVocabulary(let path, let saved, let now):
            "'\(path)' was trained with the vocabulary \(saved), not with \(now), whose tokens have "
                + "other numbers; pass the first one with --vocabulary"
        }
    }
}

/// A training run at a moment: weights under the official keys, and beside them in the same file
/// what continuing needs. One file, so that a save is whole or not there.
public struct TrainingCheckpoint {
    /// The part of the state that is no tensor.
    public struct State: Codable, Sendable, Equatable {
        /// Epoch and iteration to go on with.
        public var epoch: Int
        /// Iteration of the epoch to go on with.
        public var iteration: Int
        /// Steps made in all.
        public var step: Int
        /// What a resumed run must share to be the same run.
        public var seed: UInt64
        /// Records of the data set.
        public var recordCount: Int
        /// Records of a batch.
        public var batchSize: Int
        /// Steps of an epoch at most; nil for all that the records make.
        public var stepsPerEpoch: Int?
        /// Sums of the running epoch's metrics.
        public var metrics: MetricAverages
        /// Images of the running epoch that were replaced by others.
        public var skippedImages: Int
        /// Score and epoch of the best evaluation, nil before the first.
        public var best: Best?

        /// The best evaluation of a run.
        public struct Best: Codable, Sendable, Equatable {
            /// What it was chosen by.
            public let score: Double
            /// Epoch, counted from 0.
            public let epoch: Int
        }
    }

    /// What a run is made of beside its state: what a resumed run should share, and what the weights
    /// mean.
    public struct Origin: Codable, Sendable, Equatable {
        /// The configuration with every value, as YAML.
        public let configuration: String
        /// Of all records in their order.
        public let dataChecksum: String
        /// What the ids of tokens mean.
        public internal(set) var vocabulary: VocabularyIdentity
        /// Type of matrix products; nil in checkpoints that do not say.
        public let precision: String?

        /// Describes a run.
        public init(
            configuration: String, dataChecksum: String, vocabulary: VocabularyIdentity,
            precision: String?
        ) {
            self.configuration = configuration
            self.dataChecksum = dataChecksum
            self.vocabulary = vocabulary
            self.precision = precision
        }
    }

    static let stateKey = "vicha.training_state"
    static let originKey = "vicha.origin"
    static let optimizerPrefix = "optimizer."
    static let randomPrefix = "random."
    /// Beginnings of keys that are no weights.
    public static let statePrefixes = [optimizerPrefix, randomPrefix]

    /// Saves a run.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - previous: where a checkpoint that is there already is moved to; nil to replace it
    ///   - weights: the model
    ///   - optimizer: what it remembers of each weight
    ///   - random: generators by name
    ///   - state: where the run is
    ///   - origin: what it is made of
    /// - Throws: ``SafetensorsError``, ``TorchError``
    static func save(
        to path: String, keepingPreviousAs previous: String? = nil, weights: ParameterStore,
        optimizer: AdamW, random: [String: Generator], state: State, origin: Origin
    ) throws {
        var tensors = weights.state
        // A tied tensor is written once; its second key is an alias on loading.
        for entry in weights.entries {
            if case .alias = entry.role { tensors[entry.key] = nil }
        }
        for (key, tensor) in optimizer.state { tensors[optimizerPrefix + key] = tensor }
        for (key, generator) in random { tensors[randomPrefix + key] = generator.state }
        try writeSafetensors(
            tensors,
            metadata: [
                stateKey: try encoded(state), originKey: try encoded(origin), "format": "pt",
            ], to: path, keepingPreviousAs: previous)
    }

    /// Where the run of a checkpoint is.
    /// - Throws: ``CheckpointError``
    package static func state(of file: SafetensorsFile) throws -> State {
        guard let state: State = try decoded(file, stateKey) else {
            throw CheckpointError.noTrainingState(path: file.path)
        }
        return state
    }

    /// Takes over the tensors of a checkpoint.
    /// - Throws: ``SafetensorsError``, ``StateDictionaryError``
    static func restore(
        _ file: SafetensorsFile, weights: ParameterStore, optimizer: AdamW,
        random: [String: Generator]
    ) throws {
        try StateDictionaryError.naming(file.path) {
            try weights.load(file.tensors(), allowingUnexpected: statePrefixes)
        }
        var moments: [String: Tensor] = [:]
        for key in file.keys where key.hasPrefix(optimizerPrefix) {
            moments[String(key.dropFirst(optimizerPrefix.count))] = try file.tensor(key)
        }
        try optimizer.load(moments)
        for (key, generator) in random {
            try generator.setState(file.tensor(randomPrefix + key).cloned())
        }
    }

    /// What the run of a checkpoint is made of; nil for a file that does not say.
    /// - Throws: ``CheckpointError/malformedState(path:reason:)``
    package static func origin(of file: SafetensorsFile) throws -> Origin? {
        try decoded(file, originKey)
    }

    /// Opens a checkpoint for its weights: a damaged one, or one that was trained with other tokens, is
    /// refused. Official checkpoints and those of other programs say neither and are taken as they are.
    /// - Throws: `SafetensorsError`, ``CheckpointError``
    public static func open(_ path: String, vocabulary: VocabularyIdentity) throws
        -> SafetensorsFile
    {
        let file = try SafetensorsFile(path: path)
        try file.verifyChecksum()
        try check(vocabulary, of: file)
        return file
    }

    /// - Throws: ``CheckpointError/otherVocabulary(path:saved:now:)``
    static func check(_ vocabulary: VocabularyIdentity, of file: SafetensorsFile) throws {
        guard let saved = try origin(of: file)?.vocabulary, !saved.isSame(as: vocabulary) else {
            return
        }
        throw CheckpointError.otherVocabulary(path: file.path, saved: saved, now: vocabulary)
    }

    /// Whether a file is a checkpoint of a run, and not weights from elsewhere under the same name.
    static func isOfRun(_ path: String) -> Bool {
        (try? SafetensorsFile(path: path))?.metadata[stateKey] != nil
    }

    private static func encoded(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func decoded<Value: Decodable>(_ file: SafetensorsFile, _ key: String) throws
        -> Value?
    {
        guard let text = file.metadata[key] else { return nil }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw CheckpointError.malformedState(
                path: file.path, reason: "'\(key)' is not what this program writes")
        }
    }
}

extension TrainingCheckpoint.Origin {
    /// What differs from an earlier time, in sentences.
    package func differences(from before: Self) -> [String] {
        var lines: [String] = []
        let changed = ConfigurationFile.differences(before.configuration, configuration)
        if !changed.isEmpty {
            lines.append(
                "the run goes on with other values than it was saved with: "
                    + changed.map {
                        "\($0.key.excerpt()) \(($0.now ?? "none").excerpt()) "
                            + "(was \($0.then.excerpt()))"
                    }
                    .joined(separator: ", "))
        }
        if let then = before.precision, let now = precision, then != now {
            lines.append("the run goes on in \(now) (was \(then))")
        }
        if dataChecksum != before.dataChecksum {
            lines.append(
                "the records, or their order, are not those that the run was saved with; it goes on "
                    + "with those of now")
        }
        return lines
    }
}

extension TrainingCheckpoint.State {
    /// More steps than any run makes, and few enough to count on.
    private static let mostCounted = 1 << 31

    /// - Throws: ``CheckpointError/malformedState(path:reason:)`` where no run of so many batches an
    ///   epoch can be there.
    package func validate(batchCount: Int, path: String) throws {
        func require(_ condition: Bool, _ reason: String) throws {
            guard condition else {
                throw CheckpointError.malformedState(path: path, reason: reason)
            }
        }
        // What the run counts further, or multiplies by the batches of an epoch.
        let counts = 0...Self.mostCounted
        try require(counts.contains(epoch), "epoch \(epoch)")
        try require(counts.contains(step), "step \(step)")
        try require(
            (0...batchCount).contains(iteration),
            "iteration \(iteration) of an epoch of \(batchCount)")
        try require(
            step == epoch * batchCount + iteration,
            "step \(step), which is not iteration \(iteration) of epoch \(epoch) with \(batchCount) steps "
                + "each")
        try require(counts.contains(skippedImages), "\(skippedImages) skipped images")
        try require(metrics.counts.values.allSatisfy(counts.contains), "counts of metrics")
    }
}
