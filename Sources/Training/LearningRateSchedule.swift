import Foundation

/// The learning rate of every iteration, as the official scheduler sets it: a linear warm-up inside
/// epoch 0 and a cosine over epochs (`parity/lr_schedule`).
public struct LearningRateSchedule: Sendable, Equatable {
    /// The `schedular` section of a configuration file.
    public struct Configuration: Codable, Sendable, Equatable {
        /// Learning rate at the top.
        public var learningRate = 1e-4
        /// Number of epochs, also the length of the cosine.
        public var epochs = 30
        /// Learning rate at the end of the cosine.
        public var minLearningRate = 1e-5
        /// Learning rate at the first iteration.
        public var warmupLearningRate = 1e-5
        /// Hundreds of iterations of epoch 0 over which the rate rises; also shifts the cosine. The
        /// official name says epochs.
        public var warmupEpochs = 20

        /// The values of the official 4M configuration, or those that a file states.
        public init() {}
    }

    /// Iterations between two changes of the rate in the warm-up.
    public static let warmupStride = 100

    /// The `schedular` section.
    public let configuration: Configuration
    /// Learning rate at the top of the warm-up.
    public let learningRate: Double

    /// A schedule whose top is the optimizer's learning rate; the official scheduler reads it there
    /// and not from its own `lr`.
    public init(_ configuration: Configuration, learningRate: Double) {
        self.configuration = configuration
        self.learningRate = learningRate
    }

    /// The rate that the optimizer uses at an iteration of an epoch, both counted from 0.
    ///
    /// The official scripts step the scheduler either before each epoch or after it, with indices
    /// that come to the same: epoch e > 0 runs at the e-th point of the cosine.
    public func rate(epoch: Int, iteration: Int) -> Double {
        let c = configuration
        guard epoch == 0 else { return cosine(epoch) }
        guard c.warmupEpochs > 0 else { return learningRate }
        // The step after iteration 100·k sets the rate of warm-up index k, seen one iteration later.
        let index = (iteration + Self.warmupStride - 1) / Self.warmupStride - 1
        guard index < c.warmupEpochs else { return learningRate }
        let step = (learningRate - c.warmupLearningRate) / Double(c.warmupEpochs)
        return c.warmupLearningRate + Double(max(0, index)) * step
    }

    private func cosine(_ t: Int) -> Double {
        let c = configuration
        guard t < c.epochs else { return c.minLearningRate }
        let phase = Double.pi * Double(t) / Double(c.epochs)
        return c.minLearningRate + 0.5 * (learningRate - c.minLearningRate) * (1 + cos(phase))
    }
}

extension LearningRateSchedule.Configuration {
    /// The keys of the official files; `sched`, `decay_rate` and `cooldown_epochs` have one value
    /// in all of them.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case kind = "sched"
        case learningRate = "lr"
        case epochs
        case minLearningRate = "min_lr"
        case decayRate = "decay_rate"
        case warmupLearningRate = "warmup_lr"
        case warmupEpochs = "warmup_epochs"
        case cooldownEpochs = "cooldown_epochs"
    }

    /// The values of the official 4M configuration, or those that a file states.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        func expect<Value: Decodable & Equatable>(_ key: CodingKeys, _ expected: Value) throws {
            let found = try keys.decodeIfPresent(Value.self, forKey: key) ?? expected
            guard found == expected else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: keys,
                    debugDescription: "only \(expected) is supported, found \(found)")
            }
        }
        try expect(.kind, "cosine")
        try expect(.decayRate, 1.0)
        try expect(.cooldownEpochs, 0)
        try keys.read(.learningRate, &learningRate)
        try keys.read(.epochs, &epochs)
        try keys.read(.minLearningRate, &minLearningRate)
        try keys.read(.warmupLearningRate, &warmupLearningRate)
        try keys.read(.warmupEpochs, &warmupEpochs)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode("cosine", forKey: .kind)
        try keys.encode(learningRate, forKey: .learningRate)
        try keys.encode(epochs, forKey: .epochs)
        try keys.encode(minLearningRate, forKey: .minLearningRate)
        try keys.encode(warmupLearningRate, forKey: .warmupLearningRate)
        try keys.encode(warmupEpochs, forKey: .warmupEpochs)
    }
}
