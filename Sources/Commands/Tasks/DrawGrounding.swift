import ArgumentParser
import Files
import Foundation
import Images
import Tasks
import Text
import Training

/// `vicha grounding draw`
struct DrawGrounding: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "draw",
        abstract: "Draw over an image where it shows what a phrase says.",
        discussion: """
            Writes a PNG with the image, the heat map of the whole phrase and one of each of its \
            words (of the whole phrase alone with --gradcam-mode itc). Works with fine-tuned and \
            pretrained models; a model with concepts gets those that CLIP finds, with what the model \
            names or with --concepts and --clip.

            EXAMPLES
              vicha grounding draw photo.jpg "a man in a red shirt" \\
                --model output/grounding --output heat.png
              vicha grounding draw output/demo/scenes/images/test/000000.jpg "the brown house" \\
                --model output/grounding \\
                --block-num 2
            """)

    @Argument(help: "Image file.")
    var image: String

    @Argument(help: "What to look for.")
    var phrase: String

    @Option(help: ArgumentHelp("The image to write.", valueName: "path"))
    var output = "heat.png"

    @OptionGroup var trained: TrainedModelOptions
    @OptionGroup var heat: HeatOptions
    @OptionGroup var concepts: ImageConceptOptions

    func validate() throws {
        guard output.resolvedPath != image.resolvedPath else {
            throw OutputFileError.isInput(path: output)
        }
        try MarkedFile.check(output)
    }

    func run() throws {
        let cleaned = CaptionCleaning.caption(phrase)
        if cleaned != CaptionCleaning.caption(phrase, maxWords: .max) {
            note("the phrase is cut after \(CaptionCleaning.captionWords) words")
        }
        let configuration = try trained.configuration(heat)
        let device = trained.model.device
        let trained: TrainedModel<GroundingTask> = try trained.open(
            configuration, ComputeOptions(device: device.resolved(), autocast: device.autocast))
        try trained.model.heatMapper.check(configuration.attention)
        let decoded = try ImageDecoder.decode(
            path: image, limit: configuration.settings.images.maxPixels)
        let heat = try trained.heat(
            of: phrase, in: decoded, concepts: concepts.find(decoded, trained))
        try heat.drawn(over: decoded, label: (image as NSString).lastPathComponent)
            .write(to: output)
        print("look at \(output)")
    }
}
