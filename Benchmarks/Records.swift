import ArgumentParser
import Datasets
import Files
import Foundation
import Images
import Text

/// The time of a batch and the memory of data sets of different sizes, whose records all have one image.
struct Records: ParsableCommand {
    @Option(
        parsing: .upToNextOption,
        help: "Numbers of records; each is measured in a process of its own.")
    var records = [10_000, 4_000_000]

    @Option(help: "Records of a batch.")
    var batchSize = 32

    @Option(help: "Batches that are timed.")
    var batches = 40

    @Option(help: "BERT vocabulary.")
    var vocabulary = ".venv/minilm/vocab.txt"

    @Option(help: "Directory of the image.")
    var images = "Samples"

    @Option(help: "Name of the image.")
    var image = "photos/coffee.jpg"

    func run() throws {
        guard records.count == 1 else {
            for count in records {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/proc/self/exe")
                    .resolvingSymlinksInPath()
                process.arguments = [
                    "records", "--records", "\(count)", "--batch-size", "\(batchSize)", "--batches",
                    "\(batches)", "--vocabulary", vocabulary, "--images", images, "--image", image,
                ]
                try process.run()
                process.waitUntilExit()
            }
            return
        }
        let path =
            NSTemporaryDirectory() + "records-\(ProcessInfo.processInfo.processIdentifier).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try writeRecords(records[0], to: path) { number in
            let caption = "a photo of the thing number \(number) in a room with many other things"
            return Array(
                ("{\"image\": \"\(image)\", \"caption\": \"\(caption)\", "
                    + "\"kwords\": [\"photo\", \"thing\", \"room\", \"number \(number)\"]}").utf8)
        }
        let start = Date()
        let dataset = ImageTextDataset(
            pairs: ImageTextPair.pairs(
                of: try RecordList<PretrainingRecord>(files: [path], requiresConcepts: true)),
            paths: ImagePaths(dataDirectory: images),
            tokenizer: try WordPieceTokenizer(vocabularyFile: vocabulary),
            options: ImageTextOptions(
                transform: .training(
                    .crop(RandomResizedCrop(side: 96, scale: 0.2...1)), flips: true,
                    augmentation: RandAugment(keepsOverflows: false))))
        let opened = Date()
        _ = try dataset.inspect()
        let inspected = Date()
        let sampler = EpochSampler(count: records[0], batchSize: batchSize, seed: 1)
        let order = sampler.order(epoch: 0)
        let shuffled = Date()
        var times: [Double] = []
        for number in 0..<min(batches, sampler.batchCount) {
            let start = Date()
            _ = try dataset.batch(sampler.batch(number, of: order), seed: (1, 0))
            times.append(1000 * Date().timeIntervalSince(start))
        }
        report("ms a batch", times, note: "\(records[0]) records, \(batchSize) of a batch")
        let steps = [start, opened, inspected, shuffled]
        let seconds = zip(steps, steps.dropFirst()).map { $1.timeIntervalSince($0) }
        print(
            String(
                format:
                    "  start: open %.1f s, check records and images %.1f s, shuffle %.1f s",
                seconds[0],
                seconds[1], seconds[2]))
        print("  memory: \(peakMemory()) with the file, \(ownMemory()) without it")
    }
}

/// Memory that the process holds for itself, mapped files left out.
private func ownMemory() -> String {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
    let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }
    return kilobytes.map { String(format: "%.2f GB", $0 * 1024 / 1e9) } ?? "unknown"
}
