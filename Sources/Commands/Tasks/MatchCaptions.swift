import ArgumentParser
import Datasets
import Files
import Foundation
import Reports
import Tasks
import Text

/// `vicha retrieval match`
struct MatchCaptions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "match",
        abstract: "Find the captions that fit an image best.",
        discussion: """
            Captions come from a JSON file (a list of texts, or an annotation file) or from a text \
            file with one a line.

            EXAMPLES
              vicha retrieval match photo.jpg --captions captions.txt \\
                --model output/flickr
              vicha retrieval match output/demo/scenes/images/test/000000.jpg \\
                --captions output/demo/scenes/retrieval_test.json \\
                --model output/demo/retrieval
            """)

    @Argument(help: "Image file.")
    var image: String

    @Option(help: ArgumentHelp("Captions to choose from.", valueName: "file"))
    var captions: String

    @OptionGroup var options: SearchOptions

    func run() throws {
        let texts = try Self.texts(captions)
        let trained = try options.trained.open(RetrievalTask.self)
        let found = try options.concepts.find([image], trained)
        let results = try trained.match(
            found.images[0], with: texts, concepts: found.concepts[0], count: options.results,
            matches: !options.dual)
        try options.show(results) { results in
            ResultPage(
                title: image, query: image,
                results: results.map { .text($0.item, score: $0.score) })
        }
    }

    /// Each caption once, in the order of the file.
    private static func texts(_ file: String) throws -> [String] {
        var seen: Set<ExactString> = []
        var texts: [String] = []
        func add(_ text: String) {
            if !text.strippedOfPythonSpace().isEmpty, seen.insert(ExactString(text)).inserted {
                texts.append(text)
            }
        }
        if (file as NSString).pathExtension.lowercased() == "json" {
            try JSONFile.readTexts(path: file, field: "caption", add)
        } else {
            guard let lines = try? TextFile.lines(path: file),
                lines.allSatisfy({ String(validating: $0, as: UTF8.self) != nil })
            else { throw ValidationError("'\(file)' is no UTF-8 text file with a caption a line") }
            for line in lines { add(String(decoding: line, as: UTF8.self)) }
        }
        guard !texts.isEmpty else { throw ValidationError("there is no caption in '\(file)'") }
        return texts
    }
}
