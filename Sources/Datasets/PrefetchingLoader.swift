import Foundation

/// Makes batches on worker threads ahead of their use and hands them out in order.
///
/// Unchecked: all mutable state is guarded by `condition`.
public final class PrefetchingLoader<Batch: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private let make: @Sendable (Int) throws -> Batch
    private let end: Int
    private let ahead: Int
    private var nextToMake: Int
    private var nextToGive: Int
    private var ready: [Int: Result<Batch, any Error>] = [:]
    private var isStopped = false

    /// Starts the workers.
    ///
    /// - Parameters:
    ///   - range: numbers of the batches
    ///   - workers: threads that make batches
    ///   - ahead: batches that may be ready or in work at a time
    ///   - make: makes the batch of a number; called from several threads
    public init(
        _ range: Range<Int>, workers: Int, ahead: Int,
        make: @escaping @Sendable (Int) throws -> Batch
    ) {
        self.make = make
        end = range.upperBound
        self.ahead = max(ahead, workers)
        nextToMake = range.lowerBound
        nextToGive = range.lowerBound
        for _ in 0..<max(1, workers) {
            // Workers hold the loader weakly between batches, so that dropping it ends them.
            let thread = Thread { [weak self] in
                while self?.makeOne() == true {}
            }
            thread.qualityOfService = .utility
            thread.start()
        }
    }

    /// Starts the workers on all of some records in order.
    ///
    /// - Parameters:
    ///   - count: number of records
    ///   - batchSize: records of a batch
    ///   - workers: threads that make batches
    ///   - make: makes the batch of a range of records; called from several threads
    public convenience init(
        records count: Int, batchSize: Int, workers: Int,
        make: @escaping @Sendable (Range<Int>) throws -> Batch
    ) {
        self.init(
            0..<(count + batchSize - 1) / batchSize, workers: workers, ahead: workers + 1
        ) { try make($0 * batchSize..<min(count, ($0 + 1) * batchSize)) }
    }

    /// Ends the workers; batches in work are thrown away.
    public func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }

    /// The next batch in order, nil after the last one.
    /// - Throws: what making this batch threw.
    public func next() throws -> Batch? {
        condition.lock()
        defer { condition.unlock() }
        guard nextToGive < end, !isStopped else { return nil }
        while ready[nextToGive] == nil { condition.wait() }
        let result = ready.removeValue(forKey: nextToGive)
        nextToGive += 1
        condition.broadcast()
        return try result?.get()
    }

    /// Makes one batch; false when there is no more work, true to be called again.
    private func makeOne() -> Bool {
        condition.lock()
        if isStopped || nextToMake >= end {
            condition.unlock()
            return false
        }
        guard nextToMake - nextToGive < ahead else {
            // A limited wait: the thread lets go of the loader in between.
            _ = condition.wait(until: Date(timeIntervalSinceNow: 0.2))
            condition.unlock()
            return true
        }
        let number = nextToMake
        nextToMake += 1
        condition.unlock()
        let result = Result { try make(number) }
        condition.withLock {
            ready[number] = result
            condition.broadcast()
        }
        return true
    }
}
