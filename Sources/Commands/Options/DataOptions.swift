import ArgumentParser
import Datasets
import Foundation

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
    func location(_ absolutePaths: ImagePaths.AbsolutePaths = .kept) throws -> DataLocation {
        DataLocation(
            images: try images.paths(absolutePaths), annotationDirectory: dataJsonDir,
            allowsMissingImages: allowMissingImages)
    }
}

/// Where annotations and images lie.
struct DataLocation {
    let images: ImagePaths
    let annotationDirectory: String
    let allowsMissingImages: Bool

    func annotationFile(_ name: String) -> String {
        name.hasPrefix("/") || annotationDirectory.isEmpty
            ? name : (annotationDirectory as NSString).appendingPathComponent(name)
    }
}
