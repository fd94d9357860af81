import ArgumentParser
import Datasets
import Foundation

/// `vicha retrieval search`
struct SearchImages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find the images of a directory or an index that fit a text best.",
        discussion: """
            Ranks images by the cosine of their features with the text's, then the best k_test of them \
            by the matching head, prints the first, and with --html writes a page to look at. --dual \
            leaves the matching head out. All JPEG and PNG files below a directory are encoded for \
            each search; those of an index ('retrieval index') have been before.

            EXAMPLES
              vicha retrieval search "two dogs in the snow" --images photos \\
                --checkpoint output/flickr/checkpoint_best.safetensors --html results.html \\
                --concepts vocabulary/concepts.json --clip ViT-B-16.pt
              vicha retrieval search "a red car on the grass" --index output/index \\
                --checkpoint output/demo/retrieval/checkpoint_last.safetensors \\
                --vocabulary output/demo/scenes/vocab.txt --html output/search.html
            """)

    @Argument(help: "What to look for.")
    var text: String

    @Option(help: ArgumentHelp("Directory of the images.", valueName: "directory"))
    var images: String?

    @Option(help: ArgumentHelp("Directory of an index of images.", valueName: "directory"))
    var index: String?

    @OptionGroup var options: SearchOptions

    func validate() throws {
        guard (images == nil) != (index == nil) else {
            throw ValidationError("give either --images or --index")
        }
    }

    func run() throws {
        let trained = try TrainedRetrieval(options.trained)
        let found: (images: [String], concepts: [[String]])
        if let index {
            found = try ImageIndex(
                directory: index, checkpoint: options.trained.checkpoint
            ).candidates(
                of: text, trained,
                count: options.dual ? options.results : trained.configuration.candidates)
        } else {
            found = try options.concepts.find(
                Self.imageFiles(images ?? ""),
                isNeeded: trained.configuration.settings.model.usesConcepts,
                pixelLimit: trained.configuration.settings.images.maxPixels,
                device: trained.device, autocast: trained.autocast)
        }
        let search = try trained.search(
            images: found.images, concepts: found.concepts, texts: [text],
            matches: !options.dual)
        try options.show(search.imagesOfText(0, count: options.results)) { found in
            ResultPage(
                title: text, results: found.map { .image(path: $0.item, score: $0.score) })
        }
    }

    /// All images below a directory, in the order of their paths; links are followed.
    static func imageFiles(_ directory: String) throws -> [String] {
        let found = ImageDirectory(directory)
        for name in found.unnamed {
            note("'\(name)' is left out, since its name is no UTF-8; rename it")
        }
        guard !found.files.isEmpty else {
            throw ValidationError("there is no JPEG or PNG file below '\(directory)'")
        }
        return found.files
    }
}
