import Datasets
import Files
import Foundation
import Text
import Torch
import ViCHA

/// A loss that is no finite number.
public struct DivergenceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Epoch, counted from 0.
    public let epoch: Int
    /// Iteration of the epoch, counted from 0.
    public let iteration: Int
    /// The losses, by name.
    public let losses: String
    /// Where the weights before this step lie.
    public let checkpoint: String

    /// What happened, where, and what to do about it.
    public var description: String {
        "the loss is not finite in epoch \(epoch), iteration \(iteration) (\(losses)). The weights "
            + "before this step are in '\(checkpoint)'. Lower optimizer.lr, lengthen warmup_epochs, or "
            + "use --precision fp32."
    }
}

/// Pretrains a model (ViCHA section 3), resumably.
public final class PretrainingTrainer {
    /// What a run needs beside its configuration.
    public struct Options: Sendable {
        /// Where checkpoints and logs go.
        public var outputDirectory: String
        /// Where the model computes.
        public var device = Device.cpu
        /// Type of matrix products; nil for full precision.
        public var autocast: DType?
        /// What every random choice is made from.
        public var seed: UInt64 = 42
        /// Threads that prepare batches.
        public var workers = 1
        /// Steps to make at most, nil for whole epochs.
        public var maxSteps: Int?
        /// Steps between two readings of the losses; each waits for the device.
        public var logInterval = 1
        /// Least time between two saves of the last checkpoint at ends of epochs. seconds
        public var saveInterval = 60.0

        /// A run on the CPU in full precision.
        public init(outputDirectory: String) { self.outputDirectory = outputDirectory }
    }

    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        case finished
        /// Stopped on request, with everything saved.
        case interrupted
    }

    /// The model that is trained.
    public let model: PretrainingModel
    private let configuration: PretrainingConfiguration
    private let dataset: PretrainingDataset
    private let options: Options
    private let stop: StopSignal
    private let optimizer: AdamW
    private let schedule: LearningRateSchedule
    private let sampler: EpochSampler
    private let draws: Generator
    private let dropout: Generator
    private var state: TrainingCheckpoint.State

    /// Prepares a run from epoch 0 with the weights that `model` has.
    /// - Throws: ``ModelConfigurationError``, ``TorchError``
    public init(
        _ configuration: PretrainingConfiguration, model: PretrainingModel,
        dataset: PretrainingDataset,
        options: Options, stop: StopSignal = StopSignal()
    ) throws {
        try configuration.validate()
        sampler = EpochSampler(
            count: dataset.records.count, batchSize: configuration.batchSize, seed: options.seed)
        guard sampler.batchCount > 0 else {
            throw ModelConfigurationError(
                key: "batch_size",
                expected: "at most the number of records (\(dataset.records.count))")
        }
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
        self.options = options
        self.stop = stop
        optimizer = AdamW(
            groups: ParameterGroups.make(
                model.store, weightDecay: configuration.optimizer.weightDecay,
                compatibility: configuration.model.compatibility),
            learningRate: configuration.optimizer.learningRate)
        schedule = LearningRateSchedule(
            configuration.schedule, learningRate: configuration.optimizer.learningRate)
        draws = try Generator(seed: options.seed)
        dropout = try Generator(seed: options.seed &+ 1, device: options.device)
        state = TrainingCheckpoint.State(
            epoch: 0, iteration: 0, step: 0, seed: options.seed, recordCount: sampler.count,
            batchSize: sampler.batchSize, metrics: MetricAverages(), skippedImages: 0)
    }

    /// Continues from a checkpoint of the same run.
    /// - Throws: ``CheckpointError``, ``SafetensorsError``, ``StateDictionaryError``
    public func resume(from path: String) throws {
        let saved = try TrainingCheckpoint.resume(
            from: path, weights: model.store, optimizer: optimizer, random: random)
        for (what, then, now) in [
            ("the seed", String(saved.seed), String(state.seed)),
            ("a number of records of", String(saved.recordCount), String(state.recordCount)),
            ("a batch size of", String(saved.batchSize), String(state.batchSize)),
        ] where then != now {
            throw CheckpointError.otherRun(path: path, what: what, saved: then, now: now)
        }
        state = saved
    }

    /// Path of the checkpoint that a run can be continued from.
    public var lastCheckpoint: String { path("checkpoint_last.safetensors") }

    /// Trains until the last epoch, the step limit or a request to stop.
    /// - Throws: ``DivergenceError``, and errors of data, files and libtorch
    public func run() throws -> Outcome {
        try makeDirectory(options.outputDirectory)
        try ConfigurationFile.write(configuration, to: path("config.yaml"))
        let log = try TrainingLog(
            directory: options.outputDirectory, step: state.step, epoch: state.epoch)
        let first = state.epoch * sampler.batchCount + state.iteration
        let total = configuration.schedule.epochs * sampler.batchCount
        let end = options.maxSteps.map { min(total, first + max(0, $0 - state.step)) } ?? total
        let (dataset, seed, order) = (dataset, options.seed, EpochOrder(sampler))
        let loader = PrefetchingLoader(
            first..<end, workers: options.workers, ahead: 2 * options.workers
        ) { number in
            let (epoch, indices) = order.batch(number)
            return try dataset.batch(indices, seed: (seed, UInt64(epoch)))
        }
        defer { loader.stop() }
        let progress = ProgressDisplay(total: end, first: first, unit: "images")
        var lastSave = Date()
        var done = first
        var pending = PendingLosses()
        while let arrays = try loader.next() {
            for reason in arrays.skipped { report("skipped: \(reason)") }
            state.skippedImages += arrays.skipped.count
            let rate = schedule.rate(epoch: state.epoch, iteration: state.iteration)
            pending.append(try step(arrays, rate: rate), rate: rate)
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
                        (String($0.name.dropFirst(5)), String(format: "%.3f", $0.value))
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

    private func finishEpoch(_ log: TrainingLog) throws {
        let finished = state.epoch
        try log.add(epoch: finished, means: state.metrics.means, skippedImages: state.skippedImages)
        state.skippedImages = 0
        state.epoch += 1
        state.iteration = 0
        state.metrics = MetricAverages()
        if let every = configuration.saveStep, (finished + 1) % every == 0 {
            try save(path(String(format: "checkpoint_%02d.safetensors", finished)))
        }
    }

    /// One step; returns its losses as tensors, so that nothing waits for the device.
    private func step(_ arrays: PretrainingArrays, rate: Double) throws -> PretrainingLosses {
        let batch = PretrainingBatch(arrays)
        let chance = PretrainingDraws(for: batch, configuration.model, generator: draws)
        optimizer.learningRate = rate
        try optimizer.clearGradients()
        let alpha =
            state.epoch > 0
            ? configuration.alpha
            : configuration.alpha * min(1, Double(state.iteration) / Double(sampler.batchCount))
        let losses = try withAutocast(options.autocast, on: options.device) {
            try model.losses(
                batch.to(device: options.device), chance.to(device: options.device), alpha: alpha,
                dropout: dropout)
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
            to: path, weights: model.store, optimizer: optimizer, random: random, state: state)
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

    mutating func append(_ losses: PretrainingLosses, rate: Double) {
        var named = [("loss_mlm", losses.mlm), ("loss_ita", losses.ita), ("loss_itm", losses.itm)]
        if let mae = losses.mae { named.append(("loss_mae", mae)) }
        steps.append((named.map { ($0.0, $0.1.detached()) }, rate))
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

extension PretrainingBatch {
    /// The tensors of a prepared batch, on the CPU.
    public init(_ arrays: PretrainingArrays) {
        self.init(
            images: Tensor(
                arrays.pixels, shape: [arrays.captions.rows, 3, arrays.side, arrays.side]),
            captions: TokenBatch(arrays.captions), concepts: arrays.concepts.map { TokenBatch($0) })
    }
}

extension TokenBatch {
    /// The tensors of encoded texts, on the CPU.
    public init(_ batch: EncodedBatch) {
        let shape = [batch.rows, batch.length]
        self.init(
            inputIDs: Tensor(batch.inputIDs, shape: shape),
            attentionMask: Tensor(batch.attentionMask, shape: shape))
    }
}
