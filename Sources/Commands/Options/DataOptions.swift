import ArgumentParser
import Datasets
import Foundation

/// Where annotations and images lie.
struct DataOptions: ParsableArguments {
    @Option(
        name: [.long, .customLong("data_dir")],
        help: "Directory that image paths start from.")
    var dataDir = ""

    @Option(
        name: [.long, .customLong("data_json_dir")],
        help: "Directory of the annotation files that the configuration names.")
    var dataJsonDir = ""

    @Option(
        help: ArgumentHelp(
            "Beginning of image paths and what to put in its place; may be repeated.",
            valueName: "from=to"))
    var replacePrefix: [String] = []

    @Flag(help: "Go on without images that are missing; each is replaced by another and reported.")
    var allowMissingImages = false

    /// What the options say.
    func location() throws -> DataLocation {
        DataLocation(
            images: ImagePaths(
                dataDirectory: dataDir,
                replacements: try replacePrefix.map { text in
                    let parts = text.split(
                        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    guard parts.count == 2, !parts[0].isEmpty else {
                        throw ValidationError("--replace-prefix takes from=to, not '\(text)'")
                    }
                    return (String(parts[0]), String(parts[1]))
                }),
            annotationDirectory: dataJsonDir, allowsMissingImages: allowMissingImages)
    }
}

/// Where annotations and images lie.
struct DataLocation {
    let images: ImagePaths
    let annotationDirectory: String
    let allowsMissingImages: Bool

    init(images: ImagePaths, annotationDirectory: String, allowsMissingImages: Bool) {
        self.images = images
        self.annotationDirectory = annotationDirectory
        self.allowsMissingImages = allowsMissingImages
    }

    /// Both in one directory.
    init(directory: String) {
        self.init(
            images: ImagePaths(dataDirectory: directory), annotationDirectory: directory,
            allowsMissingImages: false)
    }

    func annotationFile(_ name: String) -> String {
        name.hasPrefix("/") || annotationDirectory.isEmpty
            ? name : (annotationDirectory as NSString).appendingPathComponent(name)
    }
}
