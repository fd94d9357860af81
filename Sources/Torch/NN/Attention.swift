private let kernelOp = Operator("scaled_dot_product_attention")

/// Attention of queries over keys: softmax(q kᵀ / √d + mask) v.
///
/// Without dropout libtorch's fused kernel runs and no score matrix is made. With dropout the scores
/// are materialised and dropped with numbers from `dropout.generator`, because the fused kernels
/// draw from a process-wide generator, which would make a run depend on what else the process does.
///
/// - Parameters:
///   - q: `[B, H, L, d]`
///   - k: `[B, H, N, d]`
///   - v: `[B, H, N, d]`
///   - mask: added to the scores, broadcast to `[B, H, L, N]`
///   - isCausal: whether a query sees only keys up to its own position; instead of a mask
///   - dropout: probability with which an attention weight is dropped, and the source of chance
///   - inspect: receives the weights before dropout, a part of the graph, which then are materialised
///     too. `[B, H, L, N]`
/// - Returns: `[B, H, L, d]`
public func scaledDotProductAttention(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, isCausal: Bool = false,
    dropout: (probability: Double, generator: Generator)? = nil,
    inspect: ((Tensor) -> Void)? = nil
) -> Tensor {
    let drops = (dropout?.probability ?? 0) > 0
    guard drops || inspect != nil else {
        return kernelOp(
            .tensor(q), .tensor(k), .tensor(v), .tensor(mask), .real(0), .bool(isCausal))
    }
    precondition(!isCausal, "causal attention is neither dropped nor inspected")
    let scale = 1 / Double(q.size(-1)).squareRoot()
    let scores = (q * scale).matmul(k.transposed(-1, -2))
    let weights = (mask.map { scores + $0 } ?? scores).softmax(dimension: -1)
    inspect?(weights)
    return (dropout.map { weights.dropout($0.probability, $0.generator) } ?? weights).matmul(v)
}
