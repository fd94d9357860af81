import Batches
import Configuration
import Datasets
import Files
import Foundation
import Testing
import Text
import Torch
import ViCHA

@testable import Tasks
@testable import Training

/// What a run keeps when something goes wrong, and what it goes on from.
@Suite struct ResumptionTests {
    typealias Setting = TrainerTests.Setting

    /// Pretraining with something done to its losses or evaluations.
    private struct TamperedTask: TrainingTask {
        let task: TaskRun<PretrainingTask>
        var losses: (TrainingLosses, TrainingStep) throws -> TrainingLosses = { losses, _ in losses
        }
        var evaluation: (() throws -> Double)?

        var store: ParameterStore { task.store }
        var parameterGroups: [AdamW.Group] { task.parameterGroups }
        var plan: TrainingPlan { task.plan }
        var makeBatch:
            @Sendable ([Int], (UInt64, UInt64)) throws -> (
                batch: ImageTextBatch, skipped: [UnreadableRecord]
            )
        { task.makeBatch }
        var isEvaluated: Bool { evaluation != nil }
        func dataChecksum() throws -> String { try task.dataChecksum() }
        var vocabulary: VocabularyIdentity { task.vocabulary }

        func losses(_ batch: ImageTextBatch, _ step: TrainingStep) throws -> TrainingLosses {
            try losses(task.losses(batch, step), step)
        }

        func evaluate(_ compute: ComputeOptions) throws -> EpochEvaluation? {
            guard let evaluation else { return nil }
            let score = try evaluation()
            return EpochEvaluation(results: [("val_score", score)], score: score)
        }

        func limitParameters() throws { try task.limitParameters() }
        var teacher: MomentumTeacher? { task.teacher }
        var queue: FeatureQueue? { task.queue }
        func configurationText() throws -> String { try task.configurationText() }
    }

    private struct Failure: Error {}

    private static func tampered(
        _ setting: Setting, _ output: String, _ start: RunDirectory.Start = .new,
        tamper: (inout TamperedTask, inout TrainingOptions) -> Void
    ) throws -> Trainer<TamperedTask> {
        var options = TrainingOptions(
            directory: try RunDirectory(
                setting.directory.appendingPathComponent(output).path, start))
        var task = TamperedTask(
            task: try TaskRun(
                setting.configuration,
                model: try PretrainingModel(setting.configuration.settings.model, seed: 1),
                dataset: setting.dataset))
        tamper(&task, &options)
        return try Trainer(task, options: options)
    }

    private static func state(_ path: String) throws -> TrainingCheckpoint.State {
        try TrainingCheckpoint.state(of: SafetensorsFile(path: path))
    }

    private static func weights(_ path: String) throws -> [String: [Double]] {
        let file = try SafetensorsFile(path: path)
        return try Dictionary(
            uniqueKeysWithValues: file.keys.map {
                ($0, try file.tensor($0).to(dtype: .float64).array(of: Double.self))
            })
    }

    /// Changes one bit in the middle of a file.
    private static func damage(_ path: String) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        data[data.count / 2] ^= 1
        try data.write(to: URL(fileURLWithPath: path))
    }

    // MARK: Evaluation and saving

    /// An evaluation that fails loses no step, and the run goes on with that evaluation.
    @Test func epochIsSavedBeforeItIsEvaluated() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        var score = 0.0
        let whole = try Self.tampered(setting, "whole") { task, _ in
            task.evaluation = {
                score += 1
                return score
            }
        }
        #expect(try whole.run() == .finished)
        do {
            let failing = try Self.tampered(setting, "parts") { task, _ in
                task.evaluation = { throw Failure() }
            }
            #expect(throws: Failure.self) { try failing.run() }
            let saved = try Self.state(failing.lastCheckpoint)
            #expect(saved.epoch == 0 && saved.iteration == 3 && saved.step == 3)
        }
        score = 0
        let second = try Self.tampered(setting, "parts", .resuming) { task, _ in
            task.evaluation = {
                score += 1
                return score
            }
        }
        try second.resume()
        #expect(try second.run() == .finished)
        #expect(score == 3)
        for file in ["metrics.jsonl", "log.txt"] {
            #expect(try setting.lines("whole", file) == setting.lines("parts", file))
        }
        #expect(try Self.weights(whole.lastCheckpoint) == Self.weights(second.lastCheckpoint))
        #expect(try Self.state(second.lastCheckpoint).best == .init(score: 3, epoch: 2))
    }

    /// Who asks to stop during the last step of an epoch does not wait for its evaluation, which comes
    /// first when the run goes on.
    @Test func stopAtTheEndOfAnEpochPutsTheEvaluationOff() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let stop = StopSignal()
        var evaluations = 0
        do {
            var options = TrainingOptions(
                directory: try RunDirectory(setting.directory.appendingPathComponent("out").path))
            options.maxSteps = 3
            var task = TamperedTask(
                task: try TaskRun(
                    setting.configuration,
                    model: try PretrainingModel(setting.configuration.settings.model, seed: 1),
                    dataset: setting.dataset))
            task.losses = { losses, step in
                if step.iteration == 2 { stop.request() }
                return losses
            }
            task.evaluation = {
                evaluations += 1
                return 1
            }
            #expect(try Trainer(task, options: options, stop: stop).run() == .interrupted)
        }
        #expect(evaluations == 0)
        let second = try Self.tampered(setting, "out", .resuming) { task, _ in
            task.evaluation = {
                evaluations += 1
                return 1
            }
        }
        try second.resume()
        _ = try second.run()
        #expect(evaluations == 3)
    }

    /// Saves by time come within an epoch, and the one before the last stays.
    @Test func savesWithinAnEpochAndKeepsTheOneBefore() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let trainer = try Self.tampered(setting, "out") { _, options in
            options.saveInterval = 0
            options.maxSteps = 2
        }
        _ = try trainer.run()
        let directory = try #require(
            (trainer.lastCheckpoint as NSString).deletingLastPathComponent as String?)
        #expect(try Self.state(trainer.lastCheckpoint).step == 2)
        #expect(
            try Self.state(directory + "/checkpoint_previous.safetensors").step == 1)
    }

    @Test func damagedCheckpointGivesWayToTheOneBefore() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let whole = try setting.trainer("whole")
        _ = try whole.run()
        let (last, previous): (String, String)
        do {
            let first = try Self.tampered(setting, "parts") { _, options in
                options.saveInterval = 0
                options.maxSteps = 5
            }
            _ = try first.run()
            last = first.lastCheckpoint
            previous = last.replacingOccurrences(of: "_last", with: "_previous")
        }
        try Self.damage(last)
        do {
            let named = try setting.trainer("parts", .resuming)
            let error = try #require(throws: SafetensorsError.self) {
                try named.resume(from: last)
            }
            #expect("\(error)".contains("'\(last)' is damaged"))
        }
        do {
            let second = try setting.trainer("parts", .resuming)
            try second.resume()
            #expect(try second.run() == .finished)
            #expect(try Self.weights(whole.lastCheckpoint) == Self.weights(last))
            #expect(try setting.lines("whole", "log.txt") == setting.lines("parts", "log.txt"))
        }
        // One whose writer was killed between moving the old file and naming the new one.
        try FileManager.default.removeItem(atPath: last)
        try setting.trainer("parts", .resuming).resume()
        try Self.damage(previous)
        #expect(throws: SafetensorsError.self) {
            try setting.trainer("parts", .resuming).resume()
        }
        try FileManager.default.copyItem(atPath: previous, toPath: last)
        let both = try #require(throws: RunDirectoryError.self) {
            try setting.trainer("parts", .resuming).resume()
        }
        #expect("\(both)".contains(last) && "\(both)".contains(previous))
    }

    /// Weights are as good as the checkpoint they come from, also where no run goes on.
    @Test func damagedOrForeignWeightsAreNotStartedFrom() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let trainer = try setting.trainer("out", maxSteps: 1)
        _ = try trainer.run()
        let own = setting.tokenizer.identity
        _ = try TrainingCheckpoint.open(trainer.lastCheckpoint, vocabulary: own)
        let other = setting.directory.appendingPathComponent("other.txt")
        let lines = try String(contentsOfFile: own.file, encoding: .utf8)
            .split(separator: "\n")
        try (lines.prefix(5) + lines.dropFirst(5).reversed()).joined(separator: "\n")
            .write(to: other, atomically: true, encoding: .utf8)
        let shuffled = try WordPieceTokenizer(vocabularyFile: other.path).identity
        #expect(shuffled.size == own.size && !shuffled.isSame(as: own))
        let error = try #require(throws: CheckpointError.self) {
            try TrainingCheckpoint.open(trainer.lastCheckpoint, vocabulary: shuffled)
        }
        #expect("\(error)".contains(other.path) && "\(error)".contains(own.file))
        // The same tokens in another file are the same vocabulary; one with Windows' line ends too.
        let copy = setting.directory.appendingPathComponent("copy.txt")
        try (lines.joined(separator: "\r\n") + "\r\n")
            .write(to: copy, atomically: true, encoding: .utf8)
        _ = try TrainingCheckpoint.open(
            trainer.lastCheckpoint,
            vocabulary: WordPieceTokenizer(vocabularyFile: copy.path).identity)
        try Self.damage(trainer.lastCheckpoint)
        #expect(throws: SafetensorsError.self) {
            try TrainingCheckpoint.open(trainer.lastCheckpoint, vocabulary: own)
        }
    }

    // MARK: Resuming what cannot go on, or not as it was

    @Test func resumingWithoutACheckpointSaysHowToStart() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let trainer = try setting.trainer("out", .resuming)
        let error = try #require(throws: RunDirectoryError.self) { try trainer.resume() }
        #expect("\(error)".contains("or it ended before anything was saved. Start it anew"))
    }

    /// All epochs are done, or more than the configuration has now: that is no error.
    @Test(arguments: [3, 1]) func nothingIsLeftToDo(_ epochs: Int) throws {
        var setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let before: [String: [Double]]
        do {
            let trainer = try setting.trainer("out")
            _ = try trainer.run()
            before = try Self.weights(trainer.lastCheckpoint)
        }
        setting.configuration.settings.schedule.epochs = epochs
        let again = try setting.trainer("out", .resuming)
        try again.resume()
        #expect(try again.run() == .finished)
        #expect(try Self.weights(again.lastCheckpoint) == before)
        #expect(try setting.lines("out", "log.txt").count == 3)
    }

    @Test(arguments: [
        (#""epoch":1"#, #""epoch":-5"#, "epoch -5"), (#""step":4"#, #""step":-3"#, "step -3"),
        (#""step":4"#, #""step":3"#, "step 3"), (#""epoch":1"#, #""epoch":100"#, "epoch 100"),
        (#""iteration":1"#, #""iteration":9"#, "iteration 9 of an epoch of 3"),
        (#""seed":42"#, #""seed":"x""#, "'vicha.training_state' is not what"),
    ])
    func statesThatCannotBeAreRefused(_ good: String, _ bad: String, _ reason: String) throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let trainer = try setting.trainer("out", maxSteps: 4)
        _ = try trainer.run()
        let file = try SafetensorsFile(path: trainer.lastCheckpoint)
        let text = try #require(file.metadata[TrainingCheckpoint.stateKey])
        #expect(text.contains(good))
        let path = setting.directory.appendingPathComponent("odd.safetensors").path
        try writeSafetensors(
            file.tensors(),
            metadata: [
                TrainingCheckpoint.stateKey: text.replacingOccurrences(of: good, with: bad)
            ], to: path)
        let error = try #require(throws: CheckpointError.self) {
            try setting.trainer("other").resume(from: path)
        }
        #expect("\(error)".contains(reason), "\(error)")
    }

    /// A run that goes on with other values says which.
    @Test func whatDiffersOnResumingIsSaid() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        func origin(
            _ setting: Setting, _ data: String = "a", precision: String? = "float32"
        ) throws -> TrainingCheckpoint.Origin {
            .init(
                configuration: try ConfigurationFile.text(setting.configuration),
                dataChecksum: data, vocabulary: setting.tokenizer.identity, precision: precision)
        }
        let before = try origin(setting)
        #expect(try origin(setting).differences(from: before).isEmpty)
        var other = setting
        other.configuration.settings.optimizer.learningRate = 0.5
        other.configuration.settings.alpha = 0.25
        other.configuration.settings.schedule.epochs = 9
        let lines = try origin(other, "b").differences(from: before)
        #expect(lines.count == 2)
        #expect(lines[0].contains("alpha 0.25 (was 0.4)"), "\(lines)")
        #expect(lines[0].contains("optimizer.lr 0.5 (was 0.001)"), "\(lines)")
        #expect(lines[0].contains("schedular.epochs 9 (was 3)"), "\(lines)")
        #expect(lines[1].contains("records, or their order"))
        let half = try origin(setting, precision: "bfloat16")
        #expect(half.differences(from: before) == ["the run goes on in bfloat16 (was float32)"])
        #expect(half.differences(from: try origin(setting, precision: nil)).isEmpty)
    }

    /// The checksum of records depends on their order and on each field.
    @Test func recordsHaveAChecksum() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        func checksum(_ pairs: [ImageTextPair]) throws -> String {
            try ImageTextDataset(
                pairs: RecordList(pairs), paths: setting.dataset.paths,
                tokenizer: setting.tokenizer,
                options: setting.dataset.options
            ).inspect()
        }
        let pairs = try setting.dataset.pairs.all()
        let whole = try checksum(pairs)
        #expect(try checksum(pairs) == whole)
        #expect(try checksum(pairs.reversed()) != whole)
        let other = ImageTextPair.pairs(
            of: RecordList([
                PretrainingRecord(
                    image: pairs[0].image, captions: pairs[0].texts + ["more"],
                    concepts: pairs[0].concepts)
            ]))
        #expect(try checksum(other.all() + pairs.dropFirst()) != whole)
    }

    // MARK: Divergence

    /// Only gradients are not finite, and several steps later somebody looks: the weights are those
    /// before that step, also those of the momentum model.
    @Test func gradientsThatAreNotFiniteLeaveTheStepOut() throws {
        let setting = try Setting(dropout: 0)
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let sound = try setting.trainer("sound", maxSteps: 4)
        _ = try sound.run()
        let trainer = try Self.tampered(setting, "out") { task, options in
            options.logInterval = 50
            let weight = task.store["itm_head.weight"]
            task.losses = { losses, step in
                guard step.epoch == 1, step.iteration == 1, let weight else { return losses }
                // 0, with a gradient of 0 · ∞.
                return TrainingLosses(
                    total: losses.total + (weight.sum() * 0).sqrt(), parts: losses.parts)
            }
        }
        let error = try #require(throws: DivergenceError.self) { try trainer.run() }
        #expect(error.epoch == 1 && error.iteration == 1)
        #expect("\(error)".contains("grad_norm nan"), "\(error)")
        let saved = try Self.state(error.checkpoint)
        #expect(saved.step == 4 && saved.iteration == 1)
        let (expected, found) = try (
            Self.weights(sound.lastCheckpoint), Self.weights(error.checkpoint)
        )
        for entry in sound.task.model.store.entries {
            guard let wanted = expected[entry.key], let found = found[entry.key],
                entry.role != .buffer
            else { continue }
            let difference = zip(wanted, found).map { abs($0 - $1) }.max() ?? 0
            #expect(
                difference <= (entry.role == .frozenParameter ? 1e-6 : 0),
                "\(entry.key) \(difference)")
        }
        #expect(try setting.lines("out", "metrics.jsonl").count == 4)
    }

    @Test func gradientNormIsLogged() throws {
        let setting = try Setting(dropout: 0)
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let trainer = try setting.trainer("out", maxSteps: 1)
        _ = try trainer.run()
        // What the last step left behind.
        let squares = try trainer.task.model.store.parameters.compactMap(\.tensor.gradient).map {
            try $0.squared().sum().array(of: Double.self)[0]
        }
        let line = try #require(try setting.lines("out", "metrics.jsonl").first)
        let logged = try JSONDecoder().decode([String: Double].self, from: Data(line.utf8))
        let norm = try #require(logged["grad_norm"])
        #expect(abs(norm - squares.reduce(0, +).squareRoot()) < 1e-4 * norm)
        #expect(norm > 0)
    }

    // MARK: Images that cannot be read

    private static func withoutImages(_ setting: Setting, _ missing: Int) throws
        -> ImageTextDataset
    {
        var paths = setting.dataset.paths
        paths.allowsMissingImages = true
        let records = try setting.dataset.pairs.all().enumerated().map { index, pair in
            PretrainingRecord(
                image: index < missing ? "missing-\(index).png" : pair.image,
                captions: pair.texts, concepts: pair.concepts)
        }
        return ImageTextDataset(
            pairs: ImageTextPair.pairs(of: RecordList(records)), paths: paths,
            tokenizer: setting.tokenizer, options: setting.dataset.options)
    }

    /// Many unreadable images in one batch are replaced one by one; a share of all that is too large
    /// ends the run, with all of them in a file.
    @Test func unreadableImagesAreCountedAgainstTheDataSet() throws {
        var setting = try Setting(records: 64)
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        setting.configuration.batchSize = 32
        setting.configuration.settings.model.queueSize = 64
        setting.configuration.settings.schedule.epochs = 1
        setting.dataset = try Self.withoutImages(setting, 30)
        let trainer = try setting.trainer("out")
        #expect(try trainer.run() == .finished)
        let list = try setting.lines("out", "unreadable_images.txt")
        #expect(list.count == 30)
        #expect(list[29].hasPrefix("record 29: ") && list[29].contains("missing-29.png"))
        let line = try #require(try setting.lines("out", "log.txt").first)
        #expect(line.contains("\"skipped_images\""))
        setting.dataset = try Self.withoutImages(setting, 40)
        let error = try #require(throws: UnreadableImagesError.self) {
            try setting.trainer("other").run()
        }
        #expect(error.total == 64 && error.count > 32)
        #expect(try setting.lines("other", "unreadable_images.txt").count == error.count)
        // Where nothing can be read, that is what ends the run.
        setting.dataset = try Self.withoutImages(setting, 64)
        #expect(throws: (any Error).self) { try setting.trainer("none").run() }
        #expect(try !setting.lines("none", "unreadable_images.txt").isEmpty)
    }
}
