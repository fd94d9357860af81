import Concepts
import Torch
import Training
import ViCHA

extension TrainedModel {
    /// Where the concepts come from that the model was trained with; nil for a model without concepts, and
    /// for one that does not say.
    public var conceptOrigin: ConceptOrigin? {
        let named = configuration.settings.concepts
        guard configuration.settings.model.usesConcepts, let vocabulary = named.vocabulary else {
            return nil
        }
        return ConceptOrigin(
            vocabulary: ConceptOrigin.resolve(vocabulary, in: directory.path),
            clip: named.clip.map { ConceptOrigin.resolve($0, in: directory.path) },
            count: named.count)
    }

    /// Finds concepts like those that the model was trained with; nil where it does not name a CLIP.
    ///
    /// - Parameter merges: `merges.txt` of CLIP's tokenizer
    /// - Throws: `CLIPError`, `ConceptError`, `VocabularyError`, and errors of files
    public func conceptFinder(merges: String) throws -> ConceptFinder? {
        guard let origin = conceptOrigin, let clip = origin.clip else { return nil }
        return try ConceptFinder(
            CLIPEncoder(
                path: clip, merges: merges, device: compute.device, autocast: compute.autocast,
                pixelLimit: configuration.settings.images.maxPixels),
            vocabulary: origin.vocabulary, count: origin.count)
    }
}
