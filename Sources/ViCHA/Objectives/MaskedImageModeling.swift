import Torch

/// Prediction of the pixels of removed patches (He et al. 2022, as used in ViCHA section 3.2).
public enum MaskedImageModeling {
    /// Mean squared error over the removed patches; both `[B, R, p·p·3]`.
    public static func loss(_ prediction: Tensor, target: Tensor) -> Tensor {
        (prediction.to(dtype: .float32) - target).squared().mean()
    }
}
