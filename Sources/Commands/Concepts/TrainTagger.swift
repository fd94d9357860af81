import ArgumentParser
import Concepts
import Datasets
import Foundation
import Nouns

/// `vicha concepts train-tagger`
struct TrainTagger: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-tagger",
        abstract: "Train the tagger that finds nouns, also with captions of your own.",
        discussion: """
            The package has a tagger; its file is what this command writes without annotation \
            files. With captions of the kind that concepts will be extracted from it becomes a \
            little better on them. No labels are needed: link-grammar parses the examples and \
            definitions of WordNet and the captions, and sentences on whose nouns it agrees with \
            rules are learnt. Needs Debian's link-grammar and link-grammar-dictionaries-en, which \
            nothing else does.

            EXAMPLES
              vicha concepts train-tagger --output Sources/Nouns/Resources/tagger.txt --overwrite
              vicha concepts train-tagger train.json --output tagger.txt
              vicha concepts extract train.json --tagger tagger.txt --output-dir vocabulary
            """)

    @Argument(help: "Annotation files with more sentences.")
    var files: [String] = []

    @Option(help: "File of the tagger.")
    var output: String

    @Option(help: "Field of the captions; caption or sentence by default.")
    var field: String?

    @Option(help: ArgumentHelp("Captions to take at most.", valueName: "count"))
    var maxCaptions = 12_000

    @Option(help: "Directory of WordNet's database.")
    var wordnet = WordNet.defaultPath

    @Option(help: "Processes of link-grammar; all cores by default.")
    var workers = ProcessInfo.processInfo.activeProcessorCount

    @OptionGroup var outputFile: OutputFileOptions

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
        guard maxCaptions > 0 else { throw ValidationError("--max-captions must be 1 or more") }
    }

    func run() throws {
        try outputFile.check([output], inputs: files)
        let bar = CountingBar(unit: "sentences", title: "parse")
        let report = try TaggerTraining.run(
            WordNet(path: wordnet), captions: captions(), to: output, workers: workers
        ) { progress in
            switch progress {
            case .parsed(let done, let all): bar.update(done, of: all, here: done)
            case .learnt(let epoch, let epochs): note("epoch \(epoch) of \(epochs)")
            }
        }
        print(
            "\(report.sentences) sentences, \(report.parsed) parsed, \(report.learnt) learnt; "
                + String(format: "%.1f", 100 * report.accuracy)
                + " % of their words are tagged right")
        print("saved \(output)")
    }

    /// Captions from all over the files.
    private func captions() throws -> [String] {
        let records = try files.map { try RecordFile(path: $0) }
        let all = records.map(\.count).reduce(0, +)
        let step = max(1, all / maxCaptions)
        var captions: [String] = []
        for file in records {
            for index in stride(from: 0, to: file.count, by: step) {
                captions += try file[index].captions(field: field)
            }
        }
        return Array(captions.prefix(maxCaptions))
    }
}
