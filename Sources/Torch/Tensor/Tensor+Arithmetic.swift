extension Tensor {
    private static let addOp = Operator("add", "Tensor")
    private static let addScalarOp = Operator("add", "Scalar")
    private static let subOp = Operator("sub", "Tensor")
    private static let rsubScalarOp = Operator("rsub", "Scalar")
    private static let mulOp = Operator("mul", "Tensor")
    private static let mulScalarOp = Operator("mul", "Scalar")
    private static let divOp = Operator("div", "Tensor")
    private static let negOp = Operator("neg")
    private static let sqrtOp = Operator("sqrt")
    private static let logOp = Operator("log")
    private static let absOp = Operator("abs")
    private static let squareOp = Operator("square")
    private static let clampOp = Operator("clamp")
    private static let remainderOp = Operator("remainder", "Scalar")
    private static let matmulOp = Operator("matmul")
    private static let eqOp = Operator("eq", "Tensor")
    private static let eqScalarOp = Operator("eq", "Scalar")
    private static let neScalarOp = Operator("ne", "Scalar")
    private static let ltScalarOp = Operator("lt", "Scalar")
    private static let gtScalarOp = Operator("gt", "Scalar")
    private static let andOp = Operator("logical_and")
    private static let orOp = Operator("logical_or")
    private static let notOp = Operator("logical_not")
    private static let isfiniteOp = Operator("isfinite")
    private static let expOp = Operator("exp")
    private static let sigmoidOp = Operator("sigmoid")
    private static let geluOp = Operator("gelu")
    private static let reluOp = Operator("relu")
    private static let siluOp = Operator("silu")
    private static let mishOp = Operator("mish")
    private static let tanhOp = Operator("tanh")
    private static let softmaxOp = Operator("softmax", "int")
    private static let logSoftmaxOp = Operator("log_softmax", "int")

    /// The sum of the elements; shapes broadcast.
    public static func + (a: Tensor, b: Tensor) -> Tensor { addOp(.tensor(a), .tensor(b)) }
    /// The sum of the elements; shapes broadcast.
    public static func + (a: Tensor, b: Double) -> Tensor { addScalarOp(.tensor(a), .real(b)) }
    /// The sum of the elements; shapes broadcast.
    public static func + (a: Tensor, b: Int) -> Tensor { addScalarOp(.tensor(a), .int(b)) }
    /// The difference of the elements; shapes broadcast.
    public static func - (a: Tensor, b: Tensor) -> Tensor { subOp(.tensor(a), .tensor(b)) }
    /// The difference of the elements; shapes broadcast.
    public static func - (a: Double, b: Tensor) -> Tensor { rsubScalarOp(.tensor(b), .real(a)) }
    /// The product of the elements; shapes broadcast.
    public static func * (a: Tensor, b: Tensor) -> Tensor { mulOp(.tensor(a), .tensor(b)) }
    /// The product of the elements; shapes broadcast.
    public static func * (a: Tensor, b: Double) -> Tensor { mulScalarOp(.tensor(a), .real(b)) }
    /// The product of the elements; shapes broadcast.
    public static func * (a: Double, b: Tensor) -> Tensor { b * a }
    /// The quotient of the elements; shapes broadcast.
    public static func / (a: Tensor, b: Tensor) -> Tensor { divOp(.tensor(a), .tensor(b)) }
    /// The quotient of the elements; shapes broadcast.
    public static func / (a: Tensor, b: Double) -> Tensor { a * (1 / b) }
    /// The elements with the other sign.
    public static prefix func - (a: Tensor) -> Tensor { negOp(.tensor(a)) }

    /// Square root of each element.
    public func sqrt() -> Tensor { Self.sqrtOp(.tensor(self)) }
    /// The natural logarithm of each element.
    public func log() -> Tensor { Self.logOp(.tensor(self)) }
    /// e to the power of each element.
    public func exp() -> Tensor { Self.expOp(.tensor(self)) }
    /// 1 / (1 + e⁻ˣ) of each element.
    public func sigmoid() -> Tensor { Self.sigmoidOp(.tensor(self)) }
    /// The absolute value of each element.
    public func abs() -> Tensor { Self.absOp(.tensor(self)) }
    /// The square of each element.
    public func squared() -> Tensor { Self.squareOp(.tensor(self)) }

    /// Elements limited to a range.
    public func clamped(to range: ClosedRange<Double>) -> Tensor {
        Self.clampOp(.tensor(self), .real(range.lowerBound), .real(range.upperBound))
    }

    /// The remainder of each whole number.
    public func modulo(_ divisor: Int) -> Tensor { Self.remainderOp(.tensor(self), .int(divisor)) }

    /// The matrix product over the last two dimensions.
    public func matmul(_ other: Tensor) -> Tensor { Self.matmulOp(.tensor(self), .tensor(other)) }

    /// True where the elements are equal. bool
    public func equals(_ other: Tensor) -> Tensor { Self.eqOp(.tensor(self), .tensor(other)) }
    /// True where an element has this value. bool
    public func equals(_ value: Double) -> Tensor { Self.eqScalarOp(.tensor(self), .real(value)) }
    /// True where an element has another value. bool
    public func differs(from value: Double) -> Tensor {
        Self.neScalarOp(.tensor(self), .real(value))
    }
    /// True where an element is smaller. bool
    public func isLess(than value: Double) -> Tensor {
        Self.ltScalarOp(.tensor(self), .real(value))
    }
    /// True where an element is greater. bool
    public func isGreater(than value: Double) -> Tensor {
        Self.gtScalarOp(.tensor(self), .real(value))
    }
    /// True where both hold. bool
    public func and(_ other: Tensor) -> Tensor { Self.andOp(.tensor(self), .tensor(other)) }
    /// True where one of both holds. bool
    public func or(_ other: Tensor) -> Tensor { Self.orOp(.tensor(self), .tensor(other)) }
    /// True where an element does not hold. bool
    public func not() -> Tensor { Self.notOp(.tensor(self)) }
    /// True where an element is neither infinite nor not-a-number. bool
    public func isFinite() -> Tensor { Self.isfiniteOp(.tensor(self)) }

    /// The Gaussian error linear unit in its exact (erf) form.
    public func gelu() -> Tensor { Self.geluOp(.tensor(self)) }
    /// The Gaussian error linear unit, approximated by a hyperbolic tangent.
    public func tanhGelu() -> Tensor { Self.geluOp(.tensor(self), .string("tanh")) }
    /// Each element times its sigmoid.
    public func silu() -> Tensor { Self.siluOp(.tensor(self)) }
    /// Each element times the hyperbolic tangent of its softplus.
    public func mish() -> Tensor { Self.mishOp(.tensor(self)) }
    /// The hyperbolic tangent of each element.
    public func tanh() -> Tensor { Self.tanhOp(.tensor(self)) }
    /// Each element where it is positive, otherwise 0.
    public func relu() -> Tensor { Self.reluOp(.tensor(self)) }
    /// The softmax over a dimension.
    public func softmax(dimension: Int) -> Tensor { Self.softmaxOp(.tensor(self), .int(dimension)) }
    /// The logarithm of the softmax over a dimension.
    public func logSoftmax(dimension: Int) -> Tensor {
        Self.logSoftmaxOp(.tensor(self), .int(dimension))
    }
}
