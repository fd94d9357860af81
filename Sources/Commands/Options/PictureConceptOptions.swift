import ArgumentParser
import Concepts
import Torch

/// Visual concepts for pictures that stand in no annotation file.
struct PictureConceptOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Embeddings of a vocabulary, or the vocabulary itself, of which --clip finds the nearest "
                + "for each picture.", valueName: "path"))
    var concepts: String?

    @Option(help: "Concepts of a picture.")
    var top = 15

    @OptionGroup var clip: CLIPModelOptions

    func validate() throws {
        guard (concepts == nil) == (clip.clip == nil) else {
            throw ValidationError("--concepts and --clip find concepts together: give both")
        }
    }

    /// The concepts of each picture that can be read, in the pictures' order.
    func find(
        _ pictures: [String], isNeeded: Bool, device: Device, autocast: DType?
    ) throws -> (pictures: [String], concepts: [[String]]) {
        guard let concepts else {
            if isNeeded {
                note(
                    "no concepts: the model was trained with some; --concepts with --clip finds them"
                )
            }
            return (pictures, Array(repeating: [], count: pictures.count))
        }
        let finder = try ConceptFinder(
            clip.encoder(on: device, autocast: autocast), vocabulary: concepts, count: top)
        let (found, skipped) = try finder(pictures)
        report(skipped: skipped)
        return (found.map(\.path), found.map { $0.concepts.map(\.name) })
    }
}
