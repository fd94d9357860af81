// The configuration files of open_clip and of Hugging Face.

/// `open_clip_config.json`: `model_cfg`, and how images are prepared.
struct OpenCLIPConfiguration: Codable {
    struct Model: Codable {
        struct Vision: Codable {
            var imageSize: Int
            var layers: Int
            var width: Int
            var headWidth: Int?
            var patchSize: Int

            enum CodingKeys: String, CodingKey {
                case imageSize = "image_size"
                case layers, width
                case headWidth = "head_width"
                case patchSize = "patch_size"
            }
        }
        struct Text: Codable {
            var contextLength: Int
            var vocabularySize: Int
            var width: Int
            var heads: Int
            var layers: Int

            enum CodingKeys: String, CodingKey {
                case contextLength = "context_length"
                case vocabularySize = "vocab_size"
                case width, heads, layers
            }
        }
        var embedDim: Int
        var quickGELU: Bool?
        var vision: Vision
        var text: Text

        enum CodingKeys: String, CodingKey {
            case embedDim = "embed_dim"
            case quickGELU = "quick_gelu"
            case vision = "vision_cfg"
            case text = "text_cfg"
        }
    }
    struct Preprocessing: Codable {
        var mean: [Float]
        var std: [Float]
    }

    /// open_clip's width of a vision head where a file states none.
    private static let defaultHeadWidth = 64

    var model: Model
    var preprocessing: Preprocessing?

    enum CodingKeys: String, CodingKey {
        case model = "model_cfg"
        case preprocessing = "preprocess_cfg"
    }

    init(_ c: CLIPConfiguration, mean: [Float], std: [Float]) {
        model = Model(
            embedDim: c.embedDim, quickGELU: c.activation == .quickGELU,
            vision: .init(
                imageSize: c.vision.imageSize, layers: c.vision.depth, width: c.vision.width,
                headWidth: c.vision.width / c.vision.heads, patchSize: c.vision.patchSize),
            text: .init(
                contextLength: c.text.contextLength, vocabularySize: c.text.vocabularySize,
                width: c.text.width, heads: c.text.heads, layers: c.text.depth))
        preprocessing = Preprocessing(mean: mean, std: std)
    }

    var configuration: CLIPConfiguration {
        var c = CLIPConfiguration()
        c.embedDim = model.embedDim
        c.activation = model.quickGELU == true ? .quickGELU : .gelu
        c.vision.imageSize = model.vision.imageSize
        c.vision.patchSize = model.vision.patchSize
        c.vision.width = model.vision.width
        c.vision.depth = model.vision.layers
        c.vision.heads =
            model.vision.width / max(1, model.vision.headWidth ?? Self.defaultHeadWidth)
        c.text.contextLength = model.text.contextLength
        c.text.vocabularySize = model.text.vocabularySize
        c.text.width = model.text.width
        c.text.heads = model.text.heads
        c.text.depth = model.text.layers
        return c
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
