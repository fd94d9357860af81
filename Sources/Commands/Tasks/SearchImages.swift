import ArgumentParser
import Files
import Foundation
import Reports
import Tasks

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
                --model output/flickr --html results.html
              vicha retrieval search "a red car on the grass" --index output/index \\
                --model output/demo/retrieval \\
                --html output/search.html
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
        let trained = try options.trained.open(RetrievalTask.self)
        let found =
            try index.map {
                try ImageIndex(directory: $0, trained).candidates(
                    of: text, trained,
                    count: options.dual ? options.results : trained.configuration.candidates)
            } ?? options.concepts.find(Self.imageFiles(images ?? ""), trained)
        let results = try trained.search(
            text, in: found.images, concepts: found.concepts, count: options.results,
            matches: !options.dual)
        try options.show(results) { results in
            ResultPage(
                title: text, results: results.map { .image(path: $0.item, score: $0.score) })
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

/// What the commands take that search with a trained model.
struct SearchOptions: ParsableArguments {
    @Option(help: "Results to show.")
    var results = 10

    @Option(help: ArgumentHelp("A page to write.", valueName: "path"))
    var html: String?

    @Flag(help: "Rank by the features alone, without the matching head.")
    var dual = false

    @OptionGroup var trained: TrainedModelOptions
    @OptionGroup var concepts: ImageConceptOptions

    func validate() throws {
        guard results > 0 else { throw ValidationError("--results must be 1 or more") }
        if let html { try MarkedFile.check(html) }
    }

    /// Prints results, and writes the page where one is wanted.
    func show(
        _ found: [RetrievalResult], page: ([RetrievalResult]) throws -> ResultPage
    ) throws {
        for (place, result) in found.enumerated() {
            print(String(format: "%3d  %7.3f  ", place + 1, result.score) + result.item)
        }
        guard let html else { return }
        try page(found).page().write(to: html)
        print("look at \(html)")
    }
}
