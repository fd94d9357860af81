extension Tensor {
    private static let copyOp = Operator("copy_")
    private static let indexCopyOp = Operator("index_copy_")
    private static let fillOp = Operator("fill_", "Scalar")
    private static let clampOp = Operator("clamp_")
    private static let lerpListOp = Operator("_foreach_lerp_", "Scalar")
    private static let bernoulliOp = Operator("bernoulli_", "float")

    /// Overwrites the elements with those of another tensor of the same shape.
    /// - Throws: ``TorchError`` where the shapes differ.
    public func copy(from source: Tensor) throws {
        try Self.copyOp.perform(.tensor(self), .tensor(source))
    }

    /// Overwrites the columns of a matrix that `indices` names. int64 `[n]`, values `[rows, n]`
    /// - Throws: ``TorchError`` where shapes differ or an index is out of range.
    public func setColumns(_ indices: Tensor, _ values: Tensor) throws {
        try Self.indexCopyOp.perform(
            .tensor(self), .int(1), .tensor(indices), .tensor(values))
    }

    /// Sets all elements.
    /// - Throws: ``TorchError`` of a failed tensor.
    public func fill(_ value: Double) throws {
        try Self.fillOp.perform(.tensor(self), .real(value))
    }

    /// Limits the elements to a range.
    /// - Throws: ``TorchError`` of a failed tensor.
    public func clamp(to range: ClosedRange<Double>) throws {
        try Self.clampOp.perform(
            .tensor(self), .real(range.lowerBound), .real(range.upperBound))
    }

    /// Moves each tensor a share of the way to its target: `t += weight · (target − t)`, all in one
    /// call.
    /// - Throws: ``TorchError`` where shapes differ.
    public static func interpolate(_ tensors: [Tensor], to targets: [Tensor], weight: Double) throws
    {
        try lerpListOp.perform(.tensors(tensors), .tensors(targets), .real(weight))
    }

    /// The tensor with each element set to zero with probability `p` and the others divided by
    /// 1 − p. Without a generator (in evaluation) or with p = 0 the tensor itself.
    public func dropout(_ p: Double, _ generator: Generator?) -> Tensor {
        guard let generator, p > 0 else { return self }
        return self * Tensor.dropoutMask(shape, p, generator, dtype: dtype, scale: 1 / (1 - p))
    }

    /// `scale` with probability 1 − p, else 0.
    static func dropoutMask(
        _ shape: [Int], _ p: Double, _ generator: Generator, dtype: DType, scale: Double
    ) -> Tensor {
        let mask = Tensor.empty(shape, dtype: dtype, device: generator.device)
        let drawn = bernoulliOp(.tensor(mask), .real(1 - p), .generator(generator))
        return scale == 1 ? drawn : drawn * scale
    }
}
