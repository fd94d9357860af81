// Shapes: B batch, P patches, C concept tokens, N = 1 + P + C image tokens, D width, p patch side.
import Torch

/// What the image encoder computes of a batch.
public struct ImageEncoding: Sendable {
    /// Final hidden states of class token, patches and concepts, normalised. `[B, N, D]`
    public let lastHiddenState: Tensor
    /// The class token after each block, normalised by the final norm. depth × `[B, D]`
    public let classTokens: [Tensor]
    /// Added to scores where these tokens are keys, nil where all may be seen. `[B, 1, 1, N]`
    public let attentionMask: Tensor?
}

/// The ViT image encoder, in timm's layout, with room for tokens from outside (ViCHA section 3.1).
public struct VisionTransformer: Sendable {
    private let clsToken: Tensor
    private let positionEmbedding: Tensor
    private let patchEmbedding: PatchEmbedding
    private let blocks: [TransformerBlock]
    private let norm: LayerNorm
    private let checkpointsBlocks: Bool

    /// Declares the weights with timm's initialisation.
    public init(_ scope: ParameterScope, _ c: VisionConfiguration, checkpointsBlocks: Bool = false)
    {
        let initial = Initializer.truncatedNormal(std: c.initializerRange)
        clsToken = scope.parameter("cls_token", [1, 1, c.width], initial)
        positionEmbedding = scope.parameter(
            "pos_embed", [1, 1 + c.patchCount, c.width], initial)
        patchEmbedding = PatchEmbedding(
            scope["patch_embed"]["proj"], width: c.width, patchSize: c.patchSize)
        blocks = (0..<c.depth).map {
            TransformerBlock(
                scope["blocks"][$0], width: c.width, heads: c.heads, mlpRatio: c.mlpRatio,
                epsilon: 1e-6, initial: initial)
        }
        norm = LayerNorm(scope["norm"], c.width, epsilon: 1e-6)
        self.checkpointsBlocks = checkpointsBlocks
    }

    /// Indices of the blocks.
    public var blockNumbers: Range<Int> { 0..<blocks.count }

    /// Patches of images, embedded, without position. `[B, 3, H, W]` → `[B, P, D]`
    public func patches(of images: Tensor) -> Tensor { patchEmbedding(images) }

    /// Encodes patches with concept tokens behind them.
    ///
    /// - Parameters:
    ///   - patches: what ``patches(of:)`` gives. `[B, P, D]`
    ///   - concepts: projected concept tokens; they get no position. `[B, C, D]`
    ///   - conceptMask: 1 for concept tokens that may be attended to; nil for all. `[B, C]`
    ///   - inspecting: a block, and what receives the class token's attention there. `[B, H, 1, N]`
    public func callAsFunction(
        patches: Tensor, concepts: Tensor? = nil, conceptMask: Tensor? = nil,
        inspecting: (block: Int, receive: (Tensor) -> Void)? = nil
    ) -> ImageEncoding {
        let b = patches.size(0)
        var tokens =
            Tensor.concatenated([clsToken.expanded(b, -1, -1), patches], dimension: 1)
            + positionEmbedding
        var mask: Tensor?
        if let concepts {
            tokens = .concatenated([tokens, concepts], dimension: 1)
            mask = conceptMask.map {
                let seen = Tensor.ones(
                    [b, 1 + patches.size(1)], dtype: $0.dtype, device: $0.device)
                return additiveMask(.concatenated([seen, $0], dimension: 1))
            }
        }
        var classTokens: [Tensor] = []
        for (number, block) in blocks.enumerated() {
            if let inspecting, inspecting.block == number {
                tokens = block(tokens, mask: mask, inspect: inspecting.receive)
            } else {
                tokens = run(block, tokens, mask)
            }
            classTokens.append(norm(tokens.select(1, 0)))
        }
        return ImageEncoding(
            lastHiddenState: norm(tokens), classTokens: classTokens, attentionMask: mask)
    }

    /// Encodes only the kept patches, for masked image modelling: no concepts, and the class token
    /// goes in without its position, as in the official code (`Documentation/compatibility.md`).
    ///
    /// - Parameters:
    ///   - patches: what ``patches(of:)`` gives. `[B, P, D]`
    ///   - keep: indices of the kept patches. int64 `[B, K]`
    /// - Returns: `[B, 1 + K, D]`
    public func encode(patches: Tensor, keep: Tensor) -> Tensor {
        let placed = patches + positionEmbedding.slice(1, 1...)
        let kept = placed.gather(1, keep.unsqueezed(-1))
        var tokens = Tensor.concatenated(
            [clsToken.expanded(patches.size(0), -1, -1), kept], dimension: 1)
        for block in blocks { tokens = run(block, tokens, nil) }
        return norm(tokens)
    }

    private func run(_ block: TransformerBlock, _ tokens: Tensor, _ mask: Tensor?) -> Tensor {
        checkpointsBlocks
            ? checkpointed([tokens]) { block($0[0], mask: mask) } : block(tokens, mask: mask)
    }
}

/// 0 for positions that may be attended to, −10000 for the others, as BERT adds to its scores.
/// `[B, N]` of 1 and 0 → `[B, 1, 1, N]`
public func additiveMask(_ mask: Tensor) -> Tensor {
    ((1 - mask.to(dtype: .float32)) * -10000).unsqueezed(1).unsqueezed(1)
}

/// The same for queries that see only what stands before them. `[B, L]` → `[B, 1, L, L]`
func causalMask(_ mask: Tensor) -> Tensor {
    let places = Tensor.range(0..<mask.size(1), device: mask.device)
    let isSeen = (places.unsqueezed(0) - places.unsqueezed(1)).isLess(than: 0.5)
        .to(dtype: .float32)
    return ((1 - mask.to(dtype: .float32).unsqueezed(1) * isSeen.unsqueezed(0)) * -10000)
        .unsqueezed(1)
}
