import Foundation
import Torch

/// Why a checkpoint cannot be continued from.
public enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    case noTrainingState(path: String)
    case otherRun(path: String, what: String, saved: String, now: String)

    /// What happened, where, and what to do about it.
    public var description: String {
        switch self {
        case .noTrainingState(let path):
            "'\(path)' holds weights but no training state; start from it without --resume"
        case .otherRun(let path, let what, let saved, let now):
            "'\(path)' was saved with \(what) \(saved), not \(now); resume with the same, or start "
                + "from its weights without --resume"
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

    static let stateKey = "vicha.training_state"
    static let optimizerPrefix = "optimizer."
    static let randomPrefix = "random."
    /// Beginnings of keys that are no weights.
    public static let statePrefixes = [optimizerPrefix, randomPrefix]

    /// Saves a run.
    /// - Throws: ``SafetensorsError``, ``TorchError``
    public static func save(
        to path: String, weights: ParameterStore, optimizer: AdamW, random: [String: Generator],
        state: State
    ) throws {
        var tensors = weights.state
        // A tied tensor is written once; its second key is an alias on loading.
        for entry in weights.entries {
            if case .alias = entry.role { tensors[entry.key] = nil }
        }
        for (key, tensor) in optimizer.state { tensors[optimizerPrefix + key] = tensor }
        for (key, generator) in random { tensors[randomPrefix + key] = generator.state }
        let encoded = try JSONEncoder().encode(state)
        try writeSafetensors(
            tensors,
            metadata: [stateKey: String(decoding: encoded, as: UTF8.self), "format": "pt"],
            to: path)
    }

    /// Continues a run.
    /// - Throws: ``SafetensorsError``, ``StateDictionaryError``, ``CheckpointError``
    public static func resume(
        from path: String, weights: ParameterStore, optimizer: AdamW, random: [String: Generator]
    ) throws -> State {
        let file = try SafetensorsFile(path: path)
        guard let text = file.metadata[stateKey],
            let state = try? JSONDecoder().decode(State.self, from: Data(text.utf8))
        else { throw CheckpointError.noTrainingState(path: path) }
        try StateDictionaryError.naming(path) {
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
        return state
    }
}
