/// Sizes of a CLIP model with a vision transformer.
public struct CLIPConfiguration: Sendable, Equatable {
    /// The activation inside a transformer's MLPs.
    public enum Activation: Sendable, Equatable {
        /// x · σ(1.702 x), of OpenAI's models.
        case quickGELU
        /// The exact Gaussian error linear unit.
        case gelu
        /// The unit with the hyperbolic tangent in place of the error function.
        case geluByTanh
    }

    /// What both towers have.
    public struct Blocks: Sendable, Equatable {
        /// Width of the MLPs' inner layer; nil for four times that of the hidden states.
        public var innerWidth: Int?
        /// The activation of the MLPs.
        public var activation = Activation.quickGELU
        /// Added to the variance in every layer normalisation.
        public var normEpsilon = 1e-5
        /// Whether what a layer adds to the hidden states is scaled by a trained factor.
        public var hasLayerScale = false

        /// The layers of OpenAI's models.
        public init() {}

        /// Sets the width of the MLPs' inner layer for hidden states of a width.
        mutating func setInnerWidth(_ inner: Int?, width: Int) {
            // Divided, since a damaged file may have a width that has no multiple.
            innerWidth = inner.flatMap { $0.isMultiple(of: 4) && $0 / 4 == width ? nil : $0 }
        }
    }

    /// Which hidden states of the image tower become the embedding.
    public enum VisionPooling: Sendable, Equatable {
        /// That of the class token.
        case classToken
        /// The mean of those of all patches.
        case average
    }

    /// Which hidden state of the text tower becomes the embedding.
    public enum TextPooling: Sendable, Equatable {
        /// That of the token with the largest id, the first of equal ones.
        case largest
        /// That of the first token.
        case first
        /// That of the last of all places, mostly padding.
        case last
        /// That of the first token with this id, or of the first token where there is none.
        case end(Int)
    }

    /// How texts become tokens.
    public enum Tokenization: Sendable, Equatable {
        /// CLIP's byte pairs.
        case bytePairs
        /// BERT's word pieces, of a file. With `dropsSeparator` the last token becomes padding.
        case wordPieces(vocabularyFile: String, dropsSeparator: Bool)
    }

    /// Sizes of the image tower.
    public struct Vision: Sendable, Equatable {
        /// Side of the square images. pixels
        public var imageSize = 224
        /// Side of a patch. pixels
        public var patchSize = 16
        /// Width of the hidden states.
        public var width = 768
        /// Transformer blocks.
        public var depth = 12
        /// Attention heads.
        public var heads = 12
        /// The transformer blocks.
        public var blocks = Blocks()
        /// Whether the embedded patches are normalised before the first block.
        public var hasPreNorm = true
        /// What becomes the embedding.
        public var pooling = VisionPooling.classToken
        /// Whether the mean is normalised, and not the hidden states that it is taken of.
        public var normalizesPooled = false

        /// The sizes of ViT-B/16.
        public init() {}

        /// Patches of an image.
        public var patchCount: Int { (imageSize / patchSize) * (imageSize / patchSize) }
    }

    /// Sizes of the text tower.
    public struct Text: Sendable, Equatable {
        /// Tokens of a text, start and end included.
        public var contextLength = 77
        /// Tokens that are known.
        public var vocabularySize = 49408
        /// Width of the hidden states.
        public var width = 512
        /// Transformer blocks.
        public var depth = 12
        /// Attention heads.
        public var heads = 8
        /// The transformer blocks.
        public var blocks = Blocks()
        /// Whether a token sees only those before it.
        public var isCausal = true
        /// What becomes the embedding.
        public var pooling = TextPooling.largest
        /// Whether the output projection has a bias, and then PyTorch's layout.
        public var hasProjectionBias = false
        /// How texts become tokens.
        public var tokenization = Tokenization.bytePairs

        /// Whether the embedding depends on the padding behind a text, which then has to reach the
        /// context length.
        public var seesPadding: Bool { !isCausal || pooling == .last }

        /// The sizes that go with ViT-B/16.
        public init() {}
    }

    /// Width of the embeddings of images and texts.
    public var embedDim = 512
    /// The image tower.
    public var vision = Vision()
    /// The text tower.
    public var text = Text()

    /// ViT-B/16 as published by OpenAI.
    public init() {}

    /// Larger sizes are a mistake, and would take any memory.
    private static let (largestSize, mostLayers) = (1 << 24, 1 << 12)

    /// Makes sure that a model of these sizes can be built.
    /// - Throws: ``CLIPError/invalidConfiguration(_:)``
    public func validate() throws {
        func require(_ condition: Bool, _ what: String) throws {
            guard condition else { throw CLIPError.invalidConfiguration(what) }
        }
        for (name, size) in [
            ("embed_dim", embedDim), ("vision image_size", vision.imageSize),
            ("vision patch_size", vision.patchSize), ("vision width", vision.width),
            ("vision heads", vision.heads), ("text context_length", text.contextLength),
            ("text vocab_size", text.vocabularySize), ("text width", text.width),
            ("text heads", text.heads),
            ("vision mlp width", vision.blocks.innerWidth ?? 1),
            ("text mlp width", text.blocks.innerWidth ?? 1),
        ] {
            try require(
                size > 0 && size <= Self.largestSize,
                "\(name) must be positive and at most \(Self.largestSize), not \(size)")
        }
        for (name, depth) in [("vision", vision.depth), ("text", text.depth)] {
            try require(
                depth >= 0 && depth <= Self.mostLayers,
                "\(name) layers must be from 0 to \(Self.mostLayers), not \(depth)")
        }
        try require(
            vision.imageSize.isMultiple(of: vision.patchSize),
            "the image size \(vision.imageSize) must be a multiple of the patch size "
                + "\(vision.patchSize)")
        for (name, width, heads) in [
            ("vision", vision.width, vision.heads), ("text", text.width, text.heads),
        ] {
            try require(
                width.isMultiple(of: heads),
                "the \(name) width \(width) must be a multiple of its \(heads) heads")
        }
    }
}
