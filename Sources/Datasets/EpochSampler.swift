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

    /// The records of an epoch in the order in which it visits them; behind those of the last batch stand
    /// those that it leaves out.
    public func order(epoch: Int) -> [Int32] {
        var random = SeededGenerator(seed, UInt64(epoch))
        var order = Array(0..<Int32(count))
        order.shuffle(using: &random)
        return order
    }

    /// The records of a batch of an order.
    public func batch(_ number: Int, of order: [Int32]) -> [Int] {
        order[number * batchSize..<(number + 1) * batchSize].map(Int.init)
    }
}
