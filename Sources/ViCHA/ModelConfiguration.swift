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
    /// The function inside each feed-forward part and the language head.
    public var activation = TextActivation.gelu

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
    /// What the loss of masked image modelling is multiplied by.
    public var maskedImageWeight = 1.0
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

    /// The momentum of models for entailment, questions and NLVR2, for which the official code has a
    /// constant whatever the file says.
    var reasoningMomentum: Double { compatibility == .official ? 0.995 : momentum }

    /// The weight of masked image modelling; the official model with concepts has none.
    var usedMaskedImageWeight: Double {
        compatibility == .official && usesConcepts ? 1 : maskedImageWeight
    }
}

/// A value that makes no model.
public struct ModelConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The key of the value in the configuration file.
    public let key: String
    /// What the value must be.
    public let expected: String
    /// What the value is; nil where it is not at hand.
    public let found: String?

    /// Names a value.
    public init(key: String, expected: String, found: (any Sendable)? = nil) {
        self.key = key
        self.expected = expected
        self.found = found.map { "\($0)" }
    }

    /// What happened, where, and what to do about it.
    public var description: String {
        "configuration key '\(key)' must be \(expected)" + (found.map { ", found \($0)" } ?? "")
    }
}
