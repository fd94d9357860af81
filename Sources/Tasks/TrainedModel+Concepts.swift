import Concepts
import Files
import Torch
import Training
import ViCHA

extension TaskConfiguration {
    /// Lets the paths of its concepts, which are relative to the file that they stand in, lead from elsewhere.
    ///
    /// - Parameters:
    ///   - file: where the configuration stands
    ///   - change: gets the absolute path of each that is relative
    public mutating func moveConcepts(
        of file: String, _ change: (String) -> String = { $0 }
    ) {
        func moved(_ path: String) -> String {
            let directory = file.parentDirectory
            return path.hasPrefix("/")
                ? path : change(path.resolved(in: directory.isEmpty ? "." : directory))
        }
        settings.concepts.vocabulary = settings.concepts.vocabulary.map(moved)
        settings.concepts.clip = settings.concepts.clip.map(moved)
    }
}

extension TrainedModel {
    /// Where the concepts come from that the model was trained with; nil for a model without concepts, and
    /// for one that does not say.
    public var conceptOrigin: ConceptOrigin? {
        let named = configuration.settings.concepts
        guard configuration.settings.model.usesConcepts, let vocabulary = named.vocabulary else {
            return nil
        }
        return ConceptOrigin(
            vocabulary: vocabulary.resolved(in: directory.path),
            clip: named.clip.map { $0.resolved(in: directory.path) },
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
