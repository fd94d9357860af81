import Torch

/// Weights of a plain BERT in the Hugging Face layout, for the text and concept encoders.
///
/// As the official code fills them: the text encoder takes all its layers and the masked-language
/// head, the concept encoder its embeddings and layers, and momentum models the same. Cross-attention
/// keeps its random weights, as does a concept encoder that is embeddings alone.
public enum BertWeights {
    private static let languageHead = "cls."
    /// What a BERT does not have although it is in one of its layers.
    private static let crossAttention = ".crossattention."

    /// Finds, for every key of a model that a BERT is to fill, the tensor to fill it with.
    ///
    /// - Parameters:
    ///   - tensors: keys with or without the prefix `bert.`; `gamma` and `beta` are understood
    ///   - store: the model
    /// - Throws: `StateDictionaryError` with the names that the BERT lacks; a language head may be
    ///   missing as a whole
    public static func matching(_ tensors: [String: Tensor], _ store: ParameterStore) throws
        -> [String: Tensor]
    {
        var plain: [String: Tensor] = [:]
        for (key, tensor) in tensors {
            var parts = key.split(separator: ".").map(String.init)
            if parts.first == "bert" { parts.removeFirst() }
            if parts.last == "gamma" { parts[parts.count - 1] = "weight" }
            if parts.last == "beta" { parts[parts.count - 1] = "bias" }
            plain[parts.joined(separator: ".")] = tensor
        }
        let hasHead = plain.keys.contains { $0.hasPrefix(languageHead) }
        var result: [String: Tensor] = [:]
        var missing: Set<String> = []
        for entry in store.entries {
            if case .alias = entry.role { continue }
            guard let name = bertName(of: entry.key) else { continue }
            if let tensor = plain[name] {
                result[entry.key] = tensor
            } else if !name.hasSuffix("position_ids"), hasHead || !name.hasPrefix(languageHead) {
                missing.insert(name)
            }
        }
        guard missing.isEmpty else { throw StateDictionaryError(missing: missing.sorted()) }
        return result
    }

    /// Whether a model's key belongs to the masked-language head of a text encoder.
    public static func isLanguageHead(_ key: String) -> Bool {
        bertName(of: key)?.hasPrefix(languageHead) ?? false
    }

    /// The name that a model's key has in a plain BERT, nil for keys of other parts.
    private static func bertName(of key: String) -> String? {
        let online = MomentumTeacher.onlineKey(of: key) ?? key
        let prefixes = ["text_encoder.bert.", "text_encoder.", "kw_encoder."]
        guard let prefix = prefixes.first(where: online.hasPrefix), !key.contains(crossAttention)
        else { return nil }
        let name = online.dropFirst(prefix.count)
        let parts = ["embeddings.", "encoder.", languageHead]
        return parts.contains(where: name.hasPrefix) ? String(name) : nil
    }
}

extension ParameterStore {
    /// Fills what a BERT is to fill and leaves the rest.
    /// - Throws: ``StateDictionaryError`` where sizes differ or something is missing.
    @discardableResult
    public func load(bert tensors: [String: Tensor]) throws -> LoadReport {
        let matching = try BertWeights.matching(tensors, self)
        try matching.checkFinite()
        return try load(matching, allowingMissing: [""])
    }
}
