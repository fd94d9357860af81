import Tasks
import Training
import ViCHA

/// The sizes and settings that every model case shares. Everything that a case says is either done or
/// refused.
struct ModelFields: Decodable {
    /// Sizes that the official code hard-codes; absent ones are the official ones.
    struct Sizes: Decodable {
        let patch: Int?
        let width: Int?
        let depth: Int?
        let heads: Int?
        let decDim: Int?
        let decHeads: Int?
        let decDepth: Int?
        /// First layer that looks at images, in the loops over layers.
        let fusion: Int?
        /// Layers of the text encoder that looks at two images.
        let pairLayers: Int?
        /// Layers of the decoder of answers.
        let answerLayers: Int?
        /// Heads and side of the maps that heat is drawn from.
        let mapHeads: Int?
        let mapSide: Int?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case patch
            case width
            case depth
            case heads
            case decDim = "dec_dim"
            case decHeads = "dec_heads"
            case decDepth = "dec_depth"
            case fusion
            case pairLayers = "nlvr_layers"
            case answerLayers = "vqa_dec"
            case mapHeads = "bert_heads"
            case mapSide = "res_map"
        }
    }

    /// The official model classes.
    private enum ModelClass: String, CaseIterable {
        case withConcepts = "kw_img_ViCHA"
        case withoutConcepts = "ViCHA"
        case masked = "MAE_ViCHA"
    }

    let sizes: Sizes
    let bert: BertConfiguration
    let config: ModelConfiguration
    /// Candidates of an evaluation, where the configuration names them.
    let candidates: Int?

    private enum CodingKeys: String, CodingKey {
        case cls
        case sizes = "T"
        case bert
        case config
    }

    private enum ConfigKeys: String, CodingKey {
        case candidates = "k_test"
        case usesDualMetrics = "dual_metrics"
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func refuseOthers(_ key: CodingKeys, _ known: [String]) throws {
            let given = try keys.decode([String: JSONValue].self, forKey: key)
            guard let other = given.keys.filter({ !known.contains($0) }).min() else { return }
            throw DecodingError.dataCorruptedError(
                forKey: key, in: keys, debugDescription: "the key '\(other)' is unknown")
        }
        try refuseOthers(.sizes, Sizes.CodingKeys.allCases.map(\.rawValue))
        sizes = try keys.decode(Sizes.self, forKey: .sizes)
        try refuseOthers(
            .bert,
            BertConfiguration.knownKeys.flatMap(\.keys) + BertConfiguration.keysWithoutEffect)
        bert = try keys.decode(Recorded<BertConfiguration>.self, forKey: .bert).wrappedValue
        try refuseOthers(
            .config,
            PretrainingConfiguration.knownKeys.filter(\.section.isEmpty).flatMap(\.keys)
                + PretrainingConfiguration.keysOfOthers + TrainingSettings.keysWithoutEffect)

        let name = try keys.decode(String.self, forKey: .cls)
        guard let modelClass = ModelClass(rawValue: name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .cls, in: keys,
                debugDescription: "'\(name)' is none of "
                    + ModelClass.allCases.map(\.rawValue).joined(separator: ", "))
        }
        // The class is chosen before the configuration is read, by keys that the model does not see.
        var values = try keys.decode([String: JSONValue].self, forKey: .config)
        values["kw_img_model"] = .boolean(modelClass == .withConcepts)
        values["model_mae"] = .boolean(modelClass == .masked)
        values["compatibility"] = .text("official")
        values["bert_config"] = nil
        config = try Recorded(.object(values)).wrappedValue
        let others = try keys.nestedContainer(keyedBy: ConfigKeys.self, forKey: .config)
        candidates = try others.decodeIfPresent(Int.self, forKey: .candidates)
        guard try others.decodeIfPresent(Bool.self, forKey: .usesDualMetrics) != true else {
            throw DecodingError.dataCorruptedError(
                forKey: .usesDualMetrics, in: others,
                debugDescription: "both rankings are compared in any case; expected False")
        }
    }
}

extension ParityCase {
    /// The configuration of the recorded model.
    func modelConfiguration() throws -> ModelConfiguration {
        let fields: ModelFields = try fields()
        let sizes = fields.sizes
        var c = fields.config
        c.text = fields.bert
        c.vision.patchSize = sizes.patch ?? c.vision.patchSize
        c.vision.width = sizes.width ?? c.vision.width
        c.vision.depth = sizes.depth ?? c.vision.depth
        c.vision.heads = sizes.heads ?? c.vision.heads
        c.decoderWidth = sizes.decDim ?? c.decoderWidth
        c.decoderHeads = sizes.decHeads ?? c.decoderHeads
        c.decoderDepth = sizes.decDepth ?? c.decoderDepth
        func require(_ condition: Bool, _ key: String, _ expected: String) throws {
            guard condition else {
                throw ParityError.malformed(case: name, reason: "T.\(key) must be \(expected)")
            }
        }
        let fusion = c.text.fusionLayer
        try require(
            sizes.fusion ?? fusion == fusion, "fusion", "bert.fusion_layer (\(fusion))")
        switch kind {
        case "nlvr", "nlvr_pretrain":
            // The official number of layers is a constant, whatever the file says.
            let layers = sizes.pairLayers ?? 18
            try require(
                layers >= fusion && (layers - fusion) % 2 == 0, "nlvr_layers",
                "bert.fusion_layer and an even number")
            c.text.layers = fusion + (layers - fusion) / 2
        case "vqa":
            try require(
                sizes.answerLayers ?? 6 == c.text.layers - fusion, "vqa_dec",
                "the number of fusion layers (\(c.text.layers - fusion))")
        case "grounding":
            try require(
                sizes.mapHeads ?? 12 == c.text.attentionHeads, "bert_heads",
                "bert.num_attention_heads (\(c.text.attentionHeads))")
            try require(
                sizes.mapSide ?? 23 == c.vision.imageSize / max(1, c.vision.patchSize), "res_map",
                "config.image_res divided by T.patch")
        default: break
        }
        return c
    }
}
