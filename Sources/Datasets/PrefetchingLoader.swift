import Foundation

/// Makes batches on worker threads ahead of their use and hands them out in order. Dropping it ends
/// the workers.
public final class PrefetchingLoader<Batch: Sendable>: Sendable {
    private let work: Work

    /// What the loader shares with its workers, who do not hold the loader itself.
    ///
    /// Unchecked: all mutable state is guarded by `condition`.
    private final class Work: @unchecked Sendable {
        private let condition = NSCondition()
        private let make: @Sendable (Int) throws -> Batch
        private let end: Int
        private let ahead: Int
        private var nextToMake: Int
        private var nextToGive: Int
        private var ready: [Int: Result<Batch, any Error>] = [:]
        private var isStopped = false

        init(_ range: Range<Int>, ahead: Int, make: @escaping @Sendable (Int) throws -> Batch) {
            self.make = make
            self.ahead = ahead
            end = range.upperBound
            nextToMake = range.lowerBound
            nextToGive = range.lowerBound
        }

        func stop() {
            condition.withLock {
                isStopped = true
                condition.broadcast()
            }
        }

        func next() throws -> Batch? {
            condition.lock()
            defer { condition.unlock() }
            guard nextToGive < end else { return nil }
            while ready[nextToGive] == nil {
                if isStopped { return nil }
                condition.wait()
            }
            let result = ready.removeValue(forKey: nextToGive)
            nextToGive += 1
            condition.broadcast()
            return try result?.get()
        }

        /// Makes batches until there is no more work.
        func run() {
            while let number = nextNumber() {
                let result = Result { try make(number) }
                condition.withLock {
                    ready[number] = result
                    condition.broadcast()
                }
            }
        }

        private func nextNumber() -> Int? {
            condition.lock()
            defer { condition.unlock() }
            while !isStopped, nextToMake < end, nextToMake - nextToGive >= ahead {
                condition.wait()
            }
            guard !isStopped, nextToMake < end else { return nil }
            nextToMake += 1
            return nextToMake - 1
        }
    }

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
        let work = Work(range, ahead: max(ahead, workers), make: make)
        self.work = work
        for _ in 0..<max(1, workers) {
            let thread = Thread { work.run() }
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

    deinit { work.stop() }

    /// Ends the workers; batches in work are thrown away, and who waits for one gets none.
    public func stop() { work.stop() }

    /// The next batch in order, nil after the last one.
    /// - Throws: what making this batch threw.
    public func next() throws -> Batch? { try work.next() }
}
