import Configuration
import Torch

/// How the weights of pretraining become those of a task (case `checkpoint_mapping`).
public enum FineTuningWeights {
    /// Beginnings of the keys that only pretraining has.
    static let pretrainingOnly = [
        "vision_proj_hidden.", "text_proj_hidden.", "mask_token", "decoder_pos_embed",
        "decoder_embed.", "decoder_blocks.", "decoder_norm.", "mae_proj.", "mae_proj_uni.",
    ]
    /// Beginnings of the keys of masked language modelling.
    static let languageHeads = ["text_encoder.cls.", "text_encoder_m.cls."]
    /// Beginnings of the keys of contrastive alignment and of matching.
    static let alignment = [
        "temp", "image_queue", "text_queue", "queue_ptr", "idx_queue", "vision_proj.", "text_proj.",
        "vision_proj_m.", "text_proj_m.", "itm_head.",
    ]
    /// Beginnings of the keys of what retrieval compares with in training beside the batch.
    static let memory = [
        "image_queue", "text_queue", "queue_ptr", "idx_queue", "vision_proj_m.", "text_proj_m.",
    ]
    /// Beginnings of the keys of momentum weights.
    static let momentum = [
        "visual_encoder_m.", "text_encoder_m.", "text_decoder_m.", "cls_head_m.", "kw_encoder_m.",
        "kw_proj_m.",
    ]

    /// Whether weights are those of pretraining, whose text encoder has a language head.
    static func arePretrained(_ tensors: [String: Tensor]) -> Bool {
        tensors.keys.contains { $0.hasPrefix("text_encoder.bert.") }
    }

    /// The text encoders without the component `bert` that pretraining has in their keys.
    static func unwrapped(_ tensors: [String: Tensor]) -> [String: Tensor] {
        renamed(tensors) { key in
            guard let name = EncoderKey(key), name.path.first == "bert" else { return [key] }
            return [name.with(path: name.path.dropFirst())]
        }
    }

    /// The text encoders unwrapped, with each fusion layer in both places of its pair.
    ///
    /// - Parameter fusionLayer: the first layer that looks at images
    static func withDoubledLayers(_ tensors: [String: Tensor], fusionLayer: Int) -> [String: Tensor]
    {
        renamed(unwrapped(tensors)) { key in
            guard let name = EncoderKey(key), let layer = name.layer, layer >= fusionLayer else {
                return [key]
            }
            let first = fusionLayer + 2 * (layer - fusionLayer)
            return [name.with(layer: first), name.with(layer: first + 1)]
        }
    }

    /// The text encoders unwrapped, and the decoders made of their embeddings, fusion layers and
    /// language heads.
    ///
    /// - Parameter fusionLayer: the first layer that looks at images
    static func withDecoder(_ tensors: [String: Tensor], fusionLayer: Int) -> [String: Tensor] {
        renamed(tensors) { key in
            guard let name = EncoderKey(key) else { return [key] }
            let isPartOfBert = name.path.first == "bert"
            let own = isPartOfBert ? [name.with(path: name.path.dropFirst())] : []
            guard let layer = name.layer else { return own + [name.ofDecoder()] }
            return layer < fusionLayer ? own : own + [name.ofDecoder(layer: layer - fusionLayer)]
        }
    }

    private static func renamed(_ tensors: [String: Tensor], _ names: (String) -> [String])
        -> [String: Tensor]
    {
        var result: [String: Tensor] = [:]
        for (key, tensor) in tensors {
            for name in names(key) { result[name] = tensor }
        }
        return result
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

/// A model that can start from the weights of pretraining.
public protocol FineTunedModel {
    /// Sizes and switches.
    var configuration: ModelConfiguration { get }
    /// All weights and buffers under the official keys.
    var store: ParameterStore { get }

    /// Takes over the weights of a pretraining run or of a fine-tuned model.
    ///
    /// - Parameters:
    ///   - tensors: a state dictionary
    ///   - allowingUnexpected: beginnings of further keys that may be there and are ignored
    /// - Throws: ``StateDictionaryError`` listing every key that does not fit
    @discardableResult
    func load(_ tensors: [String: Tensor], allowingUnexpected: [String]) throws
        -> ParameterStore.LoadReport
}

extension RetrievalModel: FineTunedModel {
    /// Takes over the weights of a pretraining run or of a fine-tuned model, perhaps at another image
    /// size. A model that is trained takes the queues too; a pretraining run has no identities for them.
    ///
    /// - Parameters:
    ///   - tensors: a state dictionary
    ///   - allowingUnexpected: beginnings of further keys that may be there and are ignored
    /// - Throws: ``StateDictionaryError`` listing every key that does not fit
    @discardableResult
    public func load(_ tensors: [String: Tensor], allowingUnexpected: [String] = []) throws
        -> ParameterStore.LoadReport
    {
        try store.load(
            FineTuningWeights.unwrapped(tensors)
                .withPositionEmbeddings(resizedTo: configuration.vision.grid),
            allowingMissing: ["idx_queue", "vision_proj_hidden.", "text_proj_hidden."],
            allowingUnexpected: FineTuningWeights.pretrainingOnly + FineTuningWeights.languageHeads
                + (isTrained ? [] : FineTuningWeights.momentum + FineTuningWeights.memory)
                + allowingUnexpected)
    }
}

extension ClassificationModel: FineTunedModel {
    /// Takes over the weights of a pretraining run, of text assignment or of a fine-tuned model,
    /// perhaps at another image size. A head that is missing keeps its random weights; a momentum model
    /// that is missing becomes a copy, or with `official` keeps its random weights.
    ///
    /// - Parameters:
    ///   - tensors: a state dictionary
    ///   - allowingUnexpected: beginnings of further keys that may be there and are ignored
    /// - Throws: ``StateDictionaryError`` listing every key that does not fit
    @discardableResult
    public func load(_ tensors: [String: Tensor], allowingUnexpected: [String] = []) throws
        -> ParameterStore.LoadReport
    {
        let hasHead = tensors.keys.contains { $0.hasPrefix("cls_head.") }
        let hasMomentumModel = tensors.keys.contains { $0.hasPrefix("text_encoder_m.") }
        let mapped =
            kind == .imagePair && FineTuningWeights.arePretrained(tensors)
            ? FineTuningWeights.withDoubledLayers(
                tensors, fusionLayer: configuration.text.fusionLayer)
            : FineTuningWeights.unwrapped(tensors)
        let report = try store.load(
            mapped.withPositionEmbeddings(resizedTo: configuration.vision.grid),
            allowingMissing: (hasHead ? [] : ["cls_head.", "cls_head_m."])
                + (hasMomentumModel ? [] : FineTuningWeights.momentum),
            allowingUnexpected: FineTuningWeights.pretrainingOnly + FineTuningWeights.languageHeads
                + FineTuningWeights.alignment + FineTuningWeights.momentum + ["ta_head."]
                + allowingUnexpected)
        if !hasMomentumModel, configuration.compatibility == .corrected {
            try teacher.copyOnlineWeights()
        }
        return report
    }
}

extension TextAssignmentModel: FineTunedModel {
    /// Takes over the weights of a pretraining run or of another run of text assignment, perhaps at
    /// another image size.
    ///
    /// - Parameters:
    ///   - tensors: a state dictionary
    ///   - allowingUnexpected: beginnings of further keys that may be there and are ignored
    /// - Throws: ``StateDictionaryError`` listing every key that does not fit
    @discardableResult
    public func load(_ tensors: [String: Tensor], allowingUnexpected: [String] = []) throws
        -> ParameterStore.LoadReport
    {
        let isPretrained = FineTuningWeights.arePretrained(tensors)
        let mapped =
            isPretrained
            ? FineTuningWeights.withDoubledLayers(
                tensors, fusionLayer: configuration.text.fusionLayer) : tensors
        return try store.load(
            mapped.withPositionEmbeddings(resizedTo: configuration.vision.grid),
            allowingMissing: isPretrained ? ["ta_head."] : [],
            allowingUnexpected: FineTuningWeights.pretrainingOnly + FineTuningWeights.languageHeads
                + FineTuningWeights.alignment + FineTuningWeights.momentum + allowingUnexpected)
    }
}

extension QuestionAnsweringModel: FineTunedModel {
    /// Takes over the weights of a pretraining run, whose fusion layers also become the decoder, or of
    /// a fine-tuned model, perhaps at another image size. A momentum model that is missing becomes a
    /// copy.
    ///
    /// - Parameters:
    ///   - tensors: a state dictionary
    ///   - allowingUnexpected: beginnings of further keys that may be there and are ignored
    /// - Throws: ``StateDictionaryError`` listing every key that does not fit
    @discardableResult
    public func load(_ tensors: [String: Tensor], allowingUnexpected: [String] = []) throws
        -> ParameterStore.LoadReport
    {
        let hasMomentumModel = tensors.keys.contains { $0.hasPrefix("text_encoder_m.") }
        let mapped =
            FineTuningWeights.arePretrained(tensors)
            ? FineTuningWeights.withDecoder(
                tensors, fusionLayer: configuration.text.fusionLayer) : tensors
        let report = try store.load(
            mapped.withPositionEmbeddings(resizedTo: configuration.vision.grid),
            allowingMissing: hasMomentumModel ? [] : FineTuningWeights.momentum,
            allowingUnexpected: FineTuningWeights.pretrainingOnly + FineTuningWeights.alignment
                + FineTuningWeights.momentum + allowingUnexpected)
        if !hasMomentumModel { try teacher.copyOnlineWeights() }
        return report
    }
}
