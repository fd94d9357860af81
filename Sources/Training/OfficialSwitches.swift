import ViCHA

/// A key by its name.
private struct NamedKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
}

extension Decoder {
    /// Switches of the official code that cannot be on here.
    /// - Throws: `DecodingError` where the key is true
    func refuse(_ name: String, because reason: String) throws {
        let keys = try container(keyedBy: NamedKey.self)
        let key = NamedKey(stringValue: name)
        guard try keys.decodeIfPresent(Bool.self, forKey: key) == true else { return }
        throw DecodingError.dataCorruptedError(
            forKey: key, in: keys, debugDescription: "expected False (\(reason))")
    }

    /// Refuses `clip_vit`, for which the official scripts keep position embeddings as they are.
    func refuseForeignImageEncoder() throws {
        try refuse(
            "clip_vit",
            because: "position embeddings are always resized to the pictures of the task")
    }
}
