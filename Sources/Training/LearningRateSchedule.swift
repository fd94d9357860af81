// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Foundation

/// The learning rate of every iteration, as the official scheduler sets it: a linear warm-up inside
/// epoch 0 and a cosine over epochs (case `lr_schedule`).
public struct LearningRateSchedule: Sendable, Equatable {
    /// The `schedular` section of a configuration file.
    public struct Configuration: KeyedConfiguration {
        /// Kinds of schedules.
        public enum Kind: String, KeyValue, CaseIterable {
            /// The only one that the official code has.
            case cosine
        }

        @Key("sched", "kind of the schedule") public var kind = Kind.cosine
        @Key(
            "lr", 0...1e6, "without effect, as in the official code: the top is lr of the optimizer"
        )
        public var learningRate = 1e-4
        @Key("epochs", 1...1_000_000, "epochs, also the length of the first cosine")
        public var epochs = 30
        @Key("min_lr", 0...1e6, "learning rate at the end of the cosine")
        public var minLearningRate = 1e-5
        @Key(
            "decay_rate", 0...1e6,
            "what both rates are multiplied by in each cosine after the first")
        public var decayRate = 1.0
        @Key("warmup_lr", 0...1e6, "learning rate at the first iteration")
        public var warmupLearningRate = 1e-5
        @Key(
            "warmup_epochs", 0...1_000_000,
            "hundreds of iterations of epoch 0 over which the rate rises; also shifts the cosine")
        public var warmupEpochs = 20
        @Key(
            "cooldown_epochs", 0...1_000_000,
            "epochs behind the last cosine, which the official scripts do not run")
        public var cooldownEpochs = 0
        @Key(
            "lr_cycle_mul", .positive(upTo: 1000),
            "how much longer each cosine is than the one before")
        public var cycleFactor = 1.0
        @Key(
            "lr_cycle_limit", 0...1_000_000,
            "cosines, after which the rate stays at its least; 0 for no limit")
        public var cycleLimit = 1

        /// The values of the official 4M configuration.
        public init() {}

        public static let fixedKeys = [
            FixedKey("lr_noise", .nothing, because: "noise in the learning rate is not done here")
        ]
        public static let keysWithoutEffect = ["lr_noise_pct", "lr_noise_std", "seed"]
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
