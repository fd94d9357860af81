import ArgumentParser
import Concepts
import Datasets
import Files
import Foundation
import Text
import Torch
import Training
import ViCHA

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
                --checkpoint output/flickr/checkpoint_best.safetensors \\
                --concepts vocabulary/concepts.json --clip ViT-B-16.pt
              vicha retrieval index output/demo/scenes/images/test --output-dir output/index \\
                --checkpoint output/demo/retrieval/checkpoint_last.safetensors \\
                --vocabulary output/demo/scenes/vocab.txt --top 4 \\
                --concepts output/demo/concepts/text --clip output/demo/clip
            """)

    @Argument(help: "Directory of the images.")
    var directory: String

    @Option(name: [.long, .customLong("output_dir")], help: "Directory of the index.")
    var outputDir: String

    @OptionGroup var options: TrainedModelOptions
    @OptionGroup var concepts: ImageConceptOptions
    @OptionGroup var storage: StorageOptions

    /// Images that go through the model at once.
    private static let batchSize = 32

    func run() throws {
        var names = StringTable()
        for file in try SearchImages.imageFiles(directory) { names.insert(file) }
        // Beside a table of this program it is this program's; alone it is somebody else's.
        if !FileManager.default.fileExists(atPath: path(ImageIndex.features)) {
            try OutputFileError.checkIsFree(path(IndexedConcepts.vocabulary))
        }
        let trained = try TrainedRetrieval(options)
        try makeDirectory(outputDir)
        let bar = storage.table(
            path(ImageIndex.features), names: names.count, unit: "images", title: "index")
        let writer = try TableWriter(
            directory: bar.directory, content: .features,
            source: ImageIndex.source(options.checkpoint, hasConcepts: concepts.concepts != nil),
            width: trained.configuration.settings.model.embedDim, names: names,
            shardSize: storage.shardSize)
        let found = try findConcepts(of: names, trained)
        try writer.run(progress: bar.progress) { range, progress in
            let (images, skipped) = try ImageConceptOptions.readable(
                range.map { names[$0] }, pixelLimit: trained.configuration.settings.images.maxPixels
            )
            return .init(
                values: try features(of: images, found, trained, progress), skipped: skipped)
        }
        let table = try ShardedTable(path: bar.directory)
        print("\(table.count) images are in \(outputDir)")
        report(skipped: table.skipped)
    }

    private func path(_ name: String) -> String {
        (outputDir as NSString).appendingPathComponent(name)
    }

    /// The concepts of each image, nil where none are wanted.
    private func findConcepts(of names: StringTable, _ trained: TrainedRetrieval) throws
        -> IndexedConcepts?
    {
        guard let vocabulary = concepts.concepts else {
            if trained.configuration.settings.model.usesConcepts {
                note(ImageConceptOptions.missing)
            }
            return nil
        }
        let encoder = try concepts.clip.encoder(
            on: trained.device, autocast: trained.autocast,
            pixelLimit: trained.configuration.settings.images.maxPixels)
        let table = try encoder.vocabulary(vocabulary, storedIn: path("vocabulary"))
        let bar = storage.table(
            path(IndexedConcepts.table), names: names.count, unit: "images", title: "concepts")
        try encoder.rank(
            images: names, path: { $0 }, concepts: table, count: min(concepts.top, table.count),
            rounding: .full, bar)
        try writeTexts(
            (0..<table.count).map { table.names[$0] }, to: path(IndexedConcepts.vocabulary))
        return try IndexedConcepts(directory: outputDir)
    }

    /// Normalised. `[images, E]` on the CPU
    private func features(
        of images: [String], _ concepts: IndexedConcepts?, _ trained: TrainedRetrieval,
        _ progress: @escaping (Int) -> Void
    ) throws -> Tensor {
        let inputs = trained.inputs(
            images: images, concepts: try images.map { try concepts?($0) ?? [] }, texts: [])
        let loader = PrefetchingLoader(
            records: images.count, batchSize: Self.batchSize, workers: 2
        ) { try inputs.images($0) }
        defer { loader.stop() }
        var parts: [Tensor] = []
        var done = 0
        while let arrays = try loader.next() {
            let encoded = withAutocast(trained.autocast, on: trained.device) {
                trained.model.scorer.encode(
                    images: arrays.tensor.to(device: trained.device),
                    concepts: arrays.concepts.map { TokenBatch($0).to(device: trained.device) })
            }
            let features = try encoded.features.to(dtype: .float32).to(device: .cpu).checked()
            let (first, width) = (done, features.size(1))
            try ScoreError.check(features, "feature") { "'\(images[first + $0 / width])'" }
            parts.append(features)
            done += arrays.rows
            progress(done)
        }
        return parts.isEmpty
            ? .zeros([0, trained.configuration.settings.model.embedDim])
            : .concatenated(parts, dimension: 0)
    }
}
