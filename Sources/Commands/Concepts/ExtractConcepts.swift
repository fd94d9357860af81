import ArgumentParser
import Concepts
import Datasets
import Files
import Foundation
import Nouns

/// `vicha concepts extract`
struct ExtractConcepts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract",
        abstract: "Make a vocabulary of the nouns in captions.",
        discussion: """
            Reads the field caption of annotation files (for NLVR2 sentence) and counts the heads \
            of noun phrases with their compound words: dog, kitchen counter. Writes concepts.json, \
            the list that the official scripts read, and counts.json with the number of \
            occurrences, both with the most frequent first. Captions that are no UTF-8 are left \
            out and counted.

            EXAMPLES
              vicha concepts extract coco.json vg.json sbu.json --output-dir vocabulary
              vicha concepts extract cc3m.json --min-count 4 --max-concepts 10000 \\
                --output-dir vocabulary
              vicha concepts extract nlvr_train.json --attributes --relations \\
                --output-dir vocabulary
            """)

    @Argument(help: "Annotation files.")
    var files: [String]

    @Option(name: [.long, .customLong("output_dir")], help: "Directory of the vocabulary.")
    var outputDir: String

    @Option(
        help: ArgumentHelp(
            "Least number of occurrences. The official thresh t keeps t + 2 and more.",
            valueName: "count"))
    var minCount = 1

    @Option(help: ArgumentHelp("Concepts to keep at most.", valueName: "count"))
    var maxConcepts: Int?

    @Option(help: "Field of the captions; caption or sentence by default.")
    var field: String?

    @Flag(help: "Singulars instead of the words as they stand.")
    var lemmas = false

    @Flag(help: "Also write attributes.json: heads with an adjective, a participle or a number.")
    var attributes = false

    @Flag(help: "Also write relations.json: two heads with the verb or preposition between them.")
    var relations = false

    @Option(help: "Directory of WordNet's database.")
    var wordnet = WordNet.defaultPath

    @Option(
        help: ArgumentHelp(
            "Tagger of 'train-tagger'; the one of the package by default.", valueName: "file"))
    var tagger: String?

    @Option(help: "Threads; all cores by default.")
    var workers = ProcessInfo.processInfo.activeProcessorCount

    @OptionGroup var output: OutputFileOptions

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
        guard minCount > 0 else { throw ValidationError("--min-count must be 1 or more") }
        guard (maxConcepts ?? 1) > 0 else {
            throw ValidationError("--max-concepts must be 1 or more")
        }
    }

    func run() throws {
        var options = NounExtractor.Options()
        options.usesLemmas = lemmas
        options.takesAttributes = attributes
        options.takesRelations = relations
        let outputs = outputs
        try output.check(
            [outputs.concepts, outputs.counts]
                + [outputs.attributes, outputs.relations].compactMap(\.self), inputs: files)
        let records = try files.map { try RecordFile(path: $0) }
        let all = records.map(\.count).reduce(0, +)
        let wordNet = try WordNet(path: wordnet)
        let tagger = try tagger.map { try PerceptronTagger(path: $0) } ?? .standard()
        var extraction = ConceptExtraction()
        var before = 0
        let bar = CountingBar(unit: "records", title: "extract")
        bar.update(0, of: all, here: 0)
        for file in records {
            try extraction.add(
                file, field: field, wordNet: wordNet, tagger: tagger, options, workers: workers
            ) {
                bar.update(before + $0, of: all, here: before + $0)
            }
            before += file.count
        }
        try write(extraction)
    }

    private func write(_ extraction: ConceptExtraction) throws {
        let concepts = extraction.heads.sorted(minCount: minCount, maxConcepts: maxConcepts)
        print(
            "\(extraction.captions) captions name \(extraction.heads.count) different concepts; "
                + "\(concepts.count) are kept")
        if extraction.skipped > 0 {
            print("\(extraction.skipped) records were left out, whose captions are no UTF-8 text")
        }
        guard !concepts.isEmpty else {
            throw ValidationError(
                "no concept is left: lower --min-count, or name the field of the captions with "
                    + "--field")
        }
        try makeDirectory(outputDir)
        let outputs = outputs
        try writeTexts(concepts.map(\.name), to: outputs.concepts)
        try writeCounts(concepts, to: outputs.counts)
        for (path, counts) in [
            (outputs.attributes, extraction.attributes),
            (outputs.relations, extraction.relations),
        ] {
            if let path { try writeCounts(counts.sorted(minCount: minCount), to: path) }
        }
        print("look at \(outputs.counts)")
    }

    /// The files of the result.
    private var outputs: (concepts: String, counts: String, attributes: String?, relations: String?)
    {
        func path(_ name: String) -> String {
            (outputDir as NSString).appendingPathComponent(name)
        }
        return (
            path("concepts.json"), path("counts.json"),
            attributes ? path("attributes.json") : nil, relations ? path("relations.json") : nil
        )
    }
}
