import Images

/// The order in which an epoch visits records: a seeded shuffle, cut into whole batches.
public struct EpochSampler: Sendable, Equatable {
    /// Number of records.
    public let count: Int
    /// Records of a batch.
    public let batchSize: Int
    /// What the orders are made from.
    public let seed: UInt64
    /// Batches of an epoch at most; nil for all. Each epoch has others.
    public let maxBatches: Int?

    /// Describes the orders of a data set of `count` records.
    public init(count: Int, batchSize: Int, seed: UInt64, maxBatches: Int? = nil) {
        self.count = count
        self.batchSize = batchSize
        self.seed = seed
        self.maxBatches = maxBatches
    }

    /// Batches of an epoch; a last incomplete one is left out, as in the official code.
    public var batchCount: Int { min(count / batchSize, maxBatches ?? .max) }

    /// The records of each batch of an epoch.
    public func batches(epoch: Int) -> [[Int]] {
        var random = SeededGenerator(seed, UInt64(epoch))
        var order = Array(0..<count)
        order.shuffle(using: &random)
        return (0..<batchCount).map { Array(order[$0 * batchSize..<($0 + 1) * batchSize]) }
    }
}
