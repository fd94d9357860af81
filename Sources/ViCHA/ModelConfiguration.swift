// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration

/// Which of the official implementation's unintended behaviours to keep (`Documentation/compatibility.md`).
public enum Compatibility: String, KeyValue, CaseIterable {
    /// The same numbers as the published code.
    case official
    /// The intended behaviour.
    case corrected
}

/// Sizes of the image encoder.
public struct VisionConfiguration: KeyedConfiguration {
    @Key("image_res", 1...16384, "side of the square input, in pixels") public var imageSize = 256
    @Key("patch_size", 1...1024, "side of a patch, in pixels") public var patchSize = 16
    @Key("vision_width", 1...65536, "width of the hidden states") public var width = 768
    @Key("vision_depth", 1...1024, "blocks") public var depth = 12
    @Key("vision_heads", 1...1024, "attention heads of a block") public var heads = 12
    @Key("mlp_ratio", 1...64, "width of a block's MLP, in widths of the hidden states")
    public var mlpRatio = 4
    /// timm's 0.02 is made for a width of 768: narrow models start faster with more, since what a layer
    /// adds shrinks with the root of the width.
    @Key("vision_initializer_range", 0...10, "deviation of initial weights; more for narrow models")
    public var initializerRange = 0.02

    /// The official values.
    public init() {}

    /// Whole patches along a side.
    public var grid: Int { imageSize / patchSize }
    /// Patches of an image.
    public var patchCount: Int { grid * grid }

    /// - Throws: ``ConfigurationKeyError`` for sizes that do not go together.
    public func validateTogether() throws {
        // Without masked images a rest that fills no patch is cut off, as the official 380 pixels are.
        try ConfigurationKeyError.require(
            grid > 0, $imageSize.name, "at least patch_size (\(patchSize))", found: imageSize)
        try ConfigurationKeyError.require(
            width % heads == 0, $width.name, "a multiple of vision_heads (\(heads))", found: width)
    }
}

/// Sizes of a BERT encoder, with the names of its JSON file and the two that ALBEF added.
public struct BertConfiguration: KeyedConfiguration {
    @Key("hidden_size", 1...65536, "width of the hidden states") public var hiddenSize = 768
    @Key("intermediate_size", 1...262_144, "width of the feed-forward layers")
    public var intermediateSize = 3072
    @Key("num_attention_heads", 1...1024, "attention heads of a layer")
    public var attentionHeads = 12
    @Key("num_hidden_layers", 1...1024, "layers, for text and for fusion together")
    public var layers = 12
    @Key(
        "fusion_layer", defaultText: "num_hidden_layers",
        "first layer that looks at images; 6 in the official files") public var fusionLayer = 6
    @Key(
        "encoder_width", defaultText: "hidden_size", "width of what the cross-attention looks at")
    public var encoderWidth = 768
    @Key("vocab_size", 1...10_000_000, "tokens of the vocabulary") public var vocabularySize = 30522
    @Key("max_position_embeddings", 2...65536, "longest sequence") public var maxPositions = 512
    @Key("type_vocab_size", 1...1024, "token types") public var tokenTypes = 2
    @Key("layer_norm_eps", 0...10, "added to the variance in layer normalisation")
    public var layerNormEpsilon = 1e-12
    @Key(
        "hidden_dropout_prob", .belowOne,
        "probability with which an element of a hidden state is dropped")
    public var hiddenDropout = 0.1
    @Key(
        "attention_probs_dropout_prob", .belowOne,
        "probability with which an attention weight is dropped") public var attentionDropout = 0.1
    @Key("initializer_range", 0...10, "deviation of initial weights")
    public var initializerRange = 0.02
    @Key("pad_token_id", "token that pads sequences") public var padTokenID = 0
    @Key(
        "hidden_act",
        "function of the feed-forward layers: gelu, gelu_new, gelu_fast, quick_gelu, relu, silu, swish, "
            + "mish, tanh, sigmoid, linear") public var activation = TextActivation.gelu

    /// The values of BERT-base with ALBEF's fusion.
    public init() {}

    /// Keys that change what a BERT computes and of which one value is done here.
    public static let fixedKeys = [
        FixedKey(
            "position_embedding_type", .text("absolute"), because: "the only kind of positions here"
        ),
        FixedKey(
            "tie_word_embeddings", .boolean(true),
            because: "the language head has the word embeddings"),
        FixedKey("pruned_heads", .nothing, because: "heads cannot be pruned here"),
    ]

    /// Keys of other programs, and switches of the official code that only save memory or return more.
    public static let keysWithoutEffect = [
        "_name_or_path", "add_cross_attention", "architectures", "bos_token_id",
        "chunk_size_feed_forward", "classifier_dropout", "cls_token_id", "directionality",
        "eos_token_id", "finetuning_task", "gradient_checkpointing", "id2label", "is_decoder",
        "label2id", "mask_token_id", "model_type", "num_labels", "output_attentions",
        "output_hidden_states", "pooler_fc_size", "pooler_num_attention_heads",
        "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type", "problem_type",
        "return_dict", "sep_token_id", "torch_dtype", "torchscript", "transformers_version",
        "use_cache",
    ]

    /// A plain BERT reads text in all its layers, and looks at states of its own width.
    public mutating func adjust(stated: Set<String>) {
        if !stated.contains($fusionLayer.name) { fusionLayer = layers }
        if !stated.contains($encoderWidth.name) { encoderWidth = hiddenSize }
    }

    /// - Throws: ``ConfigurationKeyError`` for sizes that do not go together.
    public func validateTogether() throws {
        try ConfigurationKeyError.require(
            hiddenSize % attentionHeads == 0, $hiddenSize.name,
            "a multiple of num_attention_heads (\(attentionHeads))", found: hiddenSize)
        try ConfigurationKeyError.require(
            (0...layers).contains(fusionLayer), $fusionLayer.name,
            "between 0 and num_hidden_layers (\(layers))", found: fusionLayer)
        try ConfigurationKeyError.require(
            (0..<vocabularySize).contains(padTokenID), $padTokenID.name,
            "the number of a token, between 0 and \(vocabularySize - 1)", found: padTokenID)
    }

    /// The encoder of texts about two images: each fusion layer becomes two (Li et al. 2021, section 5).
    var forImagePairs: BertConfiguration {
        var result = self
        result.layers = fusionLayer + 2 * (layers - fusionLayer)
        return result
    }

    /// The decoder of answers: as many layers as the encoder has for fusion, all of which look at the
    /// encoder's hidden states (Li et al. 2021, section 5).
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
public struct ModelConfiguration: KeyedConfiguration {
    public static let title: String? = "The model"

    @Key("compatibility", "official or corrected, see compatibility.md")
    public var compatibility = Compatibility.official
    public var vision = VisionConfiguration()
    /// The concept encoder shares these sizes.
    @Section("bert_config", mayBeFile: true) public var text = BertConfiguration()
    @Key("embed_dim", 1...65536, "width of the features that are compared") public var embedDim =
        256
    @Key("temp", 1e-6...1000, "temperature of similarities at the start")
    public var temperature = 0.07
    @Key("queue_size", 1...10_000_000, "features that each queue keeps")
    public var queueSize = 65536
    @Key("momentum", 0...1, "share of its value that a momentum weight keeps in a step")
    public var momentum = 0.995
    @Key("mlm_probability", 0...1, "share of the tokens that are to be predicted")
    public var mlmProbability = 0.15
    @Key("kw_img_model", "give concepts to the image encoder") public var usesConcepts = false
    @Key("num_hidden_layers_kw", 0...1024, "layers of the concept encoder; 0 for embeddings alone")
    public var conceptLayers = 2
    @Key("return_hidden_state", "hierarchical alignment") public var alignsHiddenStates = false
    @Key("num_hidden_align", "inner layers that are aligned") public var alignedLayers = 5
    @Key("ita_hidden_weight", .magnitude(upTo: 1e6), "weight of the hierarchical loss")
    public var hiddenAlignmentWeight = 1.0
    @Key(
        "ita_hidden_weights", defaultText: "all 1", "weight of each aligned layer, from the lowest")
    public var layerWeights: [Double]? = nil
    @Key("mae", "masked image modelling") private var modelsMaskedImages = false
    @Key("unimodal_mae", "pixels are predicted from the image alone, not with its caption")
    private var isUnimodal = false
    @Key("uni_cross_modal_mae", "pixels are predicted in both ways") private var isBoth = false
    @Key(
        "model_mae", isWritten: false,
        "without concepts: masked image modelling and no alignment, whatever mae and "
            + "return_hidden_state say") private var selectsMaskedImageModel = false
    @Key("mae_lambda", .magnitude(upTo: 1e6), "weight of masked image modelling")
    public var maskedImageWeight = 1.0
    @Key("mask_ratio", "share of the patches that are removed")
    public var maskRatio = 0.75
    @Key("decoder_width", 1...65536, when: .whereUsed, "width of the masked-image decoder")
    public var decoderWidth = 768
    @Key("decoder_heads", 1...1024, when: .whereUsed, "attention heads of the masked-image decoder")
    public var decoderHeads = 16
    @Key("decoder_depth", 0...1024, when: .whereUsed, "blocks of the masked-image decoder")
    public var decoderDepth = 2
    @Key("gradient_checkpointing", "compute blocks twice to save memory")
    public var checkpointsBlocks = false

    /// The official values.
    public init() {}

    /// Masked image modelling, nil for none.
    public var maskedImage: MaskedImageObjective? {
        get { modelsMaskedImages ? isBoth ? .both : isUnimodal ? .unimodal : .crossModal : nil }
        set {
            modelsMaskedImages = newValue != nil
            (isBoth, isUnimodal) = (newValue == .both, newValue == .unimodal)
        }
    }

    /// Whether `model_mae` chooses a model that the official code does not have: with concepts, masked
    /// images come by `mae` alone.
    public var selectsMissingModel: Bool { selectsMaskedImageModel && maskedImage == nil }

    /// Brings the switches of masked image modelling to the form that they are written in.
    public mutating func adjust(stated: Set<String>) {
        if selectsMaskedImageModel, !usesConcepts {
            (alignsHiddenStates, modelsMaskedImages) = (false, true)
        }
        selectsMaskedImageModel = selectsMissingModel
        maskedImage = maskedImage
    }

    /// The momentum of models for entailment, questions and NLVR2, for which the official code has a
    /// constant whatever the file says.
    public var reasoningMomentum: Double { compatibility == .official ? 0.995 : momentum }

    /// The weight of masked image modelling; the official model with concepts has none.
    public var usedMaskedImageWeight: Double {
        compatibility == .official && usesConcepts ? 1 : maskedImageWeight
    }
}
