import Torch

/// How the weights of pretraining become those of a task.
public enum FineTuningWeights {
    /// Beginnings of the keys that only pretraining has.
    public static let pretrainingOnly = [
        "text_encoder.cls.", "text_encoder_m.cls.", "vision_proj_hidden.", "text_proj_hidden.",
        "mask_token", "decoder_pos_embed", "decoder_embed.", "decoder_blocks.", "decoder_norm.",
        "mae_proj.", "mae_proj_uni.",
    ]

    /// The text encoders without the component `bert` that pretraining has in their keys.
    static func unwrapped(_ tensors: [String: Tensor]) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (key, tensor) in tensors {
            var parts = key.split(separator: ".")
            if parts.count > 1, parts[0] == "text_encoder" || parts[0] == "text_encoder_m",
                parts[1] == "bert"
            {
                parts.remove(at: 1)
            }
            result[parts.joined(separator: ".")] = tensor
        }
        return result
    }
}

extension [String: Tensor] {
    /// The position embeddings of both image encoders for a number of patches along a side.
    func withPositionEmbeddings(resizedTo grid: Int) -> [String: Tensor] {
        var result = self
        for key in ["visual_encoder.pos_embed", "visual_encoder_m.pos_embed"] {
            if let embedding = result[key] {
                result[key] = PositionEmbedding.resized(embedding, grid: grid)
            }
        }
        return result
    }
}

extension RetrievalModel {
    /// Takes over the weights of a pretraining run or of a fine-tuned model, perhaps at another image
    /// size. The queues are taken too; a pretraining run has no identities for them.
    ///
    /// - Parameters:
    ///   - tensors: a state dictionary
    ///   - allowingUnexpected: beginnings of keys that may be there and are ignored, beside
    ///     ``FineTuningWeights/pretrainingOnly``
    /// - Throws: ``StateDictionaryError`` listing every key that does not fit
    @discardableResult
    public func load(_ tensors: [String: Tensor], allowingUnexpected: [String] = []) throws
        -> ParameterStore.LoadReport
    {
        try store.load(
            FineTuningWeights.unwrapped(tensors)
                .withPositionEmbeddings(resizedTo: configuration.vision.grid),
            allowingMissing: ["idx_queue"],
            allowingUnexpected: FineTuningWeights.pretrainingOnly + allowingUnexpected)
    }
}
