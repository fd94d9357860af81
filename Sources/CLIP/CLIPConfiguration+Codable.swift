// The configuration of a model to train.

/// The layout of open_clip's `model_cfg`, with the sizes and the activation.
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
        vision.blocks.activation = isQuick ? .quickGELU : .gelu
        text.blocks.activation = vision.blocks.activation
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
        try keys.encode(vision.blocks.activation == .quickGELU, forKey: .quickGELU)
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
