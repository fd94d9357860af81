import ArgumentParser
import Concepts
import Datasets
import Text
import Torch

/// `vicha concepts embed-images`
struct EmbedImages: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Embed the images of annotation files.",
        discussion: """
            Each image is embedded once, however many records name it. Images that are missing \
            or damaged are counted, listed and left out. Stopped at any time, the same command goes \
            on; started several times at once, also on several machines with one file system, its \
            processes share the work.

            EXAMPLES
              vicha concepts embed-images train.json val.json --data-dir /data \\
                --clip ViT-B-16.pt --output-dir embedded/images
              CUDA_VISIBLE_DEVICES=0 vicha concepts embed-images train.json --data-dir /data \\
                --clip ViT-B-16.pt --fp16 --precision bf16 --output-dir embedded/images &
              CUDA_VISIBLE_DEVICES=1 vicha concepts embed-images train.json --data-dir /data \\
                --clip ViT-B-16.pt --fp16 --precision bf16 --output-dir embedded/images
            """)

    @Argument(help: "Annotation files.")
    var files: [String]

    @Option(name: [.long, .customLong("output_dir")], help: "Directory of the embeddings.")
    var outputDir: String

    @Flag(name: .customLong("fp16"), help: "Store float16 instead of float32.")
    var storesHalf = false

    @OptionGroup var images: EmbeddedImageOptions
    @OptionGroup var storage: StorageOptions
    @OptionGroup var clip: CLIPOptions

    func run() throws {
        var names = StringTable()
        for file in files { try RecordFile(path: file).collectImageNames(into: &names) }
        var options = storage.table(
            outputDir, names: names.count, unit: "images", title: "embed-images")
        options.dtype = storesHalf ? .float16 : .float32
        try clip.encoder().write(images: names, path: images.path(), options)
        let table = try ShardedTable(path: outputDir)
        print("\(table.count) images are embedded in \(outputDir)")
        report(skipped: table.skipped)
    }
}

/// Images that are listed; the table itself lists all.
private let listedImages = 20

/// Says which images could not be read.
func report(skipped: [SkippedName]) {
    guard !skipped.isEmpty else { return }
    print("\(skipped.count) could not be read:")
    for image in skipped.prefix(listedImages) { print("  \(image.reason)") }
    if skipped.count > listedImages { print("  and \(skipped.count - listedImages) more") }
}
