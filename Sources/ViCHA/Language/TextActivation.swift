import Configuration
import Torch

/// What `hidden_act` of a BERT configuration names: the function between the two layers of each
/// feed-forward part and in the language head. The names are those that the official code knows.
public enum TextActivation: String, KeyValue, CaseIterable {
    /// The Gaussian error linear unit in its exact form.
    case gelu
    /// Its approximation by a hyperbolic tangent.
    case geluNew = "gelu_new"
    /// The same approximation, computed in another order.
    case geluFast = "gelu_fast"
    /// Its approximation by a sigmoid.
    case quickGelu = "quick_gelu"
    case relu
    /// x times its sigmoid.
    case silu
    /// Another name of ``silu``.
    case swish
    case mish
    case tanh
    case sigmoid
    /// No function at all.
    case linear

    /// The function of each element.
    func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .gelu: x.gelu()
        case .geluNew, .geluFast: x.tanhGelu()
        case .quickGelu: x * (x * 1.702).sigmoid()
        case .relu: x.relu()
        case .silu, .swish: x.silu()
        case .mish: x.mish()
        case .tanh: x.tanh()
        case .sigmoid: x.sigmoid()
        case .linear: x
        }
    }
}
