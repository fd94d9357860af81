import ArgumentParser
import Datasets
import Torch
import Training
import ViCHA

/// How results are ranked.
struct RankingOptions: ParsableArguments {
    @Flag(help: "Rank by the features alone, without the matching head.")
    var dual = false
}

/// A trained model at work on images and texts that stand in no annotation file.
struct TrainedRetrieval {
    private let search: RetrievalSearch
    private let images: [String]
    private let texts: [String]

    init(
        _ trained: TrainedModelOptions, _ concepts: PictureConceptOptions,
        _ ranking: RankingOptions,
        images: [String], texts: [String]
    ) throws {
        let configuration: RetrievalConfiguration = try trained.configuration()
        let device = try trained.model.device.resolved()
        let autocast = trained.model.device.autocast
        let tokenizer = try trained.model.tokenizer(for: configuration.model)
        let model = try RetrievalModel(
            configuration.model, checkpoint: trained.checkpoint, device: device)
        let found = try concepts.find(
            images, isNeeded: configuration.model.usesConcepts, device: device, autocast: autocast)
        let set = RetrievalEvaluationSet(
            images: found.pictures, concepts: found.concepts, texts: texts, tokenizer: tokenizer,
            options: EvaluationOptions(configuration.settings))
        var options = RetrievalSearch.Options(
            configuration, device: device, autocast: autocast, workers: 2)
        if ranking.dual { options.candidates = 0 }
        search = try RetrievalSearch(set, model.scorer, options)
        self.images = found.pictures
        self.texts = texts
    }

    /// The images that fit a text best.
    func imagesOfText(_ text: Int, count: Int) throws -> [(item: String, score: Float)] {
        try best(
            search.matching?.imagesOfText[text], search.similarities.select(1, text), images, count)
    }

    /// The texts that fit an image best.
    func textsOfImage(_ image: Int, count: Int) throws -> [(item: String, score: Float)] {
        try best(
            search.matching?.textsOfImage[image], search.similarities.select(0, image), texts, count
        )
    }

    /// What the matching head has scored, or else by similarity.
    private func best(
        _ entries: [RetrievalScores.Entry]?, _ similarities: Tensor, _ items: [String], _ count: Int
    ) throws -> [(item: String, score: Float)] {
        if let entries {
            return entries.sorted { ($1.score, $0.item) < ($0.score, $1.item) }.prefix(count)
                .map { (items[Int($0.item)], $0.score) }
        }
        let best = similarities.largest(min(count, items.count))
        return zip(
            try best.indices.array(of: Int.self), try best.values.array(of: Float.self)
        ).map { (items[$0], $1) }
    }
}
