import ArgumentParser
import Datasets
import Foundation

/// Where images lie.
struct ImageOptions: ParsableArguments {
    @Option(
        name: [.long, .customLong("data_dir")],
        help: "Directory that image paths start from.")
    var dataDir = ""

    @Option(
        help: ArgumentHelp(
            "Beginning of image paths and what to put in its place; may be repeated.",
            valueName: "from=to"))
    var replacePrefix: [String] = []

    /// What the options say.
    func paths(_ absolutePaths: ImagePaths.AbsolutePaths) throws -> ImagePaths {
        ImagePaths(
            dataDirectory: dataDir, absolutePaths: absolutePaths,
            replacements: try replacePrefix.map { text in
                let parts = text.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty else {
                    throw ValidationError("--replace-prefix takes from=to, not '\(text)'")
                }
                return (String(parts[0]), String(parts[1]))
            })
    }
}

/// Where the images lie that CLIP is to look at.
struct EmbeddedImageOptions: ParsableArguments {
    @OptionGroup var images: ImageOptions

    @Option(
        help: ArgumentHelp(
            "What to append to image names that have no extension, as those of the entailment files.",
            valueName: ".jpg"))
    var imageExtension = ""

    /// The place of an image.
    func path() throws -> (String) -> String {
        let (paths, suffix) = (try images.paths(.shortenedWhereMissing), imageExtension)
        return { name in
            paths.resolve((name as NSString).pathExtension.isEmpty ? name + suffix : name)
        }
    }
}
