import Torch

/// Weights of a plain BERT in the Hugging Face layout, for the text and concept encoders.
public enum BertWeights {
    /// Finds, for every key of a model that a BERT can fill, the tensor to fill it with.
    ///
    /// The text encoder takes all layers it shares with the BERT and the masked-language head; the
    /// concept encoder takes the embeddings and the lower layers; momentum twins take the same.
    /// Cross-attention stays as it is.
    ///
    /// - Parameters:
    ///   - tensors: keys with or without the prefix `bert.`; `gamma` and `beta` are understood
    ///   - store: the model
    public static func matching(_ tensors: [String: Tensor], _ store: ParameterStore) -> [String:
        Tensor]
    {
        var plain: [String: Tensor] = [:]
        for (key, tensor) in tensors {
            var parts = key.split(separator: ".").map(String.init)
            if parts.first == "bert" { parts.removeFirst() }
            if parts.last == "gamma" { parts[parts.count - 1] = "weight" }
            if parts.last == "beta" { parts[parts.count - 1] = "bias" }
            plain[parts.joined(separator: ".")] = tensor
        }
        var result: [String: Tensor] = [:]
        for entry in store.entries {
            if case .alias = entry.role { continue }
            guard let name = bertName(of: entry.key), let tensor = plain[name] else { continue }
            result[entry.key] = tensor
        }
        return result
    }

    /// The name that a model's key has in a plain BERT, nil for keys of other parts.
    private static func bertName(of key: String) -> String? {
        let online = MomentumTwin.onlineKey(of: key) ?? key
        for prefix in ["text_encoder.bert.", "text_encoder.", "kw_encoder."]
        where online.hasPrefix(prefix) {
            return String(online.dropFirst(prefix.count))
        }
        return nil
    }
}

extension ParameterStore {
    /// Fills what a BERT can fill and leaves the rest.
    /// - Throws: ``StateDictionaryError`` where sizes differ or the BERT fits nothing.
    @discardableResult
    public func load(bert tensors: [String: Tensor]) throws -> LoadReport {
        let matching = BertWeights.matching(tensors, self)
        guard !matching.isEmpty else {
            throw StateDictionaryError(unexpected: tensors.keys.sorted())
        }
        return try load(matching, allowingMissing: [""])
    }
}
