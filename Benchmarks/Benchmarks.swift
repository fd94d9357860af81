import ArgumentParser
import Foundation
import Text
import Torch

/// Measurements that the documentation quotes.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks", abstract: "Measure parts of the package.",
        subcommands: [
            Tokenizer.self, Operators.self, Attach.self, Extract.self, Retrieval.self,
            Records.self,
        ])
}

/// Captions a second through cleaning and WordPiece on one core.
struct Tokenizer: ParsableCommand {
    @Option(help: "BERT vocabulary.")
    var vocabulary = ".venv/minilm/vocab.txt"

    @Option(help: "JSON annotation file with captions; sentences of this program by default.")
    var annotations: String?

    private struct Record: Decodable { let caption: [String] }

    func run() throws {
        let tokenizer = try WordPieceTokenizer(vocabularyFile: vocabulary)
        var captions = [
            "A man riding a wave on top of a surfboard.",
            "Two dogs play with a red frisbee in the park!",
            "A black-and-white photo of the Eiffel Tower, taken in winter.",
            "Several people are sitting around a wooden table, eating pizza.",
            "An umbrella leans against the whitewashed wall.",
        ]
        if let annotations {
            let data = try Data(contentsOf: URL(fileURLWithPath: annotations))
            captions = try JSONDecoder().decode([Record].self, from: data).flatMap(\.caption)
        }
        let texts = (0..<200_000).map { captions[$0 % captions.count] }
        var rates: [Double] = []
        var tokens = 0
        for _ in 0..<5 {
            let start = Date()
            tokens = 0
            for text in texts {
                tokens += tokenizer.encode(CaptionCleaning.caption(text), maxLength: 25).count
            }
            rates.append(Double(texts.count) / Date().timeIntervalSince(start))
        }
        report("captions/s", rates, note: "\(tokens / texts.count) tokens each")
    }
}

/// The cost of a call into libtorch.
struct Operators: ParsableCommand {
    func run() throws {
        ComputeThreads.set(1)
        let count = 200_000
        let x = Tensor.ones([1])
        var times: [Double] = []
        for _ in 0..<5 {
            let start = Date()
            var y = x
            for _ in 0..<count { y = -y }
            try y.checked()
            times.append(Date().timeIntervalSince(start) / Double(count) * 1e9)
        }
        report("ns a call", times, note: "aten::neg on one element")
    }
}

func report(_ unit: String, _ values: [Double], note: String) {
    let sorted = values.sorted()
    print(
        String(
            format: "median %.0f %@ (%.0f to %.0f), %@", sorted[sorted.count / 2], unit, sorted[0],
            sorted[sorted.count - 1], note))
}

/// The most memory that the process held, mapped files included.
func peakMemory() -> String {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }
    return kilobytes.map { String(format: "%.2f GB", $0 * 1024 / 1e9) } ?? "unknown"
}
