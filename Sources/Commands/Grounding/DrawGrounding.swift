import ArgumentParser
import Datasets
import Foundation
import Images
import Text
import Torch
import Training
import ViCHA

/// `vicha grounding draw`
struct DrawGrounding: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "draw",
        abstract: "Draw over an image where it shows what a phrase says.",
        discussion: """
            Writes a PNG with the image, the heat map of the whole phrase and one of each of its \
            words (of the whole phrase alone with --gradcam-mode itc). Works with fine-tuned and \
            pretrained models; a model with concepts gets those that CLIP finds with --concepts and \
            --clip.

            EXAMPLES
              vicha grounding draw photo.jpg "a man in a red shirt" \\
                --checkpoint output/grounding/checkpoint_best.safetensors --output heat.png \\
                --concepts vocabulary/concepts.json --clip ViT-B-16.pt
              vicha grounding draw output/demo/scenes/images/test/000000.jpg "the brown house" \\
                --checkpoint output/grounding/checkpoint_best.safetensors \\
                --vocabulary output/demo/scenes/vocab.txt --top 4 \\
                --concepts output/demo/concepts/text --clip output/demo/clip --block-num 2
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
        let text = try Self.cleaned(phrase)
        let configuration = try heat.applied(to: trained.configuration())
        let device = try trained.model.device.resolved()
        let tokenizer = try trained.model.tokenizer(for: configuration.settings.model)
        let model = try RetrievalModel(
            configuration.settings.model, isTrained: false, device: device)
        try trained.model.load(trained.checkpoint, into: model, tokenizer.identity)
        let mapper = model.heatMapper
        try mapper.check(configuration.attention)
        let original = try ImageDecoder.decode(
            path: image, limit: configuration.settings.images.maxPixels)
        let found = try concepts.find(
            [image], isNeeded: configuration.settings.model.usesConcepts,
            pixelLimit: configuration.settings.images.maxPixels, device: device,
            autocast: trained.model.device.autocast
        ).concepts
        let arrays = try ImageArrays(
            [image], concepts: found, tokenizer: tokenizer,
            EvaluationOptions(configuration.settings))
        let encoded = tokenizer.encode(
            [text], maxLength: configuration.settings.model.text.maxPositions)
        let maps = try withAutocast(trained.model.device.autocast, on: device) {
            try mapper.tokenMaps(
                images: arrays.tensor.to(device: device),
                concepts: arrays.concepts.map { TokenBatch($0).to(device: device) },
                texts: TokenBatch(encoded).to(device: device),
                configuration.attention
            ).select(0, 0).checked()
        }
        var drawing = HeatMapImage(original, label: (image as NSString).lastPathComponent)
        try drawing.add(text, heat: maps.mean(0))
        if configuration.heatMode == .itm {
            for (word, places) in tokenizer.words(of: encoded.inputIDs) {
                try drawing.add(
                    word, heat: maps.indexed(0, by: Tensor(places).to(device: device)).mean(0))
            }
        }
        try drawing.write(to: output)
        print("look at \(output)")
    }

    /// The phrase as the model reads it, which must have a word.
    private static func cleaned(_ phrase: String) throws -> String {
        let text = CaptionCleaning.caption(phrase)
        guard !text.isEmpty else {
            throw ValidationError("the phrase '\(phrase)' has no word in it")
        }
        if text != CaptionCleaning.caption(phrase, maxWords: .max) {
            note("the phrase is cut after \(CaptionCleaning.captionWords) words")
        }
        return text
    }
}
