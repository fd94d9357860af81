import Torch

/// Tensors that a step computes with together. A worker thread makes them, and ``map(_:)`` says once which
/// they are.
public protocol TensorBatch: Sendable {
    /// The same with each tensor changed.
    func map(_ change: (Tensor) throws -> Tensor) rethrows -> Self
}

extension TensorBatch {
    /// The batch on another device. From pinned memory it is copied while the processor goes on.
    public func to(device: Device) -> Self { map { $0.to(device: device, nonBlocking: true) } }

    /// The batch in memory that a GPU copies from by itself; the same for a device that is none.
    public func pinned(for device: Device) -> Self {
        device == .cpu ? self : map { $0.pinned() }
    }
}
