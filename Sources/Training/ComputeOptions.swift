import Torch

/// Where a model computes, and with how many threads images are prepared.
public struct ComputeOptions: Sendable {
    /// Where the model is.
    public var device: Device
    /// Type of matrix products; nil for full precision.
    public var autocast: DType?
    /// Threads that prepare images.
    public var workers: Int

    /// By default on the CPU in full precision.
    public init(device: Device = .cpu, autocast: DType? = nil, workers: Int = 2) {
        self.device = device
        self.autocast = autocast
        self.workers = workers
    }

    /// Computes in the wanted precision.
    public func callAsFunction<Result>(_ body: () throws -> Result) rethrows -> Result {
        try withAutocast(autocast, on: device, body)
    }
}
