import Foundation
import ViCHA

/// The learning rate of every iteration, as the official scheduler sets it: a linear warm-up inside
/// epoch 0 and a cosine over epochs (`parity/lr_schedule`).
public struct LearningRateSchedule: Sendable, Equatable {
    /// The `schedular` section of a configuration file.
    public struct Configuration: Codable, Sendable, Equatable {
        /// Learning rate at the top, which the official scheduler does not read.
        public var learningRate = 1e-4
        /// Number of epochs, also the length of the first cosine.
        public var epochs = 30
        /// Learning rate at the end of the cosine.
        public var minLearningRate = 1e-5
        /// What both rates are multiplied by in each cosine after the first.
        public var decayRate = 1.0
        /// Learning rate at the first iteration.
        public var warmupLearningRate = 1e-5
        /// Hundreds of iterations of epoch 0 over which the rate rises; also shifts the cosine. The
        /// official name says epochs.
        public var warmupEpochs = 20
        /// Epochs behind the last cosine; the official scripts do not run them.
        public var cooldownEpochs = 0
        /// How much longer each cosine is than the one before.
        public var cycleFactor = 1.0
        /// Number of cosines, after which the rate stays at its least; 0 for no limit.
        public var cycleLimit = 1

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
        // The step after iteration 100·k sets the rate of warm-up index k, seen one iteration later.
        let index = (iteration + Self.warmupStride - 1) / Self.warmupStride - 1
        guard c.warmupEpochs > 0 else { return index < 0 ? learningRate : cosine(0) }
        guard index < c.warmupEpochs else { return cosine(0) }
        let step = (learningRate - c.warmupLearningRate) / Double(c.warmupEpochs)
        return c.warmupLearningRate + Double(max(0, index)) * step
    }

    /// The rate at a point of the cosines, of which the official training sees the first alone.
    private func cosine(_ t: Int) -> Double {
        let c = configuration
        guard let (cycle, start, length) = cycle(Double(t)),
            c.cycleLimit == 0 || cycle < Double(c.cycleLimit)
        else { return c.minLearningRate }
        let decay = pow(c.decayRate, cycle)
        let (least, most) = (c.minLearningRate * decay, learningRate * decay)
        return least + 0.5 * (most - least) * (1 + cos(Double.pi * (Double(t) - start) / length))
    }

    /// The number of the cosine that a point lies in, with its first point and its length; nil behind
    /// the end of ever shorter ones.
    private func cycle(_ t: Double) -> (number: Double, start: Double, length: Double)? {
        let (first, factor) = (Double(configuration.epochs), configuration.cycleFactor)
        guard factor != 1 else {
            let number = (t / first).rounded(.down)
            return (number, number * first, first)
        }
        let growth = 1 - t / first * (1 - factor)
        guard growth > 0 else { return nil }
        let number = (log(growth) / log(factor)).rounded(.down)
        let scale = pow(factor, number)
        return (number, (1 - scale) / (1 - factor) * first, scale * first)
    }
}

extension LearningRateSchedule.Configuration {
    /// The keys of the official files and of the official scheduler.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case kind = "sched"
        case learningRate = "lr"
        case epochs
        case minLearningRate = "min_lr"
        case decayRate = "decay_rate"
        case warmupLearningRate = "warmup_lr"
        case warmupEpochs = "warmup_epochs"
        case cooldownEpochs = "cooldown_epochs"
        case cycleFactor = "lr_cycle_mul"
        case cycleLimit = "lr_cycle_limit"
        case noise = "lr_noise"
    }

    /// The only kind of schedule that the official code has.
    private enum Kind: String, CaseIterable {
        case cosine
    }

    /// The values of the official 4M configuration, or those that a file states.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        var kind = Kind.cosine
        try keys.readChoice(.kind, &kind)
        guard try !keys.contains(.noise) || keys.decodeNil(forKey: .noise) else {
            throw DecodingError.dataCorruptedError(
                forKey: .noise, in: keys,
                debugDescription: "expected nothing: noise in the learning rate is not done here")
        }
        try keys.read(.learningRate, &learningRate)
        try keys.read(.epochs, &epochs)
        try keys.read(.minLearningRate, &minLearningRate)
        try keys.read(.decayRate, &decayRate)
        try keys.read(.warmupLearningRate, &warmupLearningRate)
        try keys.read(.warmupEpochs, &warmupEpochs)
        try keys.read(.cooldownEpochs, &cooldownEpochs)
        try keys.read(.cycleFactor, &cycleFactor)
        try keys.read(.cycleLimit, &cycleLimit)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(Kind.cosine.rawValue, forKey: .kind)
        try keys.encode(learningRate, forKey: .learningRate)
        try keys.encode(epochs, forKey: .epochs)
        try keys.encode(minLearningRate, forKey: .minLearningRate)
        try keys.encode(decayRate, forKey: .decayRate)
        try keys.encode(warmupLearningRate, forKey: .warmupLearningRate)
        try keys.encode(warmupEpochs, forKey: .warmupEpochs)
        try keys.encode(cooldownEpochs, forKey: .cooldownEpochs)
        try keys.encode(cycleFactor, forKey: .cycleFactor)
        try keys.encode(cycleLimit, forKey: .cycleLimit)
    }

    /// - Throws: ``ModelConfigurationError`` naming the first value that makes no schedule.
    func validate() throws {
        for (key, value) in [
            (CodingKeys.learningRate, learningRate), (.minLearningRate, minLearningRate),
            (.warmupLearningRate, warmupLearningRate), (.decayRate, decayRate),
        ] {
            try require(
                (0...1e6).contains(value), key, "between 0 and 1000000", found: value)
        }
        for (key, value, least) in [
            (CodingKeys.epochs, epochs, 1), (.warmupEpochs, warmupEpochs, 0),
            (.cooldownEpochs, cooldownEpochs, 0), (.cycleLimit, cycleLimit, 0),
        ] {
            try require(
                (least...1_000_000).contains(value), key, "between \(least) and 1000000",
                found: value)
        }
        try require(
            cycleFactor > 0 && cycleFactor <= 1000, .cycleFactor,
            "greater than 0 and at most 1000", found: cycleFactor)
    }

    private func require(
        _ condition: Bool, _ key: CodingKeys, _ expected: String, found: any Sendable
    ) throws {
        guard condition else {
            throw ModelConfigurationError(
                key: "schedular." + key.rawValue, expected: expected, found: found)
        }
    }
}
