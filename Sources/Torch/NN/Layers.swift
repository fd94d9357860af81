import Foundation

private let linearOp = Operator("linear")
private let layerNormOp = Operator("layer_norm")
private let embeddingOp = Operator("embedding")

/// An affine map of the last dimension: `x Wᵀ + b`, with `weight` `[out, in]` and `bias` `[out]`.
public struct Linear: Sendable {
    /// `[out, in]`
    public let weight: Tensor
    /// `[out]`, nil for none.
    public let bias: Tensor?

    /// Declares the weights, by default initialised as PyTorch does: uniform in ±1/√in.
    public init(
        _ scope: ParameterScope, _ input: Int, _ output: Int, weight: Initializer? = nil,
        bias: Initializer? = nil
    ) {
        let bound = 1 / Double(input).squareRoot()
        self.weight = scope.parameter("weight", [output, input], weight ?? .uniform(bound: bound))
        self.bias = scope.parameter("bias", [output], bias ?? .uniform(bound: bound))
    }

    /// A map over existing weights.
    public init(weight: Tensor, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
    }

    /// Gives the weights a second name.
    public func declareAgain(in scope: ParameterScope) {
        scope.alias("weight", of: weight)
        if let bias { scope.alias("bias", of: bias) }
    }

    /// `[…, in]` → `[…, out]`
    public func callAsFunction(_ x: Tensor) -> Tensor {
        linearOp(.tensor(x), .tensor(weight), .tensor(bias))
    }
}

/// Layer normalisation over the last dimension.
public struct LayerNorm: Sendable {
    /// Factor of each element.
    public let weight: Tensor
    /// Added at the end.
    public let bias: Tensor
    /// Added to the variance.
    public let epsilon: Double

    /// Declares the weights: ones and zeros.
    public init(_ scope: ParameterScope, _ width: Int, epsilon: Double) {
        weight = scope.parameter("weight", [width], .ones)
        bias = scope.parameter("bias", [width], .zeros)
        self.epsilon = epsilon
    }

    /// `[…, width]` → `[…, width]`
    public func callAsFunction(_ x: Tensor) -> Tensor {
        layerNormOp(
            .tensor(x), .ints([weight.size(0)]), .tensor(weight), .tensor(bias), .real(epsilon))
    }
}

/// A table of vectors, one for each index.
public struct Embedding: Sendable {
    /// `[count, width]`
    public let weight: Tensor
    let paddingIndex: Int

    /// Declares the table. The row of `paddingIndex` gets no gradient from look-ups.
    public init(
        _ scope: ParameterScope, _ count: Int, _ width: Int, _ initializer: Initializer,
        paddingIndex: Int? = nil
    ) {
        weight = scope.parameter("weight", [count, width], initializer)
        self.paddingIndex = paddingIndex ?? -1
    }

    /// int64 `[…]` → `[…, width]`
    public func callAsFunction(_ indices: Tensor) -> Tensor {
        embeddingOp(.tensor(weight), .tensor(indices), .int(paddingIndex))
    }
}

/// Cuts images into patches and maps each to a width, as a convolution whose stride is its size.
public struct PatchEmbedding: Sendable {
    /// `[D, 3, p, p]`, as a convolution stores it.
    private let weight: Tensor
    private let bias: Tensor?
    private let patchSize: Int

    /// Declares the weights, by default initialised as PyTorch does.
    public init(
        _ scope: ParameterScope, width: Int, patchSize: Int, weight: Initializer? = nil,
        hasBias: Bool = true
    ) {
        let bound = 1 / Double(3 * patchSize * patchSize).squareRoot()
        self.weight = scope.parameter(
            "weight", [width, 3, patchSize, patchSize], weight ?? .uniform(bound: bound))
        bias = hasBias ? scope.parameter("bias", [width], .uniform(bound: bound)) : nil
        self.patchSize = patchSize
    }

    /// `[B, 3, H, W]` → `[B, P, D]`. The convolution is a linear map of patches, and one matrix
    /// product is the faster form of it. Pixels beyond the last whole patch are not seen.
    public func callAsFunction(_ images: Tensor) -> Tensor {
        let (b, h, w) = (images.size(0), images.size(2) / patchSize, images.size(3) / patchSize)
        let patches = images.slice(2, 0..<h * patchSize).slice(3, 0..<w * patchSize)
            .reshaped(b, 3, h, patchSize, w, patchSize)
            .permuted(0, 2, 4, 1, 3, 5).reshaped(b, h * w, 3 * patchSize * patchSize)
        return Linear(weight: weight.reshaped(weight.size(0), -1), bias: bias)(patches)
    }
}
