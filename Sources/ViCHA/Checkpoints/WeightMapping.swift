import Torch

/// How the weights of a state dictionary become those of a model (case `checkpoint_mapping`).
public struct WeightMapping {
    /// The model's keys that get the tensor of a key of the state dictionary, given that key.
    public var names: (String) -> [String] = { [$0] }
    /// Beginnings of keys that may be absent and keep the values that they have.
    public var allowingMissing: [String] = []
    /// Beginnings of keys that may be there and are ignored.
    public var allowingUnexpected: [String] = []
    /// Keys that keep the values that they have, whatever the state dictionary says.
    public var keeping: Set<String> = []
    /// Whether the momentum model, which the state dictionary lacks, becomes a copy.
    public var copiesOnlineWeights = false

    /// Each key names its own weight.
    public init() {}

    /// Beginnings of the keys that only pretraining has.
    public static let pretrainingOnly = [
        "vision_proj_hidden.", "text_proj_hidden.", "mask_token", "decoder_pos_embed",
        "decoder_embed.", "decoder_blocks.", "decoder_norm.", "mae_proj.", "mae_proj_uni.",
    ]
    /// Beginnings of the keys of masked language modelling.
    public static let languageHeads = ["text_encoder.cls.", "text_encoder_m.cls."]
    /// Beginnings of the keys of contrastive alignment and of matching.
    public static let alignment = [
        "temp", "image_queue", "text_queue", "queue_ptr", "idx_queue", "vision_proj.", "text_proj.",
        "vision_proj_m.", "text_proj_m.", "itm_head.",
    ]
    /// Beginnings of the keys of what retrieval compares with in training beside the batch.
    public static let queues = [
        "image_queue", "text_queue", "queue_ptr", "idx_queue", "vision_proj_m.", "text_proj_m.",
    ]
    /// Beginnings of the keys of momentum weights.
    public static let momentum = [
        "visual_encoder_m.", "text_encoder_m.", "text_decoder_m.", "cls_head_m.", "kw_encoder_m.",
        "kw_proj_m.",
    ]

    /// Whether weights are those of pretraining, whose text encoder has a language head.
    public static func arePretrained(_ keys: some Sequence<String>) -> Bool {
        keys.contains { $0.hasPrefix("text_encoder.bert.") }
    }

    /// The key of a text encoder without the component `bert` that pretraining has in it.
    public static func unwrapped(_ key: String) -> [String] {
        guard let name = EncoderKey(key), name.path.first == "bert" else { return [key] }
        return [name.with(path: name.path.dropFirst())]
    }

    /// The text encoders unwrapped, with each fusion layer in both places of its pair.
    ///
    /// - Parameter fusionLayer: the first layer that looks at images
    public static func doublingLayers(from fusionLayer: Int) -> (String) -> [String] {
        { key in
            unwrapped(key).flatMap { key in
                guard let name = EncoderKey(key), let layer = name.layer, layer >= fusionLayer
                else {
                    return [key]
                }
                let first = fusionLayer + 2 * (layer - fusionLayer)
                return [name.with(layer: first), name.with(layer: first + 1)]
            }
        }
    }

    /// The text encoders unwrapped, and the decoders made of their embeddings, fusion layers and
    /// language heads.
    ///
    /// - Parameter fusionLayer: the first layer that looks at images
    public static func withDecoder(from fusionLayer: Int) -> (String) -> [String] {
        { key in
            guard let name = EncoderKey(key) else { return [key] }
            let own = name.path.first == "bert" ? unwrapped(key) : []
            guard let layer = name.layer else { return own + [name.ofDecoder()] }
            return layer < fusionLayer ? own : own + [name.ofDecoder(layer: layer - fusionLayer)]
        }
    }
}

/// A key of the text encoder or its momentum model, taken apart.
private struct EncoderKey {
    private let encoder: String
    /// Behind the encoder's name.
    let path: ArraySlice<String>

    /// nil for any other key.
    init?(_ key: String) {
        let parts = key.split(separator: ".").map(String.init)
        guard let first = parts.first, first == "text_encoder" || first == "text_encoder_m" else {
            return nil
        }
        encoder = first
        path = parts.dropFirst()
    }

    /// Where the number of the layer stands, nil for what belongs to no layer.
    private var layerPlace: Int? {
        guard let word = path.firstIndex(of: "layer"), word + 1 < path.endIndex else { return nil }
        return Int(path[word + 1]).map { _ in word + 1 }
    }

    /// The number of the layer.
    var layer: Int? { layerPlace.flatMap { Int(path[$0]) } }

    func with(path: ArraySlice<String>) -> String {
        ([encoder] + path).joined(separator: ".")
    }

    func with(layer: Int) -> String { with(path: replacingLayer(layer)) }

    /// The same of the decoder, perhaps of another layer.
    func ofDecoder(layer: Int? = nil) -> String {
        let name = encoder.replacing("text_encoder", with: "text_decoder")
        return ([name] + (layer.map(replacingLayer) ?? path)).joined(separator: ".")
    }

    private func replacingLayer(_ layer: Int) -> ArraySlice<String> {
        var path = path
        if let place = layerPlace { path[place] = String(layer) }
        return path
    }
}
