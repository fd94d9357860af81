import Files
import Foundation
import Torch

extension Double {
    /// As JSON has it, which knows no numbers that are not finite: null for those.
    public var json: String { isFinite ? "\(self)" : "null" }
}

/// The logs of a run: `log.txt` with one object an epoch in the official form, `metrics.jsonl` with
/// one object a step, and a TensorBoard file.
final class TrainingLog {
    static let epochFile = "log.txt"
    static let stepFile = "metrics.jsonl"

    private let epochs: FileHandle
    private let steps: FileHandle
    private let events: EventFile
    private let directory: String

    /// Opens the logs of a run that goes on at a step of an epoch; lines of steps and epochs that
    /// it will make again are dropped.
    init(directory: String, step: Int, epoch: Int) throws {
        self.directory = directory
        func open(_ name: String, keeping isKept: (Position) -> Bool) throws -> FileHandle {
            try Self.open((directory as NSString).appendingPathComponent(name), keeping: isKept)
        }
        epochs = try open(Self.epochFile) { $0.epoch < epoch }
        steps = try open(Self.stepFile) { $0.step.map { $0 < step } ?? false }
        events = try EventFile(directory: directory)
    }

    /// Where in the run a line belongs.
    private struct Position: Decodable {
        let step: Int?
        let epoch: Int
    }

    func add(
        step: Int, epoch: Int, learningRate: Double, gradientNorm: Double,
        losses: [(name: String, value: Double)]
    ) throws {
        var fields = [
            "\"step\": \(step)", "\"epoch\": \(epoch)", "\"lr\": \(learningRate.json)",
            "\"grad_norm\": \(gradientNorm.json)",
        ]
        fields += losses.map { "\"\($0.name)\": \($0.value.json)" }
        try write("{" + fields.joined(separator: ", ") + "}\n", to: steps, Self.stepFile)
        try events.add(
            [("lr", learningRate), ("grad_norm", gradientNorm)]
                + losses.map { ("loss/" + TrainingLosses.shortName($0.name), $0.value) },
            step: step)
    }

    /// Means as the official scripts write them, texts of three decimals, and what an evaluation
    /// found.
    func add(
        epoch: Int, means: [(name: String, value: Double)], results: [EpochEvaluation.Result],
        skippedImages: Int, step: Int
    ) throws {
        var fields = means.map { "\"train_\($0.name)\": \"\(String(format: "%.3f", $0.value))\"" }
        fields += results.map { "\"\($0.name)\": \($0.value.json)" }
        try events.add(results.map { ("evaluation/" + $0.name, $0.value) }, step: step)
        fields.append("\"epoch\": \(epoch)")
        if skippedImages > 0 { fields.append("\"skipped_images\": \(skippedImages)") }
        try write("{" + fields.joined(separator: ", ") + "}\n", to: epochs, Self.epochFile)
    }

    private func write(_ line: String, to handle: FileHandle, _ name: String) throws {
        do {
            try handle.write(contentsOf: Data(line.utf8))
        } catch {
            throw FileWritingError(
                path: (directory as NSString).appendingPathComponent(name), error)
        }
    }

    private static func open(_ path: String, keeping isKept: (Position) -> Bool) throws
        -> FileHandle
    {
        var old = ""
        if FileManager.default.fileExists(atPath: path) {
            do {
                old = try String(contentsOfFile: path, encoding: .utf8)
            } catch {
                throw FileWritingError(path: path, error)
            }
        }
        let kept = old.split(separator: "\n").filter { line in
            (try? JSONDecoder().decode(Position.self, from: Data(line.utf8))).map(isKept) ?? false
        }
        try writeAtomically(to: path) { write in
            for line in kept { try Array((line + "\n").utf8).withUnsafeBytes { try write($0) } }
        }
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw FileWritingError(path: path, reason: String(cString: strerror(errno)))
        }
        try handle.seekToEnd()
        return handle
    }
}
