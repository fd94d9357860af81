import ArgumentParser
import Concepts
import Datasets
import Images
import Torch

/// Visual concepts for images that stand in no annotation file.
struct ImageConceptOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Embeddings of a vocabulary, or the vocabulary itself, of which --clip finds the nearest "
                + "for each image.", valueName: "path"))
    var concepts: String?

    @Option(help: "Concepts of an image.")
    var top = 15

    @OptionGroup var clip: CLIPModelOptions

    /// Said where a model with concepts gets none.
    static let missing =
        "no concepts: the model was trained with some; --concepts with --clip finds them"

    func validate() throws {
        guard (concepts == nil) == (clip.clip == nil) else {
            throw ValidationError("--concepts and --clip find concepts together: give both")
        }
    }

    /// The concepts of each image that can be read, in the images' order.
    func find(
        _ images: [String], isNeeded: Bool, pixelLimit: Int, device: Device, autocast: DType?
    ) throws -> (images: [String], concepts: [[String]]) {
        guard let concepts else {
            if isNeeded { note(Self.missing) }
            let (readable, skipped) = try Self.readable(images, pixelLimit: pixelLimit)
            if readable.isEmpty, let first = skipped.first {
                throw ConceptError.noReadableImage(name: first.name, reason: first.reason)
            }
            report(skipped: skipped)
            return (readable, Array(repeating: [], count: readable.count))
        }
        let finder = try ConceptFinder(
            clip.encoder(on: device, autocast: autocast, pixelLimit: pixelLimit),
            vocabulary: concepts, count: top)
        let (found, skipped) = try finder(images)
        report(skipped: skipped)
        return (found.map(\.path), found.map { $0.concepts.map(\.name) })
    }

    /// The images that can be read, and the others.
    static func readable(_ images: [String], pixelLimit: Int) throws -> (
        images: [String], skipped: [SkippedName]
    ) {
        let loader = PrefetchingLoader(0..<images.count, workers: 2, ahead: 8) { number in
            let path = images[number]
            do {
                _ = try ImageDecoder.decode(path: path, shortSide: 1, limit: pixelLimit)
                return SkippedName?.none
            } catch {
                return SkippedName(name: path, reason: "\(error)")
            }
        }
        defer { loader.stop() }
        var readable: [String] = []
        var skipped: [SkippedName] = []
        for image in images {
            guard let failure = try loader.next() else { break }
            if let failure { skipped.append(failure) } else { readable.append(image) }
        }
        return (readable, skipped)
    }
}
