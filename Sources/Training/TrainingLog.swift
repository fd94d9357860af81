import Foundation
import Torch

/// The logs of a run: `log.txt` with one object an epoch in the official form, `metrics.jsonl` with
/// one object a step, and a TensorBoard file.
final class TrainingLog {
    static let epochFile = "log.txt"
    static let stepFile = "metrics.jsonl"

    private let epochs: FileHandle
    private let steps: FileHandle
    private let events: EventFile
    private let directory: String

    /// Opens the logs; lines of steps that a resumed run will make again are dropped.
    init(directory: String, resumingAt step: Int) throws {
        self.directory = directory
        let stepPath = (directory as NSString).appendingPathComponent(Self.stepFile)
        if let text = try? String(contentsOfFile: stepPath, encoding: .utf8) {
            let kept = text.split(separator: "\n").filter { line in
                (try? JSONDecoder().decode(StepNumber.self, from: Data(line.utf8)))
                    .map { $0.step < step } ?? false
            }
            try writeAtomically(to: stepPath) { write in
                for line in kept { try Array((line + "\n").utf8).withUnsafeBytes { try write($0) } }
            }
        }
        epochs = try Self.appending(
            (directory as NSString).appendingPathComponent(Self.epochFile), fresh: step == 0)
        steps = try Self.appending(stepPath, fresh: step == 0)
        events = try EventFile(directory: directory)
    }

    private struct StepNumber: Decodable { let step: Int }

    func add(step: Int, epoch: Int, learningRate: Double, losses: [(name: String, value: Double)])
        throws
    {
        var fields = ["\"step\": \(step)", "\"epoch\": \(epoch)", "\"lr\": \(learningRate)"]
        fields += losses.map { "\"\($0.name)\": \($0.value)" }
        try write("{" + fields.joined(separator: ", ") + "}\n", to: steps, Self.stepFile)
        try events.add(
            [("lr", learningRate)] + losses.map { ("loss/" + $0.name.dropFirst(5), $0.value) },
            step: step)
    }

    /// Means as the official scripts write them: texts of three decimals.
    func add(epoch: Int, means: [(name: String, value: Double)], skippedImages: Int) throws {
        var fields = means.map { "\"train_\($0.name)\": \"\(String(format: "%.3f", $0.value))\"" }
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

    private static func appending(_ path: String, fresh: Bool) throws -> FileHandle {
        if fresh || !FileManager.default.fileExists(atPath: path) {
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw FileWritingError(path: path, reason: String(cString: strerror(errno)))
            }
        }
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw FileWritingError(path: path, reason: String(cString: strerror(errno)))
        }
        try handle.seekToEnd()
        return handle
    }
}
