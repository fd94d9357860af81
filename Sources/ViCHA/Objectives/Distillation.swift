// Shapes: n rows, C classes.
import Torch

/// Targets that a momentum model takes part in (Li et al. 2021, section 3.3).
public enum Distillation {
    /// (1 − α)·cross entropy + α·soft cross entropy against the momentum model's distribution; means
    /// over the rows.
    ///
    /// - Parameters:
    ///   - logits: `[n, C]`
    ///   - momentumLogits: nil for none, which is α = 0. `[n, C]`
    ///   - targets: int64 `[n]`
    ///   - alpha: share of the momentum model
    public static func loss(
        _ logits: Tensor, momentumLogits: Tensor?, targets: Tensor, alpha: Double
    ) -> Tensor {
        let hard = crossEntropy(logits, targets)
        guard let momentumLogits else { return hard }
        return hard * (1 - alpha) + softCrossEntropy(logits, teacher(momentumLogits)) * alpha
    }

    /// The same for each row, as ``loss(_:momentumLogits:targets:alpha:)`` takes its arguments. `[n]`
    public static func rowLosses(
        _ logits: Tensor, momentumLogits: Tensor?, targets: Tensor, alpha: Double
    ) -> Tensor {
        let logarithms = logits.to(dtype: .float32).logSoftmax(dimension: -1)
        let hard = -logarithms.gather(1, targets.unsqueezed(1)).squeezed(1)
        guard let momentumLogits else { return hard }
        let soft = -(logarithms * teacher(momentumLogits)).sum(-1)
        return hard * (1 - alpha) + soft * alpha
    }

    private static func teacher(_ logits: Tensor) -> Tensor {
        withoutGradient { logits.to(dtype: .float32).softmax(dimension: -1) }
    }
}
