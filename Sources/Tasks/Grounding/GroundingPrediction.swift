import Batches
import Datasets
import Images
import Reports
import Text
import Torch
import Training
import ViCHA

/// Where an image shows what a phrase says.
public struct PhraseHeat: Sendable {
    /// The phrase as the model reads it.
    public let phrase: String
    /// Of the whole phrase. `[g, g]`
    public let whole: Tensor
    /// Of each of its words; empty for the similarity, which knows no words. `[g, g]`
    public let words: [(word: String, heat: Tensor)]

    /// Laid over the image, panel beside panel.
    /// - Throws: `HeatMapError` for a map that is not finite, `TorchError`
    public func drawn(over image: RGBImage, label: String) throws -> HeatMapImage {
        var drawing = HeatMapImage(image, label: label)
        try drawing.add(phrase, heat: whole)
        for (word, heat) in words { try drawing.add(word, heat: heat) }
        return drawing
    }
}

extension TrainedModel<GroundingTask> {
    /// Finds where an image shows what a phrase says.
    ///
    /// - Parameters:
    ///   - phrase: of which the first 30 words count
    ///   - image: where it is looked for
    ///   - concepts: of the image; none for a model without concepts
    /// - Throws: ``PredictionError``, `ConfigurationKeyError`, `TorchError`
    public func heat(of phrase: String, in image: RGBImage, concepts: [String] = []) throws
        -> PhraseHeat
    {
        let text = CaptionCleaning.caption(phrase)
        try PredictionError.require(text, of: "phrase", phrase)
        let settings = configuration.settings
        let ids = tokenizer.encode(text, maxLength: settings.model.text.maxPositions)
        let maps = try compute {
            try model.heatMapper.tokenMaps(
                ImageBatch(
                    [image], concepts: [concepts], tokenizer: tokenizer, EvaluationOptions(settings)
                ).to(device: compute.device),
                TokenBatch([ids], pad: tokenizer.special.pad).to(device: compute.device),
                configuration.attention
            ).select(0, 0).checked()
        }
        let words = configuration.heatMode == .itm ? tokenizer.words(of: ids) : []
        return PhraseHeat(
            phrase: text, whole: maps.mean(0),
            words: words.map { word, places in
                (word, maps.indexed(0, by: Tensor(places).to(device: compute.device)).mean(0))
            })
    }
}
