import ArgumentParser
import Concepts
import Datasets
import Foundation
import Text
import Torch

/// Images a second that get their concepts, from saved embeddings to the annotation file.
struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Attach concepts to synthetic images, and compare with a loop over records.")

    @Option(help: "Images.")
    var images = 1_000_000

    @Option(help: "Concepts.")
    var concepts = 10_000

    @Option(help: "Numbers of an embedding.")
    var width = 512

    @Option(help: "Concepts of an image.")
    var top = 15

    @Option(help: "Threads; all cores by default.")
    var threads: Int?

    @Option(help: "A Python with torch and numpy (a path or a name), for the loop over records.")
    var python: String?

    @Option(help: "Records of that loop.")
    var records = 300

    func run() throws {
        if let threads { ComputeThreads.set(threads) }
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("attach-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        print("making \(images) × \(width) and \(concepts) × \(width) embeddings in float16")
        try write(directory + "/images", count: images, seed: 1) { "images/\($0).jpg" }
        try write(directory + "/concepts", count: concepts, seed: 2) { "concept \($0)" }
        try writeRecords(images, to: directory + "/train.json") {
            Array(#"{"image": "images/\#($0).jpg", "caption": "a caption of some words"}"#.utf8)
        }

        let start = ContinuousClock.now
        let file = try RecordFile(path: directory + "/train.json")
        let vocabulary = try ShardedTable(path: directory + "/concepts")
        let attachment = try ConceptAttachment(
            images: ShardedTable(path: directory + "/images"), concepts: vocabulary, count: top,
            files: [file])
        let ranked = ContinuousClock.now
        _ = try attachment.write(file, to: directory + "/with_concepts.json")
        let end = ContinuousClock.now
        let rate = Double(images) / ((end - start) / .seconds(1))
        print(
            String(
                format: "attach: %.0f images/s; %.1f s to rank, %.1f s to write, peak memory %@",
                rate, (ranked - start) / .seconds(1), (end - ranked) / .seconds(1), peakMemory()))
        guard let python else { return }
        let perRecord = try loop(python, directory, vocabulary)
        print(
            String(
                format:
                    "loop over %d records in Python: %.1f images/s; attach is %.0f times as fast",
                min(records, images), perRecord, rate / perRecord))
    }

    private func write(_ directory: String, count: Int, seed: UInt64, _ name: (Int) -> String)
        throws
    {
        var names = StringTable(capacity: count)
        for index in 0..<count { names.insert(name(index)) }
        let generator = try Generator(seed: seed)
        try TableWriter(
            directory: directory, content: .images, source: "noise", width: width, names: names,
            shardSize: 1 << 16
        ).run { range, _ in
            .init(
                values: Tensor.normal([range.count, width], generator: generator)
                    .to(dtype: .float16))
        }
    }

    /// Runs the loop on the first images.
    private func loop(_ python: String, _ directory: String, _ vocabulary: ShardedTable) throws
        -> Double
    {
        let images = try ShardedTable(path: directory + "/images")
        for (name, rows) in [
            ("images.f16", images.rows(Array(0..<min(records, images.count)))),
            ("concepts.f16", vocabulary.rows),
        ] {
            try rows.contiguous().withUnsafeBytes { bytes in
                try Data(bytes).write(to: URL(fileURLWithPath: directory + "/" + name))
            }
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            python, "Benchmarks/attach_per_record.py", directory + "/images.f16",
            directory + "/concepts.f16", "\(width)", "\(top)",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0, let rate = text.split(separator: " ").first,
            let rate = Double(rate)
        else { throw ValidationError("'\(python)' did not run the loop: \(text)") }
        return rate
    }
}
