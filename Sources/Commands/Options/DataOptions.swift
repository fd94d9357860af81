import ArgumentParser
import Datasets
import Foundation
import Tasks
import Text

/// Where annotations and images lie.
struct DataOptions: ParsableArguments {
    @OptionGroup var images: ImageOptions

    @Option(
        name: [.long, .customLong("data_json_dir")],
        help: "Directory of the annotation files that the configuration names.")
    var dataJsonDir = ""

    @Flag(
        help:
            "Go on without images that are missing: training replaces each by another, an evaluation leaves out what needs it; both say so."
    )
    var allowMissingImages = false

    /// The same options for another command.
    var arguments: [String] {
        [("--data-dir", images.dataDir), ("--data-json-dir", dataJsonDir)].flatMap {
            $1.isEmpty ? [] : [$0, $1]
        } + images.replacePrefix.flatMap { ["--replace-prefix", $0] }
            + (allowMissingImages ? ["--allow-missing-images"] : [])
    }

    /// What the options say.
    func source(_ tokenizer: WordPieceTokenizer) throws -> TaskSource {
        TaskSource(
            images: try paths(.kept), annotationDirectory: dataJsonDir, tokenizer: tokenizer)
    }

    /// Where images lie, and whether they may be missing.
    func paths(_ absolutePaths: ImagePaths.AbsolutePaths) throws -> ImagePaths {
        var paths = try images.paths(absolutePaths)
        paths.allowsMissingImages = allowMissingImages
        return paths
    }

    /// The place of an annotation file.
    func file(_ name: String) -> String { AnnotationFile.path(name, in: dataJsonDir) }
}
