import Configuration
import Datasets
import Files
import Foundation
import Torch
import ViCHA

/// Runs a task step by step, resumably.
public final class Trainer<Task: TrainingTask> {
    /// What is trained.
    public let task: Task
    private let options: TrainingOptions
    private let stop: StopSignal
    private let optimizer: AdamW
    private let schedule: LearningRateSchedule
    private let sampler: EpochSampler
    private var origin: TrainingCheckpoint.Origin
    private let draws: Generator
    private let dropout: Generator
    private var state: TrainingCheckpoint.State
    private var unreadable: UnreadableImages
    private var lastSave = ContinuousClock.now
    /// Whether the last checkpoint is one that is worth keeping when it is saved again.
    private var isLastSound = true
    /// 1 from the first step on whose loss or gradients are not finite, on the device.
    private var divergence: Tensor

    /// Least time between two saves at ends of epochs that are not evaluated.
    private static var leastSaveInterval: Double { 60 }

    /// Prepares a run from epoch 0 with the weights that the task has.
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public init(_ task: Task, options: TrainingOptions, stop: StopSignal = StopSignal()) throws {
        let plan = task.plan
        sampler = EpochSampler(
            count: plan.recordCount, batchSize: plan.batchSize, seed: options.seed,
            maxBatches: options.stepsPerEpoch)
        guard sampler.batchCount > 0 else {
            throw ConfigurationKeyError(
                key: "batch_size",
                expected: "at most the number of records (\(plan.recordCount))",
                found: plan.batchSize)
        }
        self.task = task
        self.options = options
        self.stop = stop
        optimizer = AdamW(groups: task.parameterGroups, plan.optimizer)
        schedule = LearningRateSchedule(
            plan.schedule, learningRate: plan.optimizer.learningRate)
        origin = .init(
            configuration: try task.configurationText(), dataChecksum: try task.dataChecksum(),
            vocabulary: task.vocabulary,
            precision: "\(options.autocast ?? .float32)")
        draws = try Generator(seed: options.seed)
        dropout = try Generator(seed: options.seed &+ 1, device: options.device)
        state = TrainingCheckpoint.State(
            epoch: 0, iteration: 0, step: 0, seed: options.seed, recordCount: sampler.count,
            batchSize: sampler.batchSize, stepsPerEpoch: options.stepsPerEpoch,
            metrics: MetricAverages(), skippedImages: 0, best: nil)
        unreadable = UnreadableImages(
            total: plan.recordCount, limit: options.mostUnreadable,
            path: options.directory.file(RunDirectory.unreadableFile))
        divergence = .zeros([], device: options.device)
    }

    /// Trains until the last epoch, the step limit or a request to stop.
    /// - Throws: ``DivergenceError``, ``UnreadableImagesError``, and errors of data, files and libtorch
    public func run() throws -> TrainingOutcome {
        // They would look like a divergence, of which they are no sign.
        try task.store.state.checkFinite()
        try options.directory.prepare()
        try writeAtomically(
            Data(origin.configuration.utf8),
            to: options.directory.file(RunDirectory.configurationFile))
        for (name, contents) in try task.companions().sorted(by: { $0.key < $1.key }) {
            try writeAtomically(contents, to: options.directory.file(name))
        }
        let log = try TrainingLog(
            directory: options.directory.path, step: state.step, epoch: state.epoch)
        if isEpochAtEnd {
            // The run ended between the last step of an epoch and its evaluation.
            try finishEpoch(log)
            try save()
        }
        let first = state.epoch * sampler.batchCount + state.iteration
        let total = max(first, schedule.configuration.epochs * sampler.batchCount)
        let end = options.maxSteps.map { min(total, first + max(0, $0 - state.step)) } ?? total
        guard first < end else {
            StandardError.note("nothing is left to do: \(state.epoch) epochs are done")
            return .finished
        }
        let (makeBatch, order) = (task.makeBatch, EpochOrder(sampler))
        let (seed, device) = (options.seed, options.device)
        let loader = PrefetchingLoader(
            first..<end, workers: options.workers, ahead: 2 * options.workers
        ) { number in
            let (epoch, indices) = order.batch(number)
            let (batch, skipped) = try makeBatch(indices, (seed, UInt64(epoch)))
            return (batch.pinned(for: device), skipped)
        }
        defer { loader.stop() }
        let progress = ProgressDisplay(total: end, first: first, unit: "images")
        lastSave = .now
        var done = first
        var pending = PendingSteps()
        while let (batch, skipped) = try next(loader) {
            try unreadable.add(skipped)
            state.skippedImages += skipped.count
            let rate = schedule.rate(epoch: state.epoch, iteration: state.iteration)
            pending.append(try step(batch, rate: rate))
            state.iteration += 1
            state.step += 1
            done += 1
            let stops = stop.isRequested
            var isDue = hasPassed(options.saveInterval)
            if pending.count >= options.logInterval || isEpochAtEnd || stops || isDue || done == end
            {
                let shown = try flush(&pending, log)
                progress.update(
                    done, items: (done - first) * sampler.batchSize, title: "epoch \(state.epoch)",
                    values: shown.map {
                        (TrainingLosses.shortName($0.name), String(format: "%.3f", $0.value))
                    })
            }
            // Who wants to stop does not want to wait for an evaluation; it comes first on resuming.
            if isEpochAtEnd, !(stops && task.isEvaluated) {
                // Whatever goes wrong in the evaluation, the epoch is not lost.
                if task.isEvaluated { try save() }
                try finishEpoch(log)
                isDue = hasPassed(min(Self.leastSaveInterval, options.saveInterval))
            }
            if stops || isDue || done == end { try save() }
            if stops, done < end || isEpochAtEnd {
                progress.interrupt()
                return .interrupted
            }
        }
        return .finished
    }

    /// The next batch; records that were tried in vain are taken note of.
    private func next<Batch: Sendable>(_ loader: PrefetchingLoader<Batch>) throws -> Batch? {
        do {
            return try loader.next()
        } catch let error as ReplacementError {
            try unreadable.add(error.records)
            try unreadable.write()
            throw error
        }
    }

    /// Whether all steps of the epoch are done, but not what follows them.
    private var isEpochAtEnd: Bool { state.iteration == sampler.batchCount }

    private func hasPassed(_ seconds: Double) -> Bool {
        ContinuousClock.now - lastSave >= .seconds(seconds)
    }

    /// Path of the checkpoint that a run can be continued from.
    public var lastCheckpoint: String { options.directory.lastCheckpoint }

    /// Path of the checkpoint of the best evaluation.
    public var bestCheckpoint: String { options.directory.bestCheckpoint }

    /// Score and epoch of the best evaluation so far.
    public var best: TrainingCheckpoint.State.Best? { state.best }

    private func finishEpoch(_ log: TrainingLog) throws {
        let finished = state.epoch
        let evaluation = try task.evaluate(
            ComputeOptions(
                device: options.device, autocast: options.autocast, workers: options.workers))
        try log.add(
            epoch: finished, means: state.metrics.means, results: evaluation?.results ?? [],
            skippedImages: state.skippedImages, step: state.step)
        state.skippedImages = 0
        state.epoch += 1
        state.iteration = 0
        state.metrics = MetricAverages()
        if let evaluation, evaluation.score > state.best?.score ?? -.infinity {
            state.best = .init(score: evaluation.score, epoch: finished)
            try save(to: bestCheckpoint)
        }
        if let every = task.plan.saveStep, (finished + 1) % every == 0 {
            try save(to: options.directory.checkpoint(ofEpoch: finished))
        }
    }

    /// One step; what it comes to stays on the device, so that nothing waits for it.
    private func step(_ batch: Task.Batch, rate: Double) throws -> PendingSteps.Step {
        optimizer.learningRate = rate
        try optimizer.clearGradients()
        let step = TrainingStep(
            epoch: state.epoch, iteration: state.iteration,
            iterationsPerEpoch: sampler.batchCount, device: options.device, draws: draws,
            dropout: dropout)
        // In the official order, in which the teacher that a step has seen is already moved.
        try task.limitParameters()
        try task.teacher?.update()
        let losses = try withAutocast(options.autocast, on: options.device) {
            try task.losses(batch, step)
        }
        if let features = losses.features { try task.queue?.enqueue(features) }
        let total = losses.total
        try total.backward()
        let norm = optimizer.gradientNorm()
        let isSound = total.detached().isFinite().and(norm.isFinite()).to(dtype: .float32)
        // Also later steps are left out, until the losses are read: the weights that are saved then
        // are those before the first such step.
        divergence = 1 - (1 - divergence) * isSound
        try optimizer.step(unless: divergence)
        return .init(
            losses: losses.parts.map { ($0.name, $0.value.detached()) }, gradientNorm: norm,
            rate: rate)
    }

    /// Reads the losses of the steps since the last reading.
    private func flush(_ pending: inout PendingSteps, _ log: TrainingLog) throws -> [(
        name: String, value: Double
    )] {
        let firstStep = state.step - pending.count
        let rows = try pending.values()
        var last: [(name: String, value: Double)] = []
        for (index, row) in rows.enumerated() {
            guard row.isFinite else { throw try diverged(at: index, of: rows) }
            for (name, value) in row.losses { state.metrics.add(name, value) }
            state.metrics.add("lr", row.rate)
            try log.add(
                step: firstStep + index, epoch: state.epoch, learningRate: row.rate,
                gradientNorm: row.gradientNorm, losses: row.losses)
            last = row.losses
        }
        pending = PendingSteps()
        return last
    }

    /// Saves the run as it was before the first step that was not finite.
    private func diverged(at index: Int, of rows: [PendingSteps.Values]) throws -> DivergenceError {
        let void = rows.count - index
        state.iteration -= void
        state.step -= void
        try task.teacher?.takeBack(updates: void)
        let checkpoint = options.directory.divergedCheckpoint
        try save(to: checkpoint)
        let values = rows[index].losses + [("grad_norm", rows[index].gradientNorm)]
        return DivergenceError(
            epoch: state.epoch, iteration: state.iteration,
            values: values.map { "\($0.name) \($0.value.isNaN ? "nan" : "\($0.value)")" }
                .joined(separator: ", "),
            checkpoint: checkpoint)
    }

    private var random: [String: Generator] { ["draws": draws, "dropout": dropout] }

    /// Saves what a run can be continued from; the checkpoint before it is kept.
    private func save() throws {
        try unreadable.write()
        let previous = options.directory.previousCheckpoint
        try save(to: lastCheckpoint, keepingPreviousAs: isLastSound ? previous : nil)
        isLastSound = true
        lastSave = .now
    }

    private func save(to path: String, keepingPreviousAs previous: String? = nil) throws {
        try TrainingCheckpoint.save(
            to: path, keepingPreviousAs: previous, weights: task.store, optimizer: optimizer,
            random: random, state: state, origin: origin)
    }
}

extension Trainer {
    /// Continues from a checkpoint of the same run: the last one of the output directory, or the one
    /// before it where the last one is damaged. What differs from the run that was saved is said.
    ///
    /// - Parameter path: another checkpoint to go on from
    /// - Throws: ``CheckpointError``, ``RunDirectoryError/nothingSaved(directory:)``, `SafetensorsError`,
    ///   `StateDictionaryError`
    public func resume(from path: String? = nil) throws {
        if let path { return try restore(Self.opened(path)) }
        let (last, previous) = (lastCheckpoint, options.directory.previousCheckpoint)
        let found = [last, previous].filter(FileManager.default.fileExists)
        guard let first = found.first else {
            throw RunDirectoryError.nothingSaved(directory: options.directory.path)
        }
        if first == previous {
            StandardError.note("'\(last)' is not there; going on from '\(previous)'")
        }
        let file: SafetensorsFile
        do {
            file = try Self.opened(first)
        } catch let error as SafetensorsError where found.count > 1 {
            do {
                file = try Self.opened(previous)
            } catch let other as SafetensorsError {
                throw RunDirectoryError.nothingSound(last: "\(error)", previous: "\(other)")
            }
            isLastSound = false
            StandardError.note("warning: \(error)\ngoing on from '\(previous)'")
        }
        try restore(file)
    }

    private static func opened(_ path: String) throws -> SafetensorsFile {
        let file = try SafetensorsFile(path: path)
        try file.verifyChecksum()
        return file
    }

    private func restore(_ file: SafetensorsFile) throws {
        let saved = try TrainingCheckpoint.state(of: file)
        for (what, then, now) in [
            ("the seed", String(saved.seed), String(state.seed)),
            ("a number of records of", String(saved.recordCount), String(state.recordCount)),
            ("a batch size of", String(saved.batchSize), String(state.batchSize)),
            (
                "steps of an epoch limited to", Self.limit(saved.stepsPerEpoch),
                Self.limit(state.stepsPerEpoch)
            ),
        ] where then != now {
            throw CheckpointError.otherRun(path: file.path, what: what, saved: then, now: now)
        }
        try saved.validate(batchCount: sampler.batchCount, path: file.path)
        try TrainingCheckpoint.check(origin.vocabulary, of: file)
        if let before = try TrainingCheckpoint.origin(of: file) {
            for line in origin.differences(from: before) { StandardError.note("warning: \(line)") }
            // The same tokens, which may have been read from the run's own copy now.
            origin.vocabulary = before.vocabulary
        }
        try TrainingCheckpoint.restore(
            file, weights: task.store, optimizer: optimizer, random: random)
        state = saved
    }

    private static func limit(_ steps: Int?) -> String { steps.map(String.init) ?? "all" }
}

/// The records of every batch of a run, numbered through all epochs.
///
/// Unchecked: `orders` is guarded by `lock`.
private final class EpochOrder: @unchecked Sendable {
    private let sampler: EpochSampler
    private let lock = NSLock()
    private var orders: [Int: [Int32]] = [:]

    init(_ sampler: EpochSampler) { self.sampler = sampler }

    func batch(_ number: Int) -> (epoch: Int, indices: [Int]) {
        let (epoch, iteration) = number.quotientAndRemainder(dividingBy: sampler.batchCount)
        return lock.withLock {
            if orders[epoch] == nil {
                // Workers run ahead by a few batches: the epoch before this one may be in use.
                orders = orders.filter { $0.key == epoch - 1 }
                orders[epoch] = sampler.order(epoch: epoch)
            }
            return (epoch, sampler.batch(iteration, of: orders[epoch] ?? []))
        }
    }
}

/// Steps whose losses have been computed but not read.
private struct PendingSteps {
    /// What a step came to, on the device.
    struct Step {
        let losses: [(name: String, value: Tensor)]
        let gradientNorm: Tensor
        let rate: Double
    }

    /// The same as numbers.
    struct Values {
        let losses: [(name: String, value: Double)]
        let gradientNorm: Double
        let rate: Double

        var isFinite: Bool {
            gradientNorm.isFinite && losses.allSatisfy { $0.value.isFinite }
        }
    }

    private var steps: [Step] = []

    var count: Int { steps.count }

    mutating func append(_ step: Step) { steps.append(step) }

    func values() throws -> [Values] {
        guard !steps.isEmpty else { return [] }
        let all = steps.flatMap { $0.losses.map(\.value) + [$0.gradientNorm] }
        var numbers = try Tensor.stacked(all.map { $0.to(dtype: .float32) })
            .array(of: Double.self)[...]
        return steps.map { step in
            let losses = zip(step.losses, numbers).map { (name: $0.0.name, value: $0.1) }
            numbers = numbers.dropFirst(losses.count)
            let norm = numbers.removeFirst()
            return Values(losses: losses, gradientNorm: norm, rate: step.rate)
        }
    }
}
