// Shapes: B batch, L text tokens, P patches, D width of a tower, H heads, E width of the embeddings.
import Files
import Foundation
import Torch

/// CLIP with a vision transformer (Radford et al. 2021). Parameter names are OpenAI's.
public struct CLIPModel: Sendable {
    /// The sizes.
    public let configuration: CLIPConfiguration
    private let vision: VisionTower
    private let text: TextTower
    /// Logarithm of the factor of the similarities, trained. scalar
    public let logitScale: Tensor

    /// Declares the weights with OpenAI's initialisation.
    /// - Throws: ``CLIPError/invalidConfiguration(_:)``
    public init(_ scope: ParameterScope, _ c: CLIPConfiguration) throws {
        try c.validate()
        configuration = c
        vision = VisionTower(scope["visual"], c)
        text = TextTower(scope, c)
        logitScale = scope.parameter("logit_scale", [], .constant(-log(0.07)))
    }

    /// Embeddings of images, not normalised. `[B, 3, S, S]` → `[B, E]`
    public func encode(images: Tensor) -> Tensor { vision(images) }

    /// Embeddings of texts, not normalised. int64 `[B, L]`, filled up with zeros behind the end →
    /// `[B, E]`. Columns behind the last end of all texts change nothing, and may be left out,
    /// unless the model sees padding (``CLIPConfiguration/Text/seesPadding``).
    public func encode(texts: Tensor) -> Tensor { text(texts) }

    /// A hash of the last layers of both towers: other weights give another number.
    /// - Throws: `TorchError`
    public func fingerprint() throws -> String {
        var hash = StableHash()
        for projection in [vision.projection, text.projection.weight] {
            try projection.detached().to(device: .cpu).contiguous().withUnsafeBytes {
                hash.add($0)
            }
        }
        return hash.text
    }

    /// Cosines of all pairs times the trained factor. 2 × `[B, E]` → `[B, B]`, a row an image
    public func logits(images: Tensor, texts: Tensor) -> Tensor {
        images.normalized().matmul(texts.normalized().transposed(0, 1)) * logitScale.exp()
    }

    /// The mean of both directions of the cross entropy of matching pairs against all others of the
    /// batch (section 2.3). 2 × `[B, E]` → scalar
    public func contrastiveLoss(images: Tensor, texts: Tensor) -> Tensor {
        let logits = logits(images: images, texts: texts)
        let targets = Tensor.range(0..<images.size(0), device: images.device)
        return (crossEntropy(logits, targets) + crossEntropy(logits.transposed(0, 1), targets))
            * 0.5
    }
}

/// The image tower.
private struct VisionTower: Sendable {
    private let classEmbedding: Tensor
    private let positionEmbedding: Tensor
    private let patchEmbedding: PatchEmbedding
    /// nil for a model without.
    private let lnPre: LayerNorm?
    private let blocks: [CLIPBlock]
    private let lnPost: LayerNorm
    private let pooling: CLIPConfiguration.VisionPooling
    private let normalizesPooled: Bool
    let projection: Tensor

    init(_ scope: ParameterScope, _ c: CLIPConfiguration) {
        let v = c.vision
        let scale = Initializer.normal(std: 1 / Double(v.width).squareRoot())
        classEmbedding = scope.parameter("class_embedding", [v.width], scale)
        positionEmbedding = scope.parameter(
            "positional_embedding", [1 + v.patchCount, v.width], scale)
        patchEmbedding = PatchEmbedding(
            scope["conv1"], width: v.width, patchSize: v.patchSize, hasBias: false)
        lnPre =
            v.hasPreNorm
            ? LayerNorm(scope["ln_pre"], v.width, epsilon: v.blocks.normEpsilon) : nil
        blocks = CLIPBlock.blocks(
            scope, count: v.depth, width: v.width, heads: v.heads, v.blocks)
        lnPost = LayerNorm(scope["ln_post"], v.width, epsilon: v.blocks.normEpsilon)
        pooling = v.pooling
        normalizesPooled = v.normalizesPooled
        projection = scope.parameter("proj", [v.width, c.embedDim], scale)
    }

    func callAsFunction(_ images: Tensor) -> Tensor {
        let patches = patchEmbedding(images)
        let classToken = classEmbedding.to(dtype: patches.dtype)
            .expanded(patches.size(0), 1, -1)
        var hidden =
            Tensor.concatenated([classToken, patches], dimension: 1) + positionEmbedding
        if let lnPre { hidden = lnPre(hidden) }
        for block in blocks { hidden = block(hidden, isCausal: false) }
        return pooled(hidden).matmul(projection)
    }

    /// `[B, 1 + P, D]` → `[B, D]`
    private func pooled(_ hidden: Tensor) -> Tensor {
        switch pooling {
        case .classToken: lnPost(hidden.select(1, 0))
        case .average:
            normalizesPooled
                ? lnPost(hidden.slice(1, 1...).mean(1)) : lnPost(hidden).slice(1, 1...).mean(1)
        }
    }
}

/// The text tower, whose keys stand at the root.
private struct TextTower: Sendable {
    private let tokenEmbedding: Embedding
    private let positionEmbedding: Tensor
    private let blocks: [CLIPBlock]
    private let lnFinal: LayerNorm
    private let isCausal: Bool
    private let pooling: CLIPConfiguration.TextPooling
    let projection: Linear

    init(_ scope: ParameterScope, _ c: CLIPConfiguration) {
        let t = c.text
        isCausal = t.isCausal
        pooling = t.pooling
        tokenEmbedding = Embedding(
            scope["token_embedding"], t.vocabularySize, t.width, .normal(std: 0.02))
        positionEmbedding = scope.parameter(
            "positional_embedding", [t.contextLength, t.width], .normal(std: 0.01))
        blocks = CLIPBlock.blocks(
            scope, count: t.depth, width: t.width, heads: t.heads, t.blocks)
        lnFinal = LayerNorm(scope["ln_final"], t.width, epsilon: t.blocks.normEpsilon)
        let scale = Initializer.normal(std: 1 / Double(t.width).squareRoot())
        projection =
            t.hasProjectionBias
            ? Linear(scope["text_projection"], t.width, c.embedDim, weight: scale, bias: .zeros)
            : Linear(
                weight: scope.parameter("text_projection", [t.width, c.embedDim], scale)
                    .transposed(0, 1), bias: nil)
    }

    func callAsFunction(_ tokens: Tensor) -> Tensor {
        let length = tokens.size(1)
        var hidden = tokenEmbedding(tokens) + positionEmbedding.slice(0, 0..<length)  // [B, L, D]
        for block in blocks { hidden = block(hidden, isCausal: isCausal) }
        return projection(lnFinal(pooled(hidden, tokens)))
    }

    /// `[B, L, D]` → `[B, D]`
    private func pooled(_ hidden: Tensor, _ tokens: Tensor) -> Tensor {
        func taken(_ places: Tensor) -> Tensor {  // [B]
            hidden.gather(1, places.unsqueezed(-1).unsqueezed(-1)).squeezed(1)
        }
        return switch pooling {
        case .largest: taken(tokens.argmax(-1))
        case .end(let id): taken(tokens.equals(Double(id)).to(dtype: .int64).argmax(-1))
        case .first: hidden.select(1, 0)
        case .last: hidden.select(1, hidden.size(1) - 1)
        }
    }
}

/// Pre-norm transformer block in OpenAI's layout.
private struct CLIPBlock: Sendable {
    /// What open_clip's published configurations start with.
    private static let firstLayerScale = 1e-4

    private let ln1: LayerNorm
    private let attention: (input: Linear, output: Linear)
    private let ln2: LayerNorm
    private let mlp: (input: Linear, output: Linear)
    /// Factors of what the attention and the MLP add; nil for none. `[D]`
    private let layerScale: (attention: Tensor, mlp: Tensor)?
    private let heads: Int
    private let activation: CLIPConfiguration.Activation

    static func blocks(
        _ scope: ParameterScope, count: Int, width: Int, heads: Int, _ c: CLIPConfiguration.Blocks
    ) -> [CLIPBlock] {
        (0..<count).map {
            CLIPBlock(
                scope["transformer"]["resblocks"][$0], width: width, heads: heads, depth: count, c)
        }
    }

    private init(
        _ scope: ParameterScope, width: Int, heads: Int, depth: Int, _ c: CLIPConfiguration.Blocks
    ) {
        self.heads = heads
        activation = c.activation
        let innerWidth = c.innerWidth ?? 4 * width
        let inputs = Initializer.normal(std: 1 / Double(width).squareRoot())
        let outputs = Initializer.normal(std: 1 / Double(2 * width * depth).squareRoot())
        ln1 = LayerNorm(scope["ln_1"], width, epsilon: c.normEpsilon)
        // The fused projection is no layer of its own: its keys have no dot before weight and bias.
        let attn = scope["attn"]
        attention = (
            Linear(
                weight: attn.parameter("in_proj_weight", [3 * width, width], inputs),
                bias: attn.parameter("in_proj_bias", [3 * width], .zeros)),
            Linear(attn["out_proj"], width, width, weight: outputs, bias: .zeros)
        )
        ln2 = LayerNorm(scope["ln_2"], width, epsilon: c.normEpsilon)
        mlp = (
            Linear(
                scope["mlp"]["c_fc"], width, innerWidth,
                weight: .normal(std: 1 / Double(2 * width).squareRoot()), bias: .zeros),
            Linear(scope["mlp"]["c_proj"], innerWidth, width, weight: outputs, bias: .zeros)
        )
        func factors(_ name: String) -> Tensor {
            scope[name].parameter("gamma", [width], .constant(Self.firstLayerScale))
        }
        layerScale = c.hasLayerScale ? (factors("ls_1"), factors("ls_2")) : nil
    }

    /// `[B, L, D]` → `[B, L, D]`
    func callAsFunction(_ hidden: Tensor, isCausal: Bool) -> Tensor {
        var attended = attend(ln1(hidden), isCausal: isCausal)
        if let layerScale { attended = attended * layerScale.attention }
        let x = hidden + attended
        let inner = mlp.input(ln2(x))
        let active =
            switch activation {
            case .quickGELU: inner * (inner * 1.702).sigmoid()
            case .gelu: inner.gelu()
            case .geluByTanh: inner.tanhGelu()
            }
        let output = mlp.output(active)
        return x + (layerScale.map { output * $0.mlp } ?? output)
    }

    private func attend(_ x: Tensor, isCausal: Bool) -> Tensor {
        let (b, n, width) = (x.size(0), x.size(1), x.size(2))
        let parts = attention.input(x).reshaped(b, n, 3, heads, width / max(1, heads))
            .permuted(2, 0, 3, 1, 4)  // [3, B, H, L, D / H]
        let out = scaledDotProductAttention(
            parts.select(0, 0), parts.select(0, 1), parts.select(0, 2), isCausal: isCausal)
        return attention.output(out.transposed(1, 2).reshaped(b, n, width))
    }
}
