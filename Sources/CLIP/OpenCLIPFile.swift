import Files
import Foundation
import Images

/// `open_clip_config.json`: what open_clip builds a model of and prepares images with.
///
/// Keys, defaults and meanings are those of open_clip 3 (`CLIPVisionCfg`, `CLIPTextCfg` and
/// `PreprocessCfg`). What its code does not look at for a model of this class is let through.
struct OpenCLIPFile {
    let model: CLIPConfiguration
    let preparation: CLIPImagePreparation

    /// Reads a file.
    /// - Throws: ``CLIPError``
    init(path: String) throws {
        let file = try CLIPSettings(path: path)
        let settings = try file.requiredSection("model_cfg")
        var model = CLIPConfiguration()
        model.embedDim = try settings.integer("embed_dim")
        let activation: CLIPConfiguration.Activation =
            try settings.flag("quick_gelu", default: false) ? .quickGELU : .gelu
        settings.ignore(
            "init_logit_scale", "init_logit_bias", "nonscalar_logit_scale", "cast_dtype",
            "output_dict", "custom_text")
        try Self.read(settings.requiredSection("vision_cfg"), activation, into: &model.vision)
        try Self.read(
            settings.requiredSection("text_cfg"), activation, into: &model.text,
            directory: path.parentDirectory)
        try settings.refuseOthers()
        self.model = model
        preparation = try Self.preparation(
            file.section("preprocess_cfg"), side: model.vision.imageSize)
    }

    /// Settings of blocks that are done for both towers in one way only.
    private static let blocks: KeyValuePairs<String, SettingValue> = [
        "block_type": .text("default"), "qk_norm": .flag(false),
        "scaled_cosine_attn": .flag(false), "scale_heads": .flag(false),
        "scale_attn_inner": .flag(false), "scale_attn": .flag(false), "scale_fc": .flag(false),
        "output_tokens": .flag(false),
    ]

    private static func read(
        _ settings: CLIPSettings, _ activation: CLIPConfiguration.Activation,
        into vision: inout CLIPConfiguration.Vision
    ) throws {
        // First, since the sizes mean something else for the towers that these name.
        try settings.require(["timm_model_name": .null, "attentional_pool": .flag(false)])
        settings.ignore(
            "timm_model_pretrained", "timm_pool", "timm_proj", "timm_proj_bias", "timm_drop",
            "timm_drop_path", "timm_model_kwargs", "attn_pooler_queries", "attn_pooler_heads")
        try settings.require(blocks)
        try settings.require(["image_seq_len": .null])
        // Dropped only while a model is trained.
        settings.ignore("patch_dropout")
        vision.imageSize = try settings.side("image_size", default: 224)
        vision.patchSize = try settings.side("patch_size", default: 16)
        vision.width = try settings.integer("width", default: 768)
        vision.depth = try settings.integer("layers", default: 12)
        let headWidth = try settings.integer("head_width", default: 64)
        guard headWidth > 0 else {
            throw settings.unsupported("head_width", "a number above 0 is")
        }
        vision.heads = vision.width / headWidth
        try read(settings, activation, width: vision.width, into: &vision.blocks)
        vision.hasPreNorm = try !settings.flag("no_ln_pre", default: false)
        vision.pooling = try settings.choice(
            "pool_type", default: "tok", ["tok": .classToken, "avg": .average])
        vision.normalizesPooled = try settings.flag("final_ln_after_pool", default: false)
        // The fixed table is stored with the weights, as the learned one is.
        _ = try settings.choice(
            "pos_embed_type", default: "learnable", ["learnable": (), "sin_cos_2d": ()])
        try settings.refuseOthers()
    }

    private static func read(
        _ settings: CLIPSettings, _ activation: CLIPConfiguration.Activation,
        into text: inout CLIPConfiguration.Text, directory: String
    ) throws {
        try settings.require([
            "hf_model_name": .null, "text_arch": .text("clip"), "variable_text": .flag(false),
            "embed_cls": .flag(false), "proj_type": .text("linear"),
        ])
        settings.ignore("hf_model_pretrained", "hf_proj_type", "hf_pooler_type", "hf_model_config")
        try settings.require(blocks)
        // These are of the tower that `text_arch` "modern" names.
        try settings.require([
            "attention_mode": .text("causal"), "pos_embed": .text("rope"),
            "rope_temperature": .number(10000), "mlp_type": .text("swiglu"),
            "norm_type": .text("layernorm"), "norm_eps": .number(1e-6),
            "attn_gated": .flag(false), "pre_norm": .flag(false),
            "norm_placement": .text("pre"), "zero_init_residual": .flag(false),
            "reg_tokens": .number(0), "value_residual": .flag(false),
            "attention_bias": .flag(true), "mlp_bias": .flag(true), "gate_bias": .null,
        ])
        // Padding is only told apart with `embed_cls`, and one token is the same whether it is
        // normalised before or after it is taken out.
        settings.ignore("pad_id", "bos_id", "final_ln_after_pool")
        text.contextLength = try settings.integer("context_length", default: 77)
        text.vocabularySize = try settings.integer("vocab_size", default: 49408)
        text.width = try settings.integer("width", default: 512)
        text.heads = try settings.integer("heads", default: 8)
        text.depth = try settings.integer("layers", default: 12)
        try read(settings, activation, width: text.width, into: &text.blocks)
        text.isCausal = try !settings.flag("no_causal_mask", default: false)
        let end = try settings.integer("eos_id", default: -1)
        text.pooling = try settings.choice(
            "pool_type", default: "argmax",
            ["argmax": .largest, "first": .first, "last": .last, "eos": .end(end)])
        text.hasProjectionBias = try settings.flag("proj_bias", default: false)
        text.tokenization = try tokenization(settings, directory: directory)
        try settings.refuseOthers()
    }

    /// What the blocks of both towers are described with.
    private static func read(
        _ settings: CLIPSettings, _ activation: CLIPConfiguration.Activation, width: Int,
        into blocks: inout CLIPConfiguration.Blocks
    ) throws {
        if let ratio = try settings.number("mlp_ratio") {
            guard let inner = Int(exactly: (Double(width) * ratio).rounded(.down)) else {
                throw settings.unsupported("mlp_ratio", "a number near 4 is")
            }
            blocks.setInnerWidth(inner, width: width)
        }
        blocks.hasLayerScale = settings.has("ls_init_value")
        blocks.activation = activation
        if let arguments = try settings.section("act_kwargs") {
            // QuickGELU takes no arguments in open_clip either.
            if activation == .gelu {
                blocks.activation = try arguments.choice(
                    "approximate", default: "none", ["none": .gelu, "tanh": .geluByTanh])
            }
            try arguments.refuseOthers()
        }
        if let arguments = try settings.section("norm_kwargs") {
            blocks.normEpsilon = try arguments.number("eps") ?? 1e-5
            try arguments.require(["elementwise_affine": .flag(true), "bias": .flag(true)])
            try arguments.refuseOthers()
        }
    }

    /// CLIP's byte pairs, or the word pieces whose vocabulary lies beside the file.
    private static func tokenization(_ settings: CLIPSettings, directory: String) throws
        -> CLIPConfiguration.Tokenization
    {
        try settings.require(["tokenizer_mode": .text(""), "tokenizer_type": .text("")])
        settings.ignore("tiktoken_name")
        let arguments = try settings.section("tokenizer_kwargs")
        // Which words are left out is drawn by chance.
        try arguments?.require([
            "reduction_mask": .text(""), "additional_special_tokens": .null, "language": .null,
        ])
        let name = try settings.text("hf_tokenizer_name") ?? ""
        guard !name.isEmpty else {
            try arguments?.require(["clean": .text("lower")])
            try arguments?.refuseOthers()
            return .bytePairs
        }
        guard name.split(separator: "/").last == "bert-base-uncased" else {
            throw settings.unsupported("hf_tokenizer_name", "'bert-base-uncased' is")
        }
        try arguments?.require(["clean": .text("whitespace")])
        let drops = try arguments?.flag("strip_sep_token", default: false) ?? false
        try arguments?.refuseOthers()
        return .wordPieces(
            vocabularyFile: (directory as NSString).appendingPathComponent("vocab.txt"),
            dropsSeparator: drops)
    }

    private static func preparation(_ settings: CLIPSettings?, side: Int) throws
        -> CLIPImagePreparation
    {
        var preparation = CLIPImagePreparation(side: side)
        // open_clip takes the size of the model, and passes over keys that it does not know.
        guard let settings else { return preparation }
        try settings.require(["mode": .text("RGB")])
        preparation.normalization = try settings.normalization(mean: "mean", std: "std")
        preparation.interpolation = try settings.choice(
            "interpolation", default: "bicubic",
            // By chance only while a model is trained.
            ["bicubic": .bicubic, "bilinear": .bilinear, "random": .bicubic])
        preparation.resizing = try settings.choice(
            "resize_mode", default: "shortest",
            ["shortest": .shortSide(side), "longest": .longSide, "squash": .bothSides])
        let fill = try settings.integer("fill_color", default: 0)
        guard let fill = UInt8(exactly: fill) else {
            throw settings.unsupported("fill_color", "0 to 255 are")
        }
        preparation.fill = fill
        return preparation
    }
}

extension CLIPSettings {
    /// How pixels become numbers, by default as in CLIP.
    func normalization(mean: String, std: String) throws -> PixelNormalization {
        let deviations = try channels(std) ?? PixelNormalization.clip.std
        guard deviations.allSatisfy({ $0 > 0 }) else {
            throw unsupported(std, "numbers above 0 are")
        }
        return PixelNormalization(
            mean: try channels(mean) ?? PixelNormalization.clip.mean, std: deviations)
    }
}
