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

    func paths() throws -> ImagePaths {
        ImagePaths(
            dataDirectory: dataDir,
            replacements: try replacePrefix.map { text in
                let parts = text.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty else {
                    throw ValidationError("--replace-prefix takes from=to, not '\(text)'")
                }
                return (String(parts[0]), String(parts[1]))
            })
    }

    func annotationFile(_ name: String) -> String {
        name.hasPrefix("/") || dataJsonDir.isEmpty
            ? name : (dataJsonDir as NSString).appendingPathComponent(name)
    }
}
