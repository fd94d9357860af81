import ArgumentParser
import Concepts
import Datasets
import Files
import Foundation
import Tasks
import Text
import Training

/// `vicha retrieval index`
struct IndexImages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Encode the images of a directory once, for many searches.",
        discussion: """
            Writes the features of all JPEG and PNG files below a directory and, with --concepts and \
            --clip, what CLIP finds in them. Images that cannot be read are counted, listed and left \
            out. Stopped at any time, the same command goes on; started several times at once, its \
            processes share the work. An index belongs to the checkpoint it was made with.

            EXAMPLES
              vicha retrieval index photos --output-dir output/index \\
                --model output/flickr
              vicha retrieval index output/demo/scenes/images/test --output-dir output/index \\
                --model output/demo/retrieval
            """)

    @Argument(help: "Directory of the images.")
    var directory: String

    @Option(name: [.long, .customLong("output_dir")], help: "Directory of the index.")
    var outputDir: String

    @OptionGroup var options: TrainedModelOptions
    @OptionGroup var concepts: ImageConceptOptions
    @OptionGroup var storage: StorageOptions

    func run() throws {
        var names = StringTable()
        for file in try SearchImages.imageFiles(directory) { names.insert(file) }
        // Beside a table of this program it is this program's; alone it is somebody else's.
        let table = ImageIndex.table(outputDir)
        if !FileManager.default.fileExists(atPath: table) {
            try OutputFileError.checkIsFree(IndexedConcepts.vocabularyFile(outputDir))
        }
        let trained = try options.open(RetrievalTask.self)
        try makeDirectory(outputDir)
        let index = try ImageIndex.write(
            names, trained, concepts: findConcepts(of: names, trained), to: outputDir,
            storage.table(table, names: names.count, unit: "images", title: "index"))
        print("\(index.count) images are in \(outputDir)")
        report(skipped: index.skipped)
    }

    /// The concepts of each image, nil where none are wanted.
    private func findConcepts(of names: StringTable, _ trained: TrainedModel<RetrievalTask>) throws
        -> IndexedConcepts?
    {
        guard let source = try concepts.finder(trained) else { return nil }
        let encoder = try source.encoder()
        let vocabulary = try encoder.vocabulary(
            source.vocabulary,
            storedIn: (outputDir as NSString).appendingPathComponent("vocabulary"))
        try encoder.rank(
            images: names, path: { $0 }, concepts: vocabulary,
            count: min(source.count, vocabulary.count), rounding: .full,
            storage.table(
                IndexedConcepts.table(outputDir), names: names.count, unit: "images",
                title: "concepts"))
        try writeTexts(
            (0..<vocabulary.count).map { vocabulary.names[$0] },
            to: IndexedConcepts.vocabularyFile(outputDir))
        return try IndexedConcepts(directory: outputDir)
    }
}
