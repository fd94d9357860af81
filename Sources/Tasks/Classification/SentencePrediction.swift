import Batches
import Datasets
import Images
import Text
import Torch
import Training

extension TrainedModel {
    /// Judges a sentence about an image, or about two.
    ///
    /// - Parameters:
    ///   - sentence: what is claimed
    ///   - images: what it is about, as many as the task has
    ///   - concepts: of each image; none for a model without concepts
    /// - Returns: the classes with their probabilities, in the order of their numbers
    /// - Precondition: there are as many images as the task has
    /// - Throws: ``PredictionError``, `TorchError`
    public func judge<Sentences>(
        _ sentence: String, about images: [RGBImage], concepts: [[String]]? = nil
    ) throws -> [(name: String, probability: Double)] where Task == ClassificationTask<Sentences> {
        precondition(images.count == model.kind.imagesPerSentence, "another number of images")
        let text = CaptionCleaning.caption(sentence)
        try PredictionError.require(text, of: "sentence", sentence)
        let options = ClassificationEvaluation.Options(configuration, model.kind, compute).inputs
        let batch = ClassificationBatch(
            images: try images.enumerated().map { number, image in
                try ImageBatch(
                    [image], concepts: [concepts?[number] ?? []], tokenizer: tokenizer, options)
            }, texts: tokenizer.batch([text], maxLength: options.textTokens), targets: Tensor([0]))
        let probabilities = try compute {
            try model.logits(batch.to(device: compute.device)).to(dtype: .float32)
                .softmax(dimension: 1).array(of: Double.self)
        }
        return Array(zip(model.kind.classNames, probabilities)).map { ($0, $1) }
    }
}
