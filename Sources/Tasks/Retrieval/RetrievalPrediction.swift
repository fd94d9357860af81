import Batches
import Datasets
import Torch
import Training
import ViCHA

/// What fits what, best first.
public struct RetrievalResult: Sendable, Equatable {
    /// An image file or a text.
    public let item: String
    /// Logit of the matching class, or without the matching head the cosine of the features.
    public let score: Float
}

extension TrainedModel<RetrievalTask> {
    /// Finds the images that fit a text best: by the features, then the best `k_test` by the matching head.
    ///
    /// - Parameters:
    ///   - text: what is looked for
    ///   - images: image files
    ///   - concepts: of each image; nil for a model without concepts
    ///   - count: results
    ///   - matches: whether the matching head ranks anew
    /// - Throws: ``ScoreError``, `ImageError`, `TorchError`
    public func search(
        _ text: String, in images: [String], concepts: [[String]]? = nil, count: Int = 10,
        matches: Bool = true
    ) throws -> [RetrievalResult] {
        let search = try search(images, concepts, [text], matches)
        return try best(
            search.matching?.imagesOfText[0], search.similarities.select(1, 0), images, count)
    }

    /// Finds the texts that fit an image best.
    ///
    /// - Parameters:
    ///   - image: an image file
    ///   - texts: what can be said of it
    ///   - concepts: of the image; none for a model without concepts
    ///   - count: results
    ///   - matches: whether the matching head ranks anew
    /// - Throws: ``ScoreError``, `ImageError`, `TorchError`
    public func match(
        _ image: String, with texts: [String], concepts: [String] = [], count: Int = 10,
        matches: Bool = true
    ) throws -> [RetrievalResult] {
        let search = try search([image], [concepts], texts, matches)
        return try best(
            search.matching?.textsOfImage[0], search.similarities.select(0, 0), texts, count)
    }

    /// Images and texts as inputs of the model.
    func inputs(images: [String], concepts: [[String]]?, texts: [String]) -> RetrievalInputs {
        RetrievalInputs(
            images: images, concepts: concepts ?? images.map { _ in [] }, texts: texts,
            tokenizer: tokenizer, options: EvaluationOptions(configuration.settings))
    }

    private func search(
        _ images: [String], _ concepts: [[String]]?, _ texts: [String], _ matches: Bool
    ) throws -> RetrievalSearch {
        var options = RetrievalSearch.Options(configuration, compute)
        if !matches { options.candidates = 0 }
        return try RetrievalSearch(
            inputs(images: images, concepts: concepts, texts: texts), model.scorer, options)
    }

    /// What the matching head has scored, or else by similarity.
    private func best(
        _ entries: [RetrievalScores.Entry]?, _ similarities: Tensor, _ items: [String], _ count: Int
    ) throws -> [RetrievalResult] {
        if let entries {
            return entries.sorted { ($1.score, $0.item) < ($0.score, $1.item) }.prefix(count)
                .map { RetrievalResult(item: items[Int($0.item)], score: $0.score) }
        }
        let best = similarities.largest(min(count, items.count))
        return zip(
            try best.indices.array(of: Int.self), try best.values.array(of: Float.self)
        ).map { RetrievalResult(item: items[$0], score: $1) }
    }
}
