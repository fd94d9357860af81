// Shapes: B batch, L text tokens, N image tokens, C concept tokens, D width, E feature width.
import Torch

/// One set of encoders with their projections: the online model or its momentum twin, which are the
/// same type under other names.
struct Encoders: Sendable {
    let vision: VisionTransformer
    let text: TextEncoder
    let concepts: ConceptEncoder?
    let visionProjection: Linear
    let textProjection: Linear
    private let compatibility: Compatibility

    /// Declares all weights with `suffix` behind the first name of each key.
    init(_ scope: ParameterScope, suffix: String, _ c: ModelConfiguration) {
        self.init(
            scope, suffix: suffix, c, vision: Self.vision(scope, suffix, c),
            text: TextEncoder(
                scope["text_encoder" + suffix], c.text, checkpointsLayers: c.checkpointsBlocks))
    }

    /// The same with the text encoder wrapped as a masked language model, as in pretraining.
    static func pretraining(_ scope: ParameterScope, suffix: String, _ c: ModelConfiguration) -> (
        encoders: Encoders, languageHead: MaskedLanguageHead
    ) {
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
        vision: VisionTransformer, text: TextEncoder
    ) {
        self.vision = vision
        self.text = text
        concepts = c.usesConcepts ? ConceptEncoder(scope, suffix: suffix, c) : nil
        visionProjection = Linear(scope["vision_proj" + suffix], c.vision.width, c.embedDim)
        textProjection = Linear(scope["text_proj" + suffix], c.text.hiddenSize, c.embedDim)
        compatibility = c.compatibility
    }

    /// Projected concept tokens, nil for a model without concepts. `[B, C, D]`
    func encodeConcepts(_ tokens: TokenBatch?, dropout: Generator?) -> Tensor? {
        guard let concepts, let tokens else { return nil }
        return concepts(tokens, dropout: dropout)
    }

    /// Encodes embedded patches with concept tokens. The official code lets padded concept tokens
    /// take part in attention (`parity/README.md`); `corrected` masks them.
    func encodeImages(
        patches: Tensor, concepts: Tensor?, tokens: TokenBatch?,
        inspecting: (block: Int, receive: (Tensor) -> Void)? = nil
    ) -> ImageEncoding {
        vision(
            patches: patches, concepts: concepts,
            conceptMask: compatibility == .corrected ? tokens?.attentionMask : nil,
            inspecting: inspecting)
    }

    /// Encodes images with their concepts. `[B, 3, H, W]`
    func encode(
        images: Tensor, concepts: TokenBatch?, dropout: Generator? = nil,
        inspecting: (block: Int, receive: (Tensor) -> Void)? = nil
    ) -> ImageEncoding {
        encodeImages(
            patches: vision.patches(of: images),
            concepts: encodeConcepts(concepts, dropout: dropout), tokens: concepts,
            inspecting: inspecting)
    }

    /// Normalised feature of each image. `[B, D]` class tokens → `[B, E]`
    func imageFeatures(_ classTokens: Tensor) -> Tensor {
        visionProjection(classTokens).normalized()
    }

    /// Normalised feature of each text. `[B, D]` class tokens → `[B, E]`
    func textFeatures(_ classTokens: Tensor) -> Tensor { textProjection(classTokens).normalized() }
}
