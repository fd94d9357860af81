import ArgumentParser
import Concepts
import Datasets
import Foundation

/// `vicha filter`
struct FilterCaptions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filter",
        abstract: "Keep the captions that fit their images best by CLIP.",
        discussion: """
            The paper pretrains on 800 thousand pairs that are left of 1.1 million this way.

            EXAMPLES
              vicha filter per-image train.json --share 0.4 --clip ViT-B-16.pt --data-dir /data \\
                --output-dir filtered
              vicha filter percentage train.json --share 0.7 --images embedded/images \\
                --captions embedded/captions --store-similarity --output-dir filtered
            """,
        subcommands: [FilterPerImage.self, FilterPercentage.self])
}

/// `vicha filter per-image`
struct FilterPerImage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "per-image",
        abstract: "Keep the best share of the captions of each image.",
        discussion: """
            At least one caption of each image stays. The official script rounds the number down \
            and loses images of few captions; --drop-to-zero does the same.

            EXAMPLES
              vicha filter per-image train.json --share 0.4 --clip ViT-B-16.pt --data-dir /data \\
                --output-dir filtered
              vicha filter per-image train.json --share 0.4 --drop-to-zero --official-rounding \\
                --images embedded/images --captions embedded/captions --output-dir filtered
            """)

    @Option(help: "Share of captions to keep, more than 0 and at most 1.")
    var share: Double

    @Flag(help: "Let images go of whose captions the share is less than one.")
    var dropToZero = false

    @OptionGroup var filtering: FilterOptions

    func run() throws {
        try filtering.filter(.perImage(share: share, keepsEveryImage: !dropToZero))
    }
}

/// `vicha filter percentage`
struct FilterPercentage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "percentage",
        abstract: "Keep the best share of all pairs of a file.",
        discussion: """
            EXAMPLES
              vicha filter percentage train.json --share 0.7 --clip ViT-B-16.pt --data-dir /data \\
                --output-dir filtered
            """)

    @Option(help: "Share of pairs to keep, more than 0 and at most 1.")
    var share: Double

    @OptionGroup var filtering: FilterOptions

    func run() throws { try filtering.filter(.overall(share: share)) }
}

/// What both filters share.
struct FilterOptions: ParsableArguments {
    @Argument(help: "Annotation files; each is filtered by itself.")
    var files: [String]

    @Option(
        name: .customLong("images"),
        help: ArgumentHelp("Embeddings of the images.", valueName: "directory"))
    var embeddedImages: String?

    @Option(
        name: .customLong("captions"),
        help: ArgumentHelp("Embeddings of the captions.", valueName: "directory"))
    var embeddedCaptions: String?

    @Flag(help: "Write the similarity of each pair to its record, as the field sim.")
    var storeSimilarity = false

    @Option(name: [.long, .customLong("output_dir")], help: "Directory of the results.")
    var outputDir: String

    @OptionGroup var output: OutputFileOptions
    @OptionGroup var rounding: RoundingOptions
    @OptionGroup var images: EmbeddedImageOptions
    @OptionGroup var storage: StorageOptions
    @OptionGroup var clip: CLIPOptions

    func validate() throws {
        guard (embeddedImages == nil) == (embeddedCaptions == nil),
            (embeddedImages == nil) != (clip.model.clip == nil)
        else {
            throw ValidationError(
                "give either --images and --captions with embeddings, or --clip with a model")
        }
    }

    /// Filters each file.
    func filter(_ rule: CaptionFilter.Rule) throws {
        let outputs = try OutputFiles(files, in: outputDir, self.output)
        try rule.validate()
        for (input, output) in outputs.pairs {
            let filter = try CaptionFilter(RecordFile(path: input))
            let partial =
                clip.model.clip == nil ? nil : try TemporaryTable(path: output + ".similarities")
            let similarities = try similarities(filter, partial)
            let report = try filter.write(
                rule, similarities: similarities, storesSimilarity: storeSimilarity, to: output)
            print("\(output): \(report.kept) of \(report.pairs) pairs")
            if report.unreadable > 0 {
                print("  \(report.unreadable) left out, whose images could not be read")
            }
            if report.notFinite > 0 {
                print("  \(report.notFinite) left out, whose similarity is no finite number")
            }
            // What was kept to go on from has served its purpose.
            partial?.remove()
        }
        // Filtered records have the concepts that they had before.
        try files.first.flatMap { try ConceptOrigin(beside: $0) }?.write(to: outputDir)
    }

    private func similarities(_ filter: CaptionFilter, _ partial: TemporaryTable?) throws
        -> [Float?]
    {
        guard let partial else {
            let bar = CountingBar(unit: "pairs", title: "filter")
            return try filter.similarities(
                images: ShardedTable(path: embeddedImages ?? ""),
                captions: ShardedTable(path: embeddedCaptions ?? ""), rounding: rounding.rounding,
                progress: { bar.update($0, of: filter.pairCount, here: $0) })
        }
        return try filter.similarities(
            clip.encoder(), path: images.path(), rounding: rounding.rounding,
            storage.table(partial.path, names: filter.pairCount, unit: "pairs", title: "filter"))
    }
}
