// Shapes: B batch, L text tokens, N image tokens, C concept tokens, D width, E feature width.
import Batches
import Torch

/// One set of encoders: the online model or its momentum model, which are the same type under other
/// names.
public struct Encoders: Sendable {
    /// The image encoder.
    public var vision: VisionTransformer
    /// The text encoder, whose upper layers look at images.
    public let text: TextEncoder
    /// The concept encoder, nil for a model without concepts.
    public let concepts: ConceptEncoder?
    private let compatibility: Compatibility

    /// Declares all weights with `suffix` behind the first name of each key.
    ///
    /// - Parameters:
    ///   - scope: where the weights are named
    ///   - suffix: what stands behind the first name
    ///   - c: sizes and switches
    ///   - looksAtPairs: whether texts look at two images in turns, for which each fusion layer becomes
    ///     two
    ///   - wrapsConcepts: whether a concept encoder without layers is a BERT with no layer
    public init(
        _ scope: ParameterScope, suffix: String = "", _ c: ModelConfiguration,
        looksAtPairs: Bool = false, wrapsConcepts: Bool = false
    ) {
        self.init(
            scope, suffix: suffix, c, vision: Self.vision(scope, suffix, c),
            text: TextEncoder(
                scope["text_encoder" + suffix], looksAtPairs ? c.text.forImagePairs : c.text,
                looksAtPairs: looksAtPairs, checkpointsLayers: c.checkpointsBlocks),
            wrapsConcepts: wrapsConcepts)
    }

    /// The same with the text encoder wrapped as a masked language model, as in pretraining.
    public static func pretraining(_ scope: ParameterScope, suffix: String, _ c: ModelConfiguration)
        -> (
            encoders: Encoders, languageHead: MaskedLanguageHead
        )
    {
        let vision = vision(scope, suffix, c)
        let bert = scope["text_encoder" + suffix]
        let text = TextEncoder(bert["bert"], c.text, checkpointsLayers: c.checkpointsBlocks)
        let head = MaskedLanguageHead(
            bert["cls"]["predictions"], c.text, words: text.embeddings.words)
        return (Encoders(scope, suffix: suffix, c, vision: vision, text: text), head)
    }

    private static func vision(
        _ scope: ParameterScope, _ suffix: String, _ c: ModelConfiguration
    ) -> VisionTransformer {
        VisionTransformer(
            scope["visual_encoder" + suffix], c.vision, checkpointsBlocks: c.checkpointsBlocks)
    }

    private init(
        _ scope: ParameterScope, suffix: String, _ c: ModelConfiguration,
        vision: VisionTransformer, text: TextEncoder, wrapsConcepts: Bool = false
    ) {
        self.init(
            vision: vision, text: text,
            concepts: c.usesConcepts
                ? ConceptEncoder(scope, suffix: suffix, c, isWholeBert: wrapsConcepts) : nil,
            compatibility: c.compatibility)
    }

    private init(
        vision: VisionTransformer, text: TextEncoder, concepts: ConceptEncoder?,
        compatibility: Compatibility
    ) {
        self.vision = vision
        self.text = text
        self.concepts = concepts
        self.compatibility = compatibility
    }

    /// Projected concept tokens, nil for a model without concepts. `[B, C, D]`
    public func encodeConcepts(_ tokens: TokenBatch?, dropout: Generator? = nil) -> Tensor? {
        guard let concepts, let tokens else { return nil }
        return concepts(tokens, dropout: dropout)
    }

    /// Encodes embedded patches with concept tokens. The official code lets padded concept tokens
    /// take part in attention (`Documentation/compatibility.md`); `corrected` masks them.
    public func encodeImages(
        patches: Tensor, concepts: Tensor?, tokens: TokenBatch?,
        inspecting: (block: Int, receive: (Tensor) -> Void)? = nil
    ) -> ImageEncoding {
        vision(
            patches: patches, concepts: concepts,
            conceptMask: compatibility == .corrected ? tokens?.attentionMask : nil,
            inspecting: inspecting)
    }

    /// Encodes images with their concepts.
    ///
    /// - Parameters:
    ///   - images: a batch
    ///   - dropout: source of dropout; nil for none
    ///   - inspecting: a block, and what receives the class token's attention there. `[B, H, 1, N]`
    public func encode(
        _ images: ImageBatch, dropout: Generator? = nil,
        inspecting: (block: Int, receive: (Tensor) -> Void)? = nil
    ) -> ImageEncoding {
        encodeImages(
            patches: vision.patches(of: images.pixels),
            concepts: encodeConcepts(images.concepts, dropout: dropout), tokens: images.concepts,
            inspecting: inspecting)
    }

    /// Runs texts through all layers, looking at images.
    ///
    /// - Returns: `[B, L, D]`
    public func fuse(
        _ texts: TokenBatch, _ keyValues: CrossAttentionKeyValues, dropout: Generator? = nil
    )
        -> Tensor
    {
        let states = text.encodeText(texts, dropout: dropout)
        return text.fuse(
            states[states.count - 1], attentionMask: texts.attentionMask, keyValues: keyValues,
            dropout: dropout)
    }
}

/// Where images and texts become comparable: a projection of each, whose results have length 1.
public struct FeatureProjections: Sendable {
    private let vision: Linear
    private let text: Linear

    /// Declares `vision_proj` and `text_proj`, with `suffix` behind both names.
    public init(_ scope: ParameterScope, suffix: String = "", _ c: ModelConfiguration) {
        vision = Linear(scope["vision_proj" + suffix], c.vision.width, c.embedDim)
        text = Linear(scope["text_proj" + suffix], c.text.hiddenSize, c.embedDim)
    }

    /// Normalised feature of each image, from its class token. `[B, N, D]` → `[B, E]`
    public func features(of image: ImageEncoding) -> Tensor {
        vision(image.lastHiddenState.select(1, 0)).normalized()
    }

    /// Normalised feature of each text, from its class token. `[B, L, D]` → `[B, E]`
    public func features(ofText hiddenStates: Tensor) -> Tensor {
        text(hiddenStates.select(1, 0)).normalized()
    }
}
