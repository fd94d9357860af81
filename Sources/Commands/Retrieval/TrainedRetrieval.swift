import ArgumentParser
import Datasets
import Files
import Foundation
import Text
import Torch
import Training
import ViCHA

/// What the commands take that search with a trained model.
struct SearchOptions: ParsableArguments {
    @Option(help: "Results to show.")
    var results = 10

    @Option(help: ArgumentHelp("A page to write.", valueName: "path"))
    var html: String?

    @Flag(help: "Rank by the features alone, without the matching head.")
    var dual = false

    @OptionGroup var trained: TrainedModelOptions
    @OptionGroup var concepts: ImageConceptOptions

    func validate() throws {
        guard results > 0 else { throw ValidationError("--results must be 1 or more") }
        if let html { try MarkedFile.check(html) }
    }

    /// Prints results, and writes the page where one is wanted.
    func show(
        _ found: [(item: String, score: Float)],
        page: ([(item: String, score: Float)]) throws -> ResultPage
    ) throws {
        for (place, result) in found.enumerated() {
            print(String(format: "%3d  %7.3f  ", place + 1, result.score) + result.item)
        }
        guard let html else { return }
        try page(found).page().write(to: html)
        print("look at \(html)")
    }
}

/// A trained model at work on images and texts that stand in no annotation file.
struct TrainedRetrieval {
    let configuration: RetrievalConfiguration
    let tokenizer: WordPieceTokenizer
    let model: RetrievalModel
    let device: Device
    let autocast: DType?

    init(_ options: TrainedModelOptions) throws {
        configuration = try options.configuration()
        device = try options.model.device.resolved()
        autocast = options.model.device.autocast
        tokenizer = try options.model.tokenizer(for: configuration.settings.model)
        model = try RetrievalModel(configuration.settings.model, isTrained: false, device: device)
        try options.model.load(options.checkpoint, into: model, tokenizer.identity)
    }

    /// Images and texts as inputs of the model.
    func inputs(images: [String], concepts: [[String]], texts: [String]) -> RetrievalEvaluationSet {
        RetrievalEvaluationSet(
            images: images, concepts: concepts, texts: texts, tokenizer: tokenizer,
            options: EvaluationOptions(configuration.settings))
    }

    /// Scores texts with images, by the features alone or also by the matching head.
    func search(
        images: [String], concepts: [[String]], texts: [String], matches: Bool
    ) throws -> SearchResults {
        var options = RetrievalSearch.Options(
            configuration, device: device, autocast: autocast, workers: 2)
        if !matches { options.candidates = 0 }
        return SearchResults(
            search: try RetrievalSearch(
                inputs(images: images, concepts: concepts, texts: texts), model.scorer, options),
            images: images, texts: texts)
    }
}

/// What fits what, best first.
struct SearchResults {
    let search: RetrievalSearch
    let images: [String]
    let texts: [String]

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
