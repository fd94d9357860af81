import Foundation
import Images

/// `config.json` of Hugging Face's `CLIPModel`, with `preprocessor_config.json` and
/// `tokenizer_config.json` where they lie beside it; what a file leaves out has the default there.
///
/// Files carry many keys of the library's base classes, which change nothing in this model, so that
/// only those are looked at that do.
struct HuggingFaceFiles {
    let model: CLIPConfiguration
    let preparation: CLIPImagePreparation

    /// Reads the files of a directory.
    /// - Throws: ``CLIPError``
    init(directory: String) throws {
        func settings(_ name: String) throws -> CLIPSettings? {
            let path = (directory as NSString).appendingPathComponent(name)
            return FileManager.default.fileExists(atPath: path) ? try CLIPSettings(path: path) : nil
        }
        let file = try CLIPSettings(
            path: (directory as NSString).appendingPathComponent("config.json"))
        try file.require(["model_type": .text("clip")])
        var model = CLIPConfiguration()
        model.embedDim = try file.integer("projection_dim", default: 512)
        // The older of the two sections replaces the newer one where both are there.
        if let vision = try file.section("vision_config_dict") ?? file.section("vision_config") {
            try Self.read(vision, into: &model.vision)
        } else {
            model.vision.patchSize = 32
        }
        if let text = try file.section("text_config_dict") ?? file.section("text_config") {
            try Self.read(text, into: &model.text)
        }
        let tokenizer = try settings("tokenizer_config.json")
        _ = try tokenizer?.choice(
            "tokenizer_class", default: "CLIPTokenizer",
            ["CLIPTokenizer": (), "CLIPTokenizerFast": ()])
        self.model = model
        preparation = try Self.preparation(
            settings("preprocessor_config.json"), side: model.vision.imageSize)
    }

    private static let activations: KeyValuePairs<String, CLIPConfiguration.Activation> = [
        "quick_gelu": .quickGELU, "gelu": .gelu, "gelu_new": .geluByTanh,
        "gelu_pytorch_tanh": .geluByTanh,
    ]

    private static func read(
        _ settings: CLIPSettings, into vision: inout CLIPConfiguration.Vision
    ) throws {
        try settings.require(["num_channels": .number(3)])
        vision.imageSize = try settings.side("image_size", default: 224)
        vision.patchSize = try settings.side("patch_size", default: 32)
        vision.width = try settings.integer("hidden_size", default: 768)
        vision.depth = try settings.integer("num_hidden_layers", default: 12)
        vision.heads = try settings.integer("num_attention_heads", default: 12)
        vision.blocks = try blocks(settings, width: vision.width, innerWidth: 3072)
    }

    private static func read(
        _ settings: CLIPSettings, into text: inout CLIPConfiguration.Text
    ) throws {
        text.contextLength = try settings.integer("max_position_embeddings", default: 77)
        text.vocabularySize = try settings.integer("vocab_size", default: 49408)
        text.width = try settings.integer("hidden_size", default: 512)
        text.depth = try settings.integer("num_hidden_layers", default: 12)
        text.heads = try settings.integer("num_attention_heads", default: 8)
        text.blocks = try blocks(settings, width: text.width, innerWidth: 2048)
        // Files of the first models have 2, which is no end; there the largest id is taken.
        let end = try settings.integer("eos_token_id", default: 49407)
        text.pooling = end == 2 ? .largest : .end(end)
    }

    private static func blocks(_ settings: CLIPSettings, width: Int, innerWidth: Int) throws
        -> CLIPConfiguration.Blocks
    {
        try settings.require(["pruned_heads": .section([:])])
        var blocks = CLIPConfiguration.Blocks()
        blocks.setInnerWidth(
            try settings.integer("intermediate_size", default: innerWidth), width: width)
        blocks.activation = try settings.choice(
            "hidden_act", default: "quick_gelu", activations)
        blocks.normEpsilon = try settings.number("layer_norm_eps") ?? 1e-5
        return blocks
    }

    private static func preparation(_ settings: CLIPSettings?, side: Int) throws
        -> CLIPImagePreparation
    {
        var preparation = CLIPImagePreparation(side: side)
        guard let settings else { return preparation }
        try settings.require(["do_rescale": .flag(true), "do_resize": .flag(true)])
        if let factor = try settings.number("rescale_factor"), abs(factor * 255 - 1) > 1e-6 {
            throw settings.unsupported("rescale_factor", "only 1/255 is")
        }
        if try settings.flag("do_normalize", default: true) {
            preparation.normalization = try settings.normalization(
                mean: "image_mean", std: "image_std")
        } else {
            preparation.normalization = PixelNormalization(mean: [0, 0, 0], std: [1, 1, 1])
        }
        switch try settings.integer("resample", default: 3) {
        case 2: preparation.interpolation = .bilinear
        case 3: preparation.interpolation = .bicubic
        default: throw settings.unsupported("resample", "2 (bilinear) and 3 (bicubic) are")
        }
        let crops = try settings.flag("do_center_crop", default: true)
        if crops, try settings.length("crop_size", "height", "width") ?? side != side {
            throw settings.unsupported("crop_size", "only the model's image_size, \(side), is")
        }
        if settings.isSection("size"), try !settings.requiredSection("size").has("shortest_edge") {
            // Stretched to a square; cutting out its middle changes nothing where it is as large.
            guard try settings.length("size", "height", "width") == side else {
                throw settings.unsupported("size", "only a height and width of \(side) are")
            }
            preparation.resizing = .bothSides
        } else {
            let length = try settings.length("size", "shortest_edge", "shortest_edge") ?? side
            guard crops, length >= side else {
                throw settings.unsupported(
                    "size",
                    "with a shortest edge only one of \(side) or more is, and do_center_crop")
            }
            preparation.resizing = .shortSide(length)
        }
        return preparation
    }
}
