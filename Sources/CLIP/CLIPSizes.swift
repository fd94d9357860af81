// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration

/// Sizes and activation of a model in the layout of open_clip's `model_cfg`.
public struct CLIPSizes: KeyedConfiguration {
    /// The `vision_cfg` section.
    public struct Vision: KeyedConfiguration {
        @Key("image_size", isRequired: true, "side of the square images, in pixels")
        public var imageSize = 224
        @Key("layers", isRequired: true, "transformer blocks") public var layers = 12
        @Key("width", isRequired: true, "width of the hidden states") public var width = 768
        @Key("head_width", "width of an attention head") public var headWidth = 64
        @Key("patch_size", isRequired: true, "side of a patch, in pixels") public var patchSize = 16

        /// The sizes of ViT-B/16.
        public init() {}
    }

    /// The `text_cfg` section.
    public struct Text: KeyedConfiguration {
        @Key("context_length", isRequired: true, "tokens of a text, start and end included")
        public var contextLength = 77
        @Key("vocab_size", isRequired: true, "tokens that are known")
        public var vocabularySize = 49408
        @Key("width", isRequired: true, "width of the hidden states") public var width = 512
        @Key("heads", isRequired: true, "attention heads") public var heads = 8
        @Key("layers", isRequired: true, "transformer blocks") public var layers = 12

        /// The sizes that go with ViT-B/16.
        public init() {}
    }

    @Key("embed_dim", isRequired: true, "width of the embeddings") public var embedDim = 512
    @Key("quick_gelu", "QuickGELU instead of GELU") public var usesQuickGELU = false
    @Section("vision_cfg") public var vision = Vision()
    @Section("text_cfg") public var text = Text()

    /// The sizes of ViT-B/16.
    public init() {}

    /// The sizes of a model, whatever else it has.
    init(_ c: CLIPConfiguration) {
        embedDim = c.embedDim
        usesQuickGELU = c.vision.blocks.activation == .quickGELU
        vision.imageSize = c.vision.imageSize
        vision.layers = c.vision.depth
        vision.width = c.vision.width
        vision.headWidth = c.vision.width / max(1, c.vision.heads)
        vision.patchSize = c.vision.patchSize
        text.contextLength = c.text.contextLength
        text.vocabularySize = c.text.vocabularySize
        text.width = c.text.width
        text.heads = c.text.heads
        text.layers = c.text.depth
    }

    /// A model with these sizes.
    public var configuration: CLIPConfiguration {
        var c = CLIPConfiguration()
        c.embedDim = embedDim
        c.vision.blocks.activation = usesQuickGELU ? .quickGELU : .gelu
        c.text.blocks.activation = c.vision.blocks.activation
        c.vision.imageSize = vision.imageSize
        c.vision.patchSize = vision.patchSize
        c.vision.width = vision.width
        c.vision.depth = vision.layers
        c.vision.heads = vision.width / max(1, vision.headWidth)
        c.text.contextLength = text.contextLength
        c.text.vocabularySize = text.vocabularySize
        c.text.width = text.width
        c.text.heads = text.heads
        c.text.depth = text.layers
        return c
    }
}
