/// Which of the official implementation's unintended behaviours to keep (`Documentation/compatibility.md`).
public enum Compatibility: String, Codable, Sendable, Equatable, CaseIterable {
    /// The same numbers as the published code.
    case official
    /// The intended behaviour.
    case corrected
}

/// Sizes of the image encoder.
public struct VisionConfiguration: Sendable, Equatable {
    /// Side of the square input. pixels
    public var imageSize = 256
    /// Side of a patch. pixels
    public var patchSize = 16
    /// Width of the hidden states.
    public var width = 768
    /// Number of blocks.
    public var depth = 12
    /// Attention heads of a block.
    public var heads = 12
    /// Width of a block's MLP in units of `width`.
    public var mlpRatio = 4
    /// Standard deviation of initial weights. timm's 0.02 is made for a width of 768: narrow models
    /// start faster with more, since what a layer adds shrinks with the root of the width.
    public var initializerRange = 0.02

    /// The official values.
    public init() {}

    /// Whole patches along a side.
    public var grid: Int { imageSize / patchSize }
    /// Patches of an image.
    public var patchCount: Int { grid * grid }
}

/// Sizes of a BERT encoder, with the names of its JSON file.
public struct BertConfiguration: Sendable, Equatable {
    /// Width of the hidden states.
    public var hiddenSize = 768
    /// Width of the feed-forward layer.
    public var intermediateSize = 3072
    /// Attention heads of a layer.
    public var attentionHeads = 12
    /// Number of layers, text and fusion together.
    public var layers = 12
    /// Index of the first layer with cross-attention.
    public var fusionLayer = 6
    /// Width of what the cross-attention looks at.
    public var encoderWidth = 768
    /// Tokens of the vocabulary.
    public var vocabularySize = 30522
    /// Longest sequence.
    public var maxPositions = 512
    /// Number of token types.
    public var tokenTypes = 2
    /// Added to the variance in layer normalisation.
    public var layerNormEpsilon = 1e-12
    /// Probability with which an element of a hidden state is dropped in training.
    public var hiddenDropout = 0.1
    /// Probability with which an attention weight is dropped in training.
    public var attentionDropout = 0.1
    /// Standard deviation of initial weights.
    public var initializerRange = 0.02
    /// Token that pads sequences.
    public var padTokenID = 0

    /// The official values.
    public init() {}

    /// The encoder of texts about two images: each fusion layer becomes two (`spec.md` section 7).
    var forImagePairs: BertConfiguration {
        var result = self
        result.layers = fusionLayer + 2 * (layers - fusionLayer)
        return result
    }

    /// The decoder of answers: as many layers as the encoder has for fusion, all of which look at the
    /// encoder's hidden states (`spec.md` section 7).
    var forAnswers: BertConfiguration {
        var result = self
        result.layers = layers - fusionLayer
        result.fusionLayer = 0
        result.encoderWidth = hiddenSize
        return result
    }
}

/// Which masked image modelling is done, if any.
public enum MaskedImageObjective: Sendable, Equatable, CaseIterable {
    /// A decoder of its own restores the pixels.
    case unimodal
    /// The fusion layers restore the pixels, looking at the caption.
    case crossModal
    /// The mean of both losses.
    case both
}

/// The sizes and switches of a ViCHA model; every variant of the paper is a value of this type.
public struct ModelConfiguration: Sendable, Equatable {
    /// Sizes of the image encoder.
    public var vision = VisionConfiguration()
    /// Sizes of the text and fusion encoder; the concept encoder shares them.
    public var text = BertConfiguration()
    /// Width of the aligned features.
    public var embedDim = 256
    /// Initial temperature of the contrastive similarities.
    public var temperature = 0.07
    /// Features that each queue keeps.
    public var queueSize = 65536
    /// Share of its old value that a momentum weight keeps in a step.
    public var momentum = 0.995
    /// Share of tokens that masked language modelling predicts.
    public var mlmProbability = 0.15
    /// Whether concepts are encoded and given to the image encoder.
    public var usesConcepts = true
    /// Layers of the concept encoder; 0 means embeddings alone.
    public var conceptLayers = 2
    /// Whether intermediate layers are aligned.
    public var alignsHiddenStates = false
    /// How many intermediate layers are aligned.
    public var alignedLayers = 5
    /// Weight of the hierarchical loss.
    public var hiddenAlignmentWeight = 1.0
    /// Weight of each aligned layer, from the lowest; nil means 1 for all.
    public var layerWeights: [Double]?
    /// Masked image modelling, nil for none.
    public var maskedImage: MaskedImageObjective?
    /// Share of patches that masked image modelling removes.
    public var maskRatio = 0.75
    /// Width, heads and blocks of the masked-image decoder.
    public var decoderWidth = 768
    /// Attention heads of the masked-image decoder.
    public var decoderHeads = 16
    /// Blocks of the masked-image decoder.
    public var decoderDepth = 2
    /// Whether the official implementation's unintended behaviours are kept.
    public var compatibility = Compatibility.official
    /// Whether blocks are computed again in the backward pass to save memory.
    public var checkpointsBlocks = false

    /// The official values.
    public init() {}

    /// - Throws: ``ModelConfigurationError`` naming the first value that makes no model.
    public func validate() throws {
        func require(_ condition: Bool, _ key: String, _ expected: String) throws {
            guard condition else { throw ModelConfigurationError(key: key, expected: expected) }
        }
        for (key, value) in [
            ("image_res", vision.imageSize), ("patch_size", vision.patchSize),
            ("vision_width", vision.width), ("vision_depth", vision.depth),
            ("vision_heads", vision.heads), ("hidden_size", text.hiddenSize),
            ("num_attention_heads", text.attentionHeads), ("vocab_size", text.vocabularySize),
            ("embed_dim", embedDim), ("queue_size", queueSize),
        ] {
            try require(value > 0, key, "a positive number")
        }
        // Without masked images a rest that fills no patch is cut off, as the official 380 pixels are.
        let hasWholePatches = vision.imageSize % vision.patchSize == 0
        try require(
            hasWholePatches || maskedImage == nil && vision.grid > 0, "image_res",
            "a multiple of patch_size (\(vision.patchSize))")
        try require(
            vision.width % vision.heads == 0, "vision_width",
            "a multiple of vision_heads (\(vision.heads))")
        try require(
            text.hiddenSize % text.attentionHeads == 0, "hidden_size",
            "a multiple of num_attention_heads (\(text.attentionHeads))")
        try require(
            text.encoderWidth == vision.width, "encoder_width",
            "the vision_width (\(vision.width)), since the fusion layers look at images")
        try require(
            (0...text.layers).contains(text.fusionLayer), "fusion_layer",
            "between 0 and num_hidden_layers (\(text.layers))")
        try require(conceptLayers >= 0, "num_hidden_layers_kw", "0 or more")
        try require((0.0...1.0).contains(mlmProbability), "mlm_probability", "between 0 and 1")
        try require((0.0...1.0).contains(momentum), "momentum", "between 0 and 1")
        if alignsHiddenStates {
            let most = min(vision.depth - 1, text.fusionLayer)
            try require(
                (1...max(1, most)).contains(alignedLayers) && most >= 1, "num_hidden_align",
                "between 1 and \(most), the intermediate layers of both encoders")
            try require(
                layerWeights.map { $0.count == alignedLayers } ?? true, "ita_hidden_weights",
                "one weight for each of num_hidden_align (\(alignedLayers)) layers")
        }
        if let maskedImage {
            try require(
                maskRatio > 0 && maskRatio < 1, "mask_ratio", "greater than 0 and less than 1")
            try require(
                decoderWidth % decoderHeads == 0, "decoder_width",
                "a multiple of decoder_heads (\(decoderHeads))")
            try require(decoderWidth % 4 == 0, "decoder_width", "a multiple of 4")
            if maskedImage != .unimodal {
                try require(
                    vision.width == text.hiddenSize, "hidden_size",
                    "the vision_width (\(vision.width)) for cross-modal masked image modelling, "
                        + "since image tokens run through the fusion layers")
            }
            if maskedImage == .both {
                try require(
                    decoderWidth == vision.width, "decoder_width",
                    "the vision_width (\(vision.width)), since both masked-image paths share "
                        + "their mask token")
            }
        }
    }
}

/// A value that makes no model.
public struct ModelConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The key of the value in the configuration file.
    public let key: String
    /// What the value must be.
    public let expected: String

    /// The official values.
    public init(key: String, expected: String) {
        self.key = key
        self.expected = expected
    }

    /// What happened, where, and what to do about it.
    public var description: String { "configuration key '\(key)' must be \(expected)" }
}
