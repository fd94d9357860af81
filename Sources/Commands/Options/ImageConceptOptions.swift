import ArgumentParser
import Concepts
import Datasets
import Images
import Tasks
import Torch
import Training

/// Visual concepts for images that stand in no annotation file.
struct ImageConceptOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Embeddings of a vocabulary, or the vocabulary itself, of which --clip finds the nearest "
                + "for each image; by default what the model names.", valueName: "path"))
    var concepts: String?

    @Option(help: "Concepts of an image; by default as many as the model names.")
    var top: Int?

    @OptionGroup var clip: CLIPModelOptions

    /// Said where a model with concepts gets none.
    private static let missing =
        "no concepts: the model was trained with some; --concepts with --clip finds them"

    func validate() throws {
        guard (concepts == nil) == (clip.clip == nil) else {
            throw ValidationError("--concepts and --clip find concepts together: give both")
        }
        guard (top ?? 1) > 0 else { throw ValidationError("--top must be 1 or more") }
    }

    /// What finds concepts for a model; nil for one without, and for one of which nobody says where they
    /// come from, which is noted.
    func finder<Task: ModelTask>(_ trained: TrainedModel<Task>) throws -> ConceptSource? {
        var origin = trained.conceptOrigin
        if let concepts {
            origin = ConceptOrigin(
                vocabulary: concepts, clip: clip.clip,
                count: trained.configuration.settings.concepts.count)
        }
        guard let origin, let model = origin.clip else {
            if trained.configuration.settings.model.usesConcepts { note(Self.missing) }
            return nil
        }
        var options = clip
        options.clip = model
        return ConceptSource(
            vocabulary: origin.vocabulary, count: top ?? origin.count,
            encoder: encoder(trained, options))
    }

    private func encoder<Task: ModelTask>(
        _ trained: TrainedModel<Task>, _ clip: CLIPModelOptions
    ) -> () throws -> CLIPEncoder {
        {
            try clip.encoder(
                on: trained.compute.device, autocast: trained.compute.autocast,
                pixelLimit: trained.configuration.settings.images.maxPixels)
        }
    }

    /// The concepts of an image.
    func find<Task: ModelTask>(_ image: RGBImage, _ trained: TrainedModel<Task>) throws -> [String]
    {
        guard let source = try finder(trained) else { return [] }
        return try source.finder().concepts(of: image)
    }

    /// The concepts of each image file that can be read, in the order of the files.
    func find<Task: ModelTask>(_ images: [String], _ trained: TrainedModel<Task>) throws -> (
        images: [String], concepts: [[String]]
    ) {
        guard let source = try finder(trained) else {
            let (readable, skipped) = try ReadableImages.find(
                images, pixelLimit: trained.configuration.settings.images.maxPixels)
            if readable.isEmpty, let first = skipped.first {
                throw ConceptError.noReadableImage(name: first.name, reason: first.reason)
            }
            report(skipped: skipped)
            return (readable, Array(repeating: [], count: readable.count))
        }
        let (found, skipped) = try source.finder()(images)
        report(skipped: skipped)
        return (found.map(\.path), found.map { $0.concepts.map(\.name) })
    }
}

/// Where concepts of images come from.
struct ConceptSource {
    /// Embeddings of a vocabulary, or the vocabulary itself.
    let vocabulary: String
    /// Concepts of an image.
    let count: Int
    /// Opens the CLIP model.
    let encoder: () throws -> CLIPEncoder

    /// Opens the model and prepares the vocabulary.
    func finder() throws -> ConceptFinder {
        try ConceptFinder(encoder(), vocabulary: vocabulary, count: count)
    }
}
