import ArgumentParser
import Concepts
import Datasets
import Foundation
import Nouns

/// Captions a second whose nouns are counted.
struct Extract: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take the nouns of captions on one thread.")

    @Argument(help: "Annotation files with captions.")
    var files: [String] = ["Samples/pretrain.json"]

    @Option(help: "Captions are read again until there are so many.")
    var captions = 40_000

    func run() throws {
        let records = try files.map { try RecordFile(path: $0) }
        let (wordNet, tagger) = (try WordNet(), try PerceptronTagger.standard())
        var rates: [Double] = []
        for _ in 0..<5 {
            let start = ContinuousClock.now
            var extraction = ConceptExtraction()
            while extraction.captions < captions {
                for file in records {
                    try extraction.add(file, wordNet: wordNet, tagger: tagger, workers: 1)
                }
            }
            rates.append(
                Double(extraction.captions) / ((ContinuousClock.now - start) / .seconds(1)))
        }
        report("captions/s", rates, note: "one thread")
    }
}
