/// Sizes of a CLIP model with a vision transformer.
public struct CLIPConfiguration: Sendable, Equatable {
    /// The activation inside the transformers' MLPs.
    public enum Activation: Sendable, Equatable {
        /// x · σ(1.702 x), of OpenAI's models.
        case quickGELU
        /// The exact Gaussian error linear unit.
        case gelu
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

        /// The sizes that go with ViT-B/16.
        public init() {}
    }

    /// Width of the embeddings of images and texts.
    public var embedDim = 512
    /// The activation of both towers.
    public var activation = Activation.quickGELU
    /// The image tower.
    public var vision = Vision()
    /// The text tower.
    public var text = Text()

    /// ViT-B/16 as published by OpenAI.
    public init() {}

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
            ("text width", text.width), ("text heads", text.heads),
        ] { try require(size > 0, "\(name) must be positive, not \(size)") }
        try require(vision.depth >= 0 && text.depth >= 0, "layers must not be negative")
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

/// Why a CLIP model cannot be used.
public enum CLIPError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidConfiguration(String)
    case unknownLayout(path: String, reason: String)

    /// What happened, where, and what to do about it.
    public var description: String {
        switch self {
        case .invalidConfiguration(let what): "no CLIP model has these sizes: \(what)"
        case .unknownLayout(let path, let reason):
            "'\(path)' is no CLIP model: \(reason). Give OpenAI's .pt file, or a directory in the "
                + "form of Hugging Face or open_clip."
        }
    }
}
