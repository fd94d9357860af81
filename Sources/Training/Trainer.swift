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
    private let draws: Generator
    private let dropout: Generator
    private var state: TrainingCheckpoint.State

    /// Prepares a run from epoch 0 with the weights that the task has.
    /// - Throws: ``ModelConfigurationError``, ``TorchError``
    public init(_ task: Task, options: TrainingOptions, stop: StopSignal = StopSignal()) throws {
        let plan = task.plan
        sampler = EpochSampler(
            count: plan.recordCount, batchSize: plan.batchSize, seed: options.seed,
            maxBatches: options.stepsPerEpoch)
        guard sampler.batchCount > 0 else {
            throw ModelConfigurationError(
                key: "batch_size",
                expected: "at most the number of records (\(plan.recordCount))")
        }
        self.task = task
        self.options = options
        self.stop = stop
        optimizer = AdamW(groups: task.parameterGroups, plan.optimizer)
        schedule = LearningRateSchedule(
            plan.schedule, learningRate: plan.optimizer.learningRate)
        draws = try Generator(seed: options.seed)
        dropout = try Generator(seed: options.seed &+ 1, device: options.device)
        state = TrainingCheckpoint.State(
            epoch: 0, iteration: 0, step: 0, seed: options.seed, recordCount: sampler.count,
            batchSize: sampler.batchSize, stepsPerEpoch: options.stepsPerEpoch,
            metrics: MetricAverages(), skippedImages: 0, best: nil)
    }

    /// Continues from a checkpoint of the same run.
    /// - Throws: ``CheckpointError``, ``SafetensorsError``, ``StateDictionaryError``
    public func resume(from path: String) throws {
        let saved = try TrainingCheckpoint.resume(
            from: path, weights: task.store, optimizer: optimizer, random: random)
        for (what, then, now) in [
            ("the seed", String(saved.seed), String(state.seed)),
            ("a number of records of", String(saved.recordCount), String(state.recordCount)),
            ("a batch size of", String(saved.batchSize), String(state.batchSize)),
            (
                "steps of an epoch limited to", Self.limit(saved.stepsPerEpoch),
                Self.limit(state.stepsPerEpoch)
            ),
        ] where then != now {
            throw CheckpointError.otherRun(path: path, what: what, saved: then, now: now)
        }
        state = saved
    }

    private static func limit(_ steps: Int?) -> String { steps.map(String.init) ?? "all" }

    /// Path of the checkpoint that a run can be continued from.
    public var lastCheckpoint: String { path("checkpoint_last.safetensors") }

    /// Trains until the last epoch, the step limit or a request to stop.
    /// - Throws: ``DivergenceError``, and errors of data, files and libtorch
    public func run() throws -> TrainingOutcome {
        try makeDirectory(options.outputDirectory)
        try task.writeConfiguration(to: path("config.yaml"))
        let log = try TrainingLog(
            directory: options.outputDirectory, step: state.step, epoch: state.epoch)
        let first = state.epoch * sampler.batchCount + state.iteration
        let total = schedule.configuration.epochs * sampler.batchCount
        let end = options.maxSteps.map { min(total, first + max(0, $0 - state.step)) } ?? total
        let (makeBatch, seed, order) = (task.makeBatch, options.seed, EpochOrder(sampler))
        let loader = PrefetchingLoader(
            first..<end, workers: options.workers, ahead: 2 * options.workers
        ) { number in
            let (epoch, indices) = order.batch(number)
            return try makeBatch(indices, (seed, UInt64(epoch)))
        }
        defer { loader.stop() }
        let progress = ProgressDisplay(total: end, first: first, unit: "images")
        var lastSave = Date()
        var done = first
        var pending = PendingLosses()
        while let (batch, skipped) = try loader.next() {
            for reason in skipped { report("skipped: \(reason)") }
            state.skippedImages += skipped.count
            let rate = schedule.rate(epoch: state.epoch, iteration: state.iteration)
            pending.append(try step(batch, rate: rate), rate: rate)
            state.iteration += 1
            state.step += 1
            done += 1
            let endsEpoch = state.iteration == sampler.batchCount
            let stops = stop.isRequested || done == end
            if pending.count >= options.logInterval || endsEpoch || stops {
                let shown = try flush(&pending, log)
                progress.update(
                    done, items: (done - first) * sampler.batchSize, title: "epoch \(state.epoch)",
                    values: shown.map {
                        (TrainingLosses.shortName($0.name), String(format: "%.3f", $0.value))
                    })
            }
            if endsEpoch { try finishEpoch(log) }
            let isDue = endsEpoch && Date().timeIntervalSince(lastSave) >= options.saveInterval
            if stops || isDue {
                try save(lastCheckpoint)
                lastSave = Date()
            }
            if stop.isRequested, done < end {
                progress.interrupt()
                return .interrupted
            }
        }
        return .finished
    }

    /// Path of the checkpoint of the best evaluation.
    public var bestCheckpoint: String { path("checkpoint_best.safetensors") }

    /// Score and epoch of the best evaluation so far.
    public var best: TrainingCheckpoint.State.Best? { state.best }

    private func finishEpoch(_ log: TrainingLog) throws {
        let finished = state.epoch
        let evaluation = try withAutocast(options.autocast, on: options.device) {
            try task.evaluate(on: options.device)
        }
        try log.add(
            epoch: finished, means: state.metrics.means, results: evaluation?.results ?? [],
            skippedImages: state.skippedImages, step: state.step)
        state.skippedImages = 0
        state.epoch += 1
        state.iteration = 0
        state.metrics = MetricAverages()
        if let evaluation, evaluation.score > state.best?.score ?? -.infinity {
            state.best = .init(score: evaluation.score, epoch: finished)
            try save(bestCheckpoint)
        }
        if let every = task.plan.saveStep, (finished + 1) % every == 0 {
            try save(path(String(format: "checkpoint_%02d.safetensors", finished)))
        }
    }

    /// One step; returns its losses as tensors, so that nothing waits for the device.
    private func step(_ batch: Task.Batch, rate: Double) throws -> TrainingLosses {
        optimizer.learningRate = rate
        try optimizer.clearGradients()
        let step = TrainingStep(
            epoch: state.epoch, iteration: state.iteration,
            iterationsPerEpoch: sampler.batchCount, device: options.device, draws: draws,
            dropout: dropout)
        let losses = try withAutocast(options.autocast, on: options.device) {
            try task.losses(batch, step)
        }
        let total = losses.total
        try total.backward()
        try optimizer.step(unless: total.detached().isFinite().not().to(dtype: .float32))
        return losses
    }

    /// Reads the losses of the steps since the last reading.
    private func flush(_ pending: inout PendingLosses, _ log: TrainingLog) throws -> [(
        name: String, value: Double
    )] {
        let firstStep = state.step - pending.count
        let rows = try pending.values()
        var last: [(name: String, value: Double)] = []
        for (index, row) in rows.enumerated() {
            guard row.losses.allSatisfy({ $0.value.isFinite }) else {
                // The optimizer has left this step out by itself; later ones in the same reading as
                // well, unless their losses were finite again.
                let checkpoint = path("checkpoint_diverged.safetensors")
                try save(checkpoint)
                throw DivergenceError(
                    epoch: state.epoch, iteration: state.iteration - pending.count + index,
                    losses: row.losses.map { "\($0.name) \($0.value)" }.joined(separator: ", "),
                    checkpoint: checkpoint)
            }
            for (name, value) in row.losses { state.metrics.add(name, value) }
            state.metrics.add("lr", row.rate)
            try log.add(
                step: firstStep + index, epoch: state.epoch, learningRate: row.rate,
                losses: row.losses)
            last = row.losses
        }
        pending = PendingLosses()
        return last
    }

    private var random: [String: Generator] { ["draws": draws, "dropout": dropout] }

    private func save(_ path: String) throws {
        try TrainingCheckpoint.save(
            to: path, weights: task.store, optimizer: optimizer, random: random, state: state)
    }

    private func path(_ name: String) -> String {
        (options.outputDirectory as NSString).appendingPathComponent(name)
    }

    private func report(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}

/// The records of every batch of a run, numbered through all epochs.
///
/// Unchecked: `orders` is guarded by `lock`.
private final class EpochOrder: @unchecked Sendable {
    private let sampler: EpochSampler
    private let lock = NSLock()
    private var orders: [Int: [[Int]]] = [:]

    init(_ sampler: EpochSampler) { self.sampler = sampler }

    func batch(_ number: Int) -> (epoch: Int, indices: [Int]) {
        let (epoch, iteration) = number.quotientAndRemainder(dividingBy: sampler.batchCount)
        return lock.withLock {
            if orders[epoch] == nil {
                // Workers run ahead by a few batches: the epoch before this one may be in use.
                orders = orders.filter { $0.key == epoch - 1 }
                orders[epoch] = sampler.batches(epoch: epoch)
            }
            return (epoch, orders[epoch]?[iteration] ?? [])
        }
    }
}

/// Losses that have been computed but not read.
private struct PendingLosses {
    private var steps: [(losses: [(name: String, tensor: Tensor)], rate: Double)] = []

    var count: Int { steps.count }

    mutating func append(_ losses: TrainingLosses, rate: Double) {
        steps.append((losses.parts.map { ($0.name, $0.value.detached()) }, rate))
    }

    func values() throws -> [(losses: [(name: String, value: Double)], rate: Double)] {
        let all = Tensor.stacked(steps.flatMap { $0.losses.map { $0.tensor.to(dtype: .float32) } })
        var numbers = try steps.isEmpty ? [] : all.array(of: Double.self)
        return steps.map { step in
            let row = zip(step.losses, numbers).map { (name: $0.0.name, value: $0.1) }
            numbers.removeFirst(row.count)
            return (row, step.rate)
        }
    }
}
