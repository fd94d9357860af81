private let crossEntropyOp = Operator("cross_entropy_loss")

/// The class index of a row that ``crossEntropy(_:_:)`` leaves out.
public let ignoredTarget = -100.0

/// Mean cross entropy of logits against class indices; rows whose index is ``ignoredTarget`` do not
/// count.
///
/// - Parameters:
///   - logits: `[n, classes]`
///   - targets: int64 `[n]`
public func crossEntropy(_ logits: Tensor, _ targets: Tensor) -> Tensor {
    crossEntropyOp(.tensor(logits.to(dtype: .float32)), .tensor(targets))
}

/// Mean cross entropy of logits against distributions, which need not sum to 1.
///
/// - Parameters:
///   - logits: `[n, classes]`
///   - distribution: `[n, classes]`
public func softCrossEntropy(_ logits: Tensor, _ distribution: Tensor) -> Tensor {
    -(logits.to(dtype: .float32).logSoftmax(dimension: -1) * distribution).sum(-1).mean()
}
