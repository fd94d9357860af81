import CTorch

/// Where a tensor's memory lies and its operations run.
public enum Device: Sendable, Hashable, CustomStringConvertible {
    case cpu
    case cuda(Int)

    /// Number of CUDA devices; 0 where libtorch has no CUDA half or the machine no GPU.
    public static var cudaCount: Int { Int(ct_cuda_device_count()) }

    /// Most bytes that tensors on this CUDA device have taken at once, nil on the CPU.
    /// - Throws: ``TorchError`` where the device keeps no statistics.
    public func peakMemory() throws -> Int? {
        guard case .cuda(let index) = self else { return nil }
        var message: UnsafeMutablePointer<CChar>?
        let bytes = ct_cuda_peak_memory(Int32(index), &message)
        if let error = TorchError(taking: message, operation: "peakMemory") { throw error }
        return Int(bytes)
    }

    /// As PyTorch writes it: `cpu`, `cuda:0`.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    /// libtorch's number of the device type.
    var type: Int32 {
        switch self {
        case .cpu: 0
        case .cuda: 1
        }
    }

    /// The form in which the shim passes a device.
    var code: Int64 {
        switch self {
        case .cpu: 0
        case .cuda(let index): 256 + Int64(index) + 1
        }
    }

    init(code: Int64) {
        self = code >= 256 ? .cuda(max(0, Int(code % 256) - 1)) : .cpu
    }
}

/// The CPU threads that one operation may use.
public enum ComputeThreads {
    /// Number of threads, process-wide.
    public static var count: Int { Int(ct_thread_count()) }

    /// Sets the number of threads, process-wide; for programs to call once as they start.
    public static func set(_ count: Int) { ct_set_thread_count(Int32(count)) }
}
