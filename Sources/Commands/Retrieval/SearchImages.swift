import ArgumentParser
import Datasets
import Foundation

/// `vicha retrieval search`
struct SearchImages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find the images of a directory that fit a text best.",
        discussion: """
            Ranks all JPEG and PNG files below a directory by the cosine of their features with the \
            text's, then the best k_test of them by the matching head, prints the first, and with \
            --html writes a page to look at. --dual leaves the matching head out.

            EXAMPLES
              vicha retrieval search "two dogs in the snow" --images photos \\
                --checkpoint output/flickr/checkpoint_best.safetensors --html results.html \\
                --concepts vocabulary/concepts.json --clip ViT-B-16.pt
              vicha retrieval search "a red car on the grass" --images output/demo/scenes/images/test \\
                --checkpoint output/retrieval/checkpoint_best.safetensors \\
                --vocabulary output/demo/scenes/vocab.txt --top 4 \\
                --concepts output/demo/concepts/text --clip output/demo/clip
            """)

    @Argument(help: "What to look for.")
    var text: String

    @Option(help: ArgumentHelp("Directory of the images.", valueName: "directory"))
    var images: String

    @OptionGroup var options: SearchOptions

    func run() throws {
        let search = try TrainedRetrieval(
            options, images: Self.imageFiles(images), texts: [text])
        try options.show(search.imagesOfText(0, count: options.results)) { found in
            ResultPage(
                title: text, results: found.map { .image(path: $0.item, score: $0.score) })
        }
    }

    /// All pictures below a directory, in the order of their paths.
    private static func imageFiles(_ directory: String) throws -> [String] {
        let names = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String }
        let files = (names ?? []).filter {
            ["jpg", "jpeg", "png"].contains(($0 as NSString).pathExtension.lowercased())
        }
        guard !files.isEmpty else {
            throw ValidationError("there is no JPEG or PNG file below '\(directory)'")
        }
        return files.sorted().map { (directory as NSString).appendingPathComponent($0) }
    }
}
