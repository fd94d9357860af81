import Torch
import ViCHA

extension PretrainingModel {
    /// Fills the image encoder and its momentum model with a vision transformer in timm's layout, such as
    /// DeiT; its classification head is not used.
    /// - Throws: `StateDictionaryError` listing every key that does not fit
    @discardableResult
    public func load(imageEncoder tensors: [String: Tensor]) throws -> ParameterStore.LoadReport {
        let grid = configuration.vision.grid
        var matching: [String: Tensor] = [:]
        var missing: [String] = []
        for entry in store.entries {
            let online = MomentumTeacher.onlineKey(of: entry.key) ?? entry.key
            guard online.hasPrefix("visual_encoder.") else { continue }
            let name = String(online.dropFirst("visual_encoder.".count))
            guard let tensor = tensors[online] ?? tensors[name] else {
                missing.append(name)
                continue
            }
            matching[entry.key] =
                name == "pos_embed" ? PositionEmbedding.resized(tensor, grid: grid) : tensor
        }
        guard missing.isEmpty else { throw StateDictionaryError(missing: missing) }
        try matching.checkFinite()
        return try store.load(matching, allowingMissing: [""])
    }
}
