// The configuration files of open_clip and of Hugging Face.

/// The layout of open_clip's `model_cfg`.
extension CLIPConfiguration: Codable {
    private enum CodingKeys: String, CodingKey {
        case embedDim = "embed_dim"
        case quickGELU = "quick_gelu"
        case vision = "vision_cfg"
        case text = "text_cfg"
    }

    /// Keys of each section; those of the layout itself stand under the empty name.
    public static let knownKeys: [(section: String, keys: [String])] = [
        ("", ["embed_dim", "quick_gelu", "vision_cfg", "text_cfg"]),
        ("vision_cfg", VisionKeys.allCases.map(\.rawValue)),
        ("text_cfg", TextKeys.allCases.map(\.rawValue)),
    ]

    private enum VisionKeys: String, CodingKey, CaseIterable {
        case imageSize = "image_size"
        case layers, width
        case headWidth = "head_width"
        case patchSize = "patch_size"
    }

    private enum TextKeys: String, CodingKey, CaseIterable {
        case contextLength = "context_length"
        case vocabularySize = "vocab_size"
        case width, heads, layers
    }

    /// open_clip's width of a vision head where a file states none.
    private static let defaultHeadWidth = 64

    /// The sizes of a file; only the width of a vision head and the activation have defaults.
    public init(from decoder: any Decoder) throws {
        self.init()
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        embedDim = try keys.decode(Int.self, forKey: .embedDim)
        let isQuick = try keys.decodeIfPresent(Bool.self, forKey: .quickGELU) ?? false
        activation = isQuick ? .quickGELU : .gelu
        let visionKeys = try keys.nestedContainer(keyedBy: VisionKeys.self, forKey: .vision)
        vision.imageSize = try visionKeys.decode(Int.self, forKey: .imageSize)
        vision.patchSize = try visionKeys.decode(Int.self, forKey: .patchSize)
        vision.width = try visionKeys.decode(Int.self, forKey: .width)
        vision.depth = try visionKeys.decode(Int.self, forKey: .layers)
        let headWidth = try visionKeys.decodeIfPresent(Int.self, forKey: .headWidth)
        vision.heads = vision.width / max(1, headWidth ?? Self.defaultHeadWidth)
        let textKeys = try keys.nestedContainer(keyedBy: TextKeys.self, forKey: .text)
        text.contextLength = try textKeys.decode(Int.self, forKey: .contextLength)
        text.vocabularySize = try textKeys.decode(Int.self, forKey: .vocabularySize)
        text.width = try textKeys.decode(Int.self, forKey: .width)
        text.heads = try textKeys.decode(Int.self, forKey: .heads)
        text.depth = try textKeys.decode(Int.self, forKey: .layers)
    }

    /// Writes all sizes.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(embedDim, forKey: .embedDim)
        try keys.encode(activation == .quickGELU, forKey: .quickGELU)
        var visionKeys = keys.nestedContainer(keyedBy: VisionKeys.self, forKey: .vision)
        try visionKeys.encode(vision.imageSize, forKey: .imageSize)
        try visionKeys.encode(vision.patchSize, forKey: .patchSize)
        try visionKeys.encode(vision.width, forKey: .width)
        try visionKeys.encode(vision.depth, forKey: .layers)
        try visionKeys.encode(vision.width / max(1, vision.heads), forKey: .headWidth)
        var textKeys = keys.nestedContainer(keyedBy: TextKeys.self, forKey: .text)
        try textKeys.encode(text.contextLength, forKey: .contextLength)
        try textKeys.encode(text.vocabularySize, forKey: .vocabularySize)
        try textKeys.encode(text.width, forKey: .width)
        try textKeys.encode(text.heads, forKey: .heads)
        try textKeys.encode(text.depth, forKey: .layers)
    }
}

/// `open_clip_config.json`
struct OpenCLIPConfiguration: Codable {
    struct Preprocessing: Codable {
        var mean: [Float]
        var std: [Float]
    }

    var model: CLIPConfiguration
    var preprocessing: Preprocessing?

    enum CodingKeys: String, CodingKey {
        case model = "model_cfg"
        case preprocessing = "preprocess_cfg"
    }
}

/// `config.json` of Hugging Face's `CLIPModel`; what a file leaves out has that class's default.
struct HuggingFaceCLIPConfiguration: Decodable {
    struct Tower: Decodable {
        var width: Int?
        var depth: Int?
        var heads: Int?
        var activation: String?
        var imageSize: Int?
        var patchSize: Int?
        var contextLength: Int?
        var vocabularySize: Int?

        enum CodingKeys: String, CodingKey {
            case width = "hidden_size"
            case depth = "num_hidden_layers"
            case heads = "num_attention_heads"
            case activation = "hidden_act"
            case imageSize = "image_size"
            case patchSize = "patch_size"
            case contextLength = "max_position_embeddings"
            case vocabularySize = "vocab_size"
        }
    }
    var vision: Tower
    var text: Tower
    var embedDim: Int?

    enum CodingKeys: String, CodingKey {
        case vision = "vision_config"
        case text = "text_config"
        case embedDim = "projection_dim"
    }

    /// The sizes.
    /// - Throws: ``CLIPError/unknownLayout(path:reason:)`` for an activation that is unknown or
    ///   differs between the towers
    func configuration(path: String) throws -> CLIPConfiguration {
        var c = CLIPConfiguration()
        c.embedDim = embedDim ?? 512
        c.vision.imageSize = vision.imageSize ?? 224
        c.vision.patchSize = vision.patchSize ?? 32
        c.vision.width = vision.width ?? 768
        c.vision.depth = vision.depth ?? 12
        c.vision.heads = vision.heads ?? 12
        c.text.contextLength = text.contextLength ?? 77
        c.text.vocabularySize = text.vocabularySize ?? 49408
        c.text.width = text.width ?? 512
        c.text.depth = text.depth ?? 12
        c.text.heads = text.heads ?? 8
        switch (vision.activation ?? "quick_gelu", text.activation ?? "quick_gelu") {
        case ("quick_gelu", "quick_gelu"): c.activation = .quickGELU
        case ("gelu", "gelu"): c.activation = .gelu
        case (let a, let b):
            throw CLIPError.unknownLayout(
                path: path, reason: "the activations '\(a)' and '\(b)' are not supported")
        }
        return c
    }
}
