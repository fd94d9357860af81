extension Tensor {
    private static let sumOp = Operator("sum")
    private static let sumDimOp = Operator("sum", "dim_IntList")
    private static let meanOp = Operator("mean")
    private static let meanDimOp = Operator("mean", "dim")
    private static let varOp = Operator("var", "correction")
    private static let argmaxOp = Operator("argmax")
    private static let topkOp = Operator("topk")
    private static let argsortOp = Operator("argsort", "stable")
    private static let allOp = Operator("all")
    private static let normListOp = Operator("_foreach_norm", "Scalar")
    private static let normOp = Operator("linalg_vector_norm")
    private static let normalizeMaxOp = Operator("clamp_min")
    private static let maxOp = Operator("max")

    /// The sum of all elements.
    public func sum() -> Tensor { Self.sumOp(.tensor(self)) }
    /// Sums over a dimension.
    public func sum(_ dimension: Int, keep: Bool = false) -> Tensor {
        Self.sumDimOp(.tensor(self), .ints([dimension]), .bool(keep))
    }
    /// The mean of all elements.
    public func mean() -> Tensor { Self.meanOp(.tensor(self)) }
    /// Means over a dimension.
    public func mean(_ dimension: Int, keep: Bool = false) -> Tensor {
        Self.meanDimOp(.tensor(self), .ints([dimension]), .bool(keep))
    }
    /// Unbiased variances over a dimension.
    public func variance(_ dimension: Int, keep: Bool = false) -> Tensor {
        Self.varOp(.tensor(self), .ints([dimension]), .real(1), .bool(keep))
    }
    /// The largest element.
    public func maximum() -> Tensor { Self.maxOp(.tensor(self)) }
    /// Indices of the largest elements over a dimension. int64
    public func argmax(_ dimension: Int) -> Tensor { Self.argmaxOp(.tensor(self), .int(dimension)) }
    /// Indices that sort a dimension, equal elements in their order. int64
    public func argsort(_ dimension: Int, descending: Bool = false) -> Tensor {
        Self.argsortOp(.tensor(self), .bool(true), .int(dimension), .bool(descending))
    }
    /// The largest elements of the last dimension, the largest first, and where they stand. int64
    /// indices
    public func largest(_ count: Int) -> (values: Tensor, indices: Tensor) {
        switch Self.topkOp.call([.tensor(self), .int(count), .int(-1), .bool(true), .bool(true)]) {
        case .success(let results) where results.count == 2: return (results[0], results[1])
        case .success:
            let failure = Tensor(
                failure: TorchError(operation: "topk", message: "returned no two tensors"))
            return (failure, failure)
        case .failure(let error): return (Tensor(failure: error), Tensor(failure: error))
        }
    }
    /// True if every element holds. bool
    public func all() -> Tensor { Self.allOp(.tensor(self)) }
    /// The square root of the sum of all squares of all elements of several tensors. Scalar
    public static func norm(of tensors: [Tensor]) -> Tensor {
        switch normListOp.call([.tensors(tensors), .real(2)], capacity: tensors.count) {
        case .success(let norms): Tensor.stacked(norms).norm()
        case .failure(let error): Tensor(failure: error)
        }
    }

    /// The Euclidean norm of all elements.
    public func norm() -> Tensor { Self.normOp(.tensor(self), .real(2)) }

    /// Vectors of the last dimension divided by their Euclidean norm (at least 1e-12).
    public func normalized() -> Tensor {
        let norm = Self.normOp(.tensor(self), .real(2), .ints([-1]), .bool(true))
        return self / Self.normalizeMaxOp(.tensor(norm), .real(1e-12))
    }

}
