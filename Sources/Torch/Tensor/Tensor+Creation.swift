extension Tensor {
    private static let emptyOp = Operator("empty", "memory_format")
    private static let zerosOp = Operator("zeros")
    private static let onesOp = Operator("ones")
    private static let fullOp = Operator("full")
    private static let arangeOp = Operator("arange", "start_step")
    private static let eyeOp = Operator("eye")
    private static let randOp = Operator("rand", "generator")
    private static let randnOp = Operator("randn", "generator")
    private static let randintOp = Operator("randint", "low_generator")
    private static let catOp = Operator("cat")
    private static let stackOp = Operator("stack")
    private static let whereOp = Operator("where", "self")

    /// A tensor whose elements are not set.
    public static func empty(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu)
        -> Tensor
    {
        emptyOp(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// A tensor of zeros.
    public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu)
        -> Tensor
    {
        zerosOp(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// A tensor of ones.
    public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu)
        -> Tensor
    {
        onesOp(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// A tensor of equal elements.
    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        fullOp(.ints(shape), .real(value), .dtype(dtype), .none, .device(device))
    }

    /// The whole numbers of a range. `[upperBound - lowerBound]`
    public static func range(_ range: Range<Int>, device: Device = .cpu) -> Tensor {
        arangeOp(
            .int(range.lowerBound), .int(range.upperBound), .int(1), .dtype(.int64), .none,
            .device(device))
    }

    /// The identity matrix. `[n, n]`
    public static func identity(_ n: Int, device: Device = .cpu) -> Tensor {
        eyeOp(.int(n), .dtype(.float32), .none, .device(device))
    }

    /// Uniform numbers of [0, 1), drawn on the generator's device.
    public static func uniform(_ shape: [Int], generator: Generator) -> Tensor {
        randOp(
            .ints(shape), .generator(generator), .dtype(.float32), .none, .device(generator.device))
    }

    /// Standard normal numbers, drawn on the generator's device.
    public static func normal(_ shape: [Int], generator: Generator) -> Tensor {
        randnOp(
            .ints(shape), .generator(generator), .dtype(.float32), .none, .device(generator.device))
    }

    /// Uniform whole numbers of a range, drawn on the generator's device. int64
    public static func integers(in range: Range<Int>, _ shape: [Int], generator: Generator)
        -> Tensor
    {
        randintOp(
            .int(range.lowerBound), .int(range.upperBound), .ints(shape), .generator(generator),
            .dtype(.int64), .none, .device(generator.device))
    }

    /// The tensors one after the other along an existing dimension.
    public static func concatenated(_ tensors: [Tensor], dimension: Int) -> Tensor {
        catOp(.tensors(tensors), .int(dimension))
    }

    /// The tensors one after the other along a new dimension.
    public static func stacked(_ tensors: [Tensor], dimension: Int = 0) -> Tensor {
        stackOp(.tensors(tensors), .int(dimension))
    }

    /// Elements of `a` where `condition` holds, of `b` elsewhere.
    public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
        whereOp(.tensor(condition), .tensor(a), .tensor(b))
    }
}
