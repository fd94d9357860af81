import ArgumentParser
import Concepts
import Datasets
import Foundation
import Text
import Torch

/// `vicha concepts attach`
struct AttachConcepts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Write annotation files with the concepts of each image.",
        discussion: """
            Adds the field kwords (for NLVR2 kwords1 and kwords2) with the concepts whose \
            embeddings have the largest cosine with the image's, best first; other fields stay \
            as they are. Records whose image could not be embedded are left out and counted. \
            Results are named after their files.

            With --one-pass the images are embedded here and only their concepts are kept, 60 \
            bytes for 15 of them instead of 2 kB: for many images and few disks. It too goes on \
            where it was stopped.

            EXAMPLES
              vicha concepts attach train.json --concepts embedded/concepts \\
                --images embedded/images --output-dir with_concepts
              vicha concepts attach train.json --concepts embeddings.json \\
                --images image_embeddings.json --official-rounding --output-dir with_concepts
              vicha concepts attach train.json --concepts embedded/concepts --one-pass \\
                --clip ViT-B-16.pt --data-dir /data --output-dir with_concepts
              vicha concepts attach refcoco+_train.json refcoco+_test.json \\
                --concepts embedded/concepts --images embedded/images --output-dir with_concepts \\
                --copy refcoco+
            """)

    @Argument(help: "Annotation files.")
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "Embeddings of the vocabulary, from 'embed-text' or the official scripts.",
            valueName: "directory"))
    var concepts: String

    @Option(
        name: .customLong("images"),
        help: ArgumentHelp(
            "Embeddings of the images, from 'embed-images' or the official scripts.",
            valueName: "directory"))
    var embeddedImages: String?

    @Flag(help: "Embed the images here, and keep only their concepts.")
    var onePass = false

    @Option(help: "Concepts of an image.")
    var top = 15

    @Option(name: [.long, .customLong("output_dir")], help: "Directory of the results.")
    var outputDir: String

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Files and directories that belong beside the results, copied as they are.",
            valueName: "path"))
    var copy: [String] = []

    @OptionGroup var output: OutputFileOptions
    @OptionGroup var rounding: RoundingOptions
    @OptionGroup var images: EmbeddedImageOptions
    @OptionGroup var storage: StorageOptions
    @OptionGroup var clip: CLIPOptions

    func validate() throws {
        guard onePass != (embeddedImages != nil) else {
            throw ValidationError("give either --images with embeddings or --one-pass with --clip")
        }
    }

    func run() throws {
        let outputs = try OutputFiles(files, in: outputDir, output)
        let copied = try CopiedFiles(
            copy, to: outputDir, beside: outputs.pairs.map(\.output))
        let records = try files.map { try RecordFile(path: $0) }
        let vocabulary = try ShardedTable(path: concepts)
        let ranks =
            onePass
            ? try TemporaryTable(path: (outputDir as NSString).appendingPathComponent("ranks"))
            : nil
        let attachment =
            try ranks.map { try rankedInOnePass(records, vocabulary, $0.path) }
            ?? ranked(records, vocabulary)
        for (file, pair) in zip(records, outputs.pairs) {
            let report = try attachment.write(file, to: pair.output)
            print("\(pair.output): \(report.written) records")
            if report.leftOut > 0 {
                print("  \(report.leftOut) left out, whose images could not be read")
            }
            if report.withoutDirection > 0 {
                print(
                    "  \(report.withoutDirection) left out, whose images have embeddings that are "
                        + "zero or not finite")
            }
        }
        try ConceptOrigin(
            vocabulary: concepts, clip: clip.model.clip ?? vocabulary.model, count: top
        )
        .write(to: outputDir)
        try copied.copy()
        // What was kept to go on from has served its purpose.
        ranks?.remove()
    }

    private func ranked(_ records: [RecordFile], _ vocabulary: ShardedTable) throws
        -> ConceptAttachment
    {
        let bar = CountingBar(unit: "images", title: "attach")
        return try ConceptAttachment(
            images: ShardedTable(path: embeddedImages ?? ""), concepts: vocabulary, count: top,
            rounding: rounding.rounding, files: records, device: clip.device.resolved(),
            progress: { bar.update($0, of: $1, here: $0) })
    }

    private func rankedInOnePass(
        _ records: [RecordFile], _ vocabulary: ShardedTable, _ directory: String
    ) throws -> ConceptAttachment {
        var names = StringTable()
        for file in records { try file.collectImageNames(into: &names) }
        try clip.encoder().rank(
            images: names, path: images.path(), concepts: vocabulary, count: top,
            rounding: rounding.rounding,
            storage.table(directory, names: names.count, unit: "images", title: "attach"))
        let table = try ShardedTable(path: directory)
        report(skipped: table.skipped)
        return try ConceptAttachment(ranks: table, vocabulary: vocabulary.names)
    }
}
