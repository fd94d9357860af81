extension Tensor {
    private static let reshapeOp = Operator("reshape")
    private static let transposeOp = Operator("transpose", "int")
    private static let permuteOp = Operator("permute")
    private static let squeezeOp = Operator("squeeze", "dim")
    private static let unsqueezeOp = Operator("unsqueeze")
    private static let expandOp = Operator("expand")
    private static let sliceOp = Operator("slice", "Tensor")
    private static let selectOp = Operator("select", "int")
    private static let indexSelectOp = Operator("index_select")
    private static let takeAlongOp = Operator("take_along_dim")
    private static let maskedFillOp = Operator("masked_fill", "Scalar")
    private static let nonzeroOp = Operator("nonzero")
    private static let contiguousOp = Operator("contiguous")
    private static let toDtypeOp = Operator("to", "dtype")
    private static let toDeviceOp = Operator("to", "dtype_layout")
    private static let pinOp = Operator("pin_memory")
    private static let detachOp = Operator("detach")
    private static let cloneOp = Operator("clone")
    private static let asStridedOp = Operator("as_strided")
    private static let bicubicOp = Operator("upsample_bicubic2d")

    /// The same elements in another shape; one size may be -1.
    public func reshaped(_ shape: Int...) -> Tensor { reshaped(shape) }
    /// The same elements in another shape; one size may be -1.
    public func reshaped(_ shape: [Int]) -> Tensor { Self.reshapeOp(.tensor(self), .ints(shape)) }
    /// Two dimensions exchanged.
    public func transposed(_ a: Int, _ b: Int) -> Tensor {
        Self.transposeOp(.tensor(self), .int(a), .int(b))
    }
    /// The dimensions in another order.
    public func permuted(_ order: Int...) -> Tensor { Self.permuteOp(.tensor(self), .ints(order)) }
    /// A dimension of size 1 dropped.
    public func squeezed(_ dimension: Int) -> Tensor {
        Self.squeezeOp(.tensor(self), .int(dimension))
    }
    /// A dimension of size 1 added.
    public func unsqueezed(_ dimension: Int) -> Tensor {
        Self.unsqueezeOp(.tensor(self), .int(dimension))
    }
    /// Dimensions of size 1 seen as larger ones; -1 keeps a size.
    public func expanded(_ shape: Int...) -> Tensor { Self.expandOp(.tensor(self), .ints(shape)) }

    /// A part of one dimension, as a view.
    public func slice(_ dimension: Int, _ range: Range<Int>) -> Tensor {
        Self.sliceOp(
            .tensor(self), .int(dimension), .int(range.lowerBound), .int(range.upperBound), .int(1))
    }
    /// One dimension from an index on, as a view.
    public func slice(_ dimension: Int, _ range: PartialRangeFrom<Int>) -> Tensor {
        Self.sliceOp(.tensor(self), .int(dimension), .int(range.lowerBound), .none, .int(1))
    }
    /// One index of a dimension, which is dropped; a view.
    public func select(_ dimension: Int, _ index: Int) -> Tensor {
        Self.selectOp(.tensor(self), .int(dimension), .int(index))
    }
    /// The given indices of a dimension, in their order. `indices` int64 `[n]`
    public func indexed(_ dimension: Int, by indices: Tensor) -> Tensor {
        Self.indexSelectOp(.tensor(self), .int(dimension), .tensor(indices))
    }
    /// For each position of `indices`, the element that it names along a dimension; the other
    /// dimensions broadcast. int64 indices
    public func gather(_ dimension: Int, _ indices: Tensor) -> Tensor {
        Self.takeAlongOp(.tensor(self), .tensor(indices), .int(dimension))
    }
    /// The tensor with a value where the mask holds.
    public func maskedFill(_ mask: Tensor, _ value: Double) -> Tensor {
        Self.maskedFillOp(.tensor(self), .tensor(mask), .real(value))
    }
    /// Indices of the elements that are not zero. `[n, rank]`
    public func nonzero() -> Tensor { Self.nonzeroOp(.tensor(self)) }

    /// The tensor with its elements in row-major order in memory.
    public func contiguous() -> Tensor { Self.contiguousOp(.tensor(self)) }
    /// The tensor with elements of another type.
    public func to(dtype: DType) -> Tensor { Self.toDtypeOp(.tensor(self), .dtype(dtype)) }
    /// The tensor on another device.
    ///
    /// - Parameters:
    ///   - device: where it is to be
    ///   - nonBlocking: whether a copy to a GPU from pinned memory goes on behind the caller's back; any
    ///     other is waited for
    public func to(device: Device, nonBlocking: Bool = false) -> Tensor {
        self.device == device
            ? self
            : Self.toDeviceOp(
                .tensor(self), .none, .none, .device(device), .none,
                .bool(nonBlocking && device != .cpu))
    }
    /// The tensor in memory that a GPU copies from by itself.
    public func pinned() -> Tensor { Self.pinOp(.tensor(self)) }
    /// The same memory without the gradient graph.
    public func detached() -> Tensor { Self.detachOp(.tensor(self)) }
    /// A copy.
    public func cloned() -> Tensor { Self.cloneOp(.tensor(self)) }

    /// The memory of the tensor seen in another shape; strides and offset count elements.
    func strided(shape: [Int], strides: [Int], offset: Int) -> Tensor {
        Self.asStridedOp(.tensor(self), .ints(shape), .ints(strides), .int(offset))
    }

    /// Images `[B, C, H, W]` resized bicubically (a = -0.75, no antialiasing, corners not aligned).
    public func resizedBicubic(height: Int, width: Int) -> Tensor {
        Self.bicubicOp(.tensor(self), .ints([height, width]), .bool(false))
    }
}
