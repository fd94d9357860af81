// Shapes: B batch, N tokens, D width, H heads, d = D / H.
import Torch

/// Pre-norm transformer block of the image encoder and of the masked-image decoder, in timm's layout.
struct TransformerBlock: Sendable {
    private let norm1: LayerNorm
    private let qkv: Linear
    private let projection: Linear
    private let norm2: LayerNorm
    private let fc1: Linear
    private let fc2: Linear
    private let heads: Int

    /// `initial` fills the weight matrices; nil means PyTorch's default.
    init(
        _ scope: ParameterScope, width: Int, heads: Int, mlpRatio: Int, epsilon: Double,
        initial: Initializer?
    ) {
        let bias: Initializer? = initial == nil ? nil : .zeros
        self.heads = heads
        norm1 = LayerNorm(scope["norm1"], width, epsilon: epsilon)
        qkv = Linear(scope["attn"]["qkv"], width, 3 * width, weight: initial, bias: bias)
        projection = Linear(scope["attn"]["proj"], width, width, weight: initial, bias: bias)
        norm2 = LayerNorm(scope["norm2"], width, epsilon: epsilon)
        fc1 = Linear(scope["mlp"]["fc1"], width, mlpRatio * width, weight: initial, bias: bias)
        fc2 = Linear(scope["mlp"]["fc2"], mlpRatio * width, width, weight: initial, bias: bias)
    }

    /// `[B, N, D]` → `[B, N, D]`; `mask` is added to the attention scores, `[B, 1, 1, N]`; `inspect`
    /// receives the attention weights of the class token, `[B, H, 1, N]`.
    func callAsFunction(
        _ hiddenStates: Tensor, mask: Tensor? = nil, inspect: ((Tensor) -> Void)? = nil
    ) -> Tensor {
        let x = hiddenStates + attention(norm1(hiddenStates), mask: mask, inspect: inspect)
        return x + fc2(fc1(norm2(x)).gelu())
    }

    private func attention(_ x: Tensor, mask: Tensor?, inspect: ((Tensor) -> Void)?) -> Tensor {
        let (b, n, width) = (x.size(0), x.size(1), x.size(2))
        let parts = qkv(x).reshaped(b, n, 3, heads, width / max(1, heads))
            .permuted(2, 0, 3, 1, 4)  // [3, B, H, N, d]
        let (q, k, v) = (parts.select(0, 0), parts.select(0, 1), parts.select(0, 2))
        let out: Tensor
        if let inspect {
            // Only the class token's weights are made; the others go the fast way.
            let first = scaledDotProductAttention(
                q.slice(2, 0..<1), k, v, mask: mask, inspect: inspect)
            let others = scaledDotProductAttention(q.slice(2, 1...), k, v, mask: mask)
            out = .concatenated([first, others], dimension: 2)
        } else {
            out = scaledDotProductAttention(q, k, v, mask: mask)
        }
        return projection(out.transposed(1, 2).reshaped(b, n, width))
    }
}
