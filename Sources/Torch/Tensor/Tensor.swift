import CTorch

/// A multi-dimensional array on a device, with the gradient graph behind it.
///
/// Operations return new tensors and do not throw, so that a model reads like its formulas. An
/// operation that fails (shapes that do not fit, no memory left) returns a *failed tensor* that
/// carries the error; operations on it return it unchanged. The error is thrown where a value
/// leaves the graph: by ``item()``, ``array(of:)``, ``backward()``, ``checked()`` and by every
/// operation that changes a tensor in place.
public struct Tensor: Sendable {
    let storage: TensorStorage

    init(failure: TorchError) { storage = TensorStorage(handle: nil, failure: failure) }

    init(adopting handle: CTTensor?, operation: String) {
        storage = TensorStorage(
            handle: handle,
            failure: handle == nil
                ? TorchError(operation: operation, message: "returned no tensor") : nil)
    }

    /// Adopts what a shim function returned, or its message.
    init(
        _ operation: String,
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CTTensor?
    ) {
        var message: UnsafeMutablePointer<CChar>?
        let handle = body(&message)
        if let error = TorchError(taking: message, operation: operation) {
            self.init(failure: error)
        } else {
            self.init(adopting: handle, operation: operation)
        }
    }

    /// The error that this tensor carries, nil for a sound tensor.
    public var failure: TorchError? { storage.failure }

    /// The tensor itself.
    /// - Throws: the ``TorchError`` of the operation that failed to compute it.
    @discardableResult
    public func checked() throws(TorchError) -> Tensor {
        _ = try handle()
        return self
    }

    func handle() throws(TorchError) -> CTTensor {
        guard let handle = storage.handle else {
            throw storage.failure ?? TorchError(operation: "Tensor", message: "undefined tensor")
        }
        return handle
    }

    func failed<Success>() -> Result<Success, TorchError> {
        .failure(storage.failure ?? TorchError(operation: "Tensor", message: "undefined tensor"))
    }

    /// Sizes of the dimensions; empty for a scalar and for a failed tensor.
    public var shape: [Int] {
        guard let handle = storage.handle else { return [] }
        return (0..<ct_tensor_rank(handle)).map { Int(ct_tensor_size(handle, $0)) }
    }

    /// Number of dimensions.
    public var rank: Int { storage.handle.map { Int(ct_tensor_rank($0)) } ?? 0 }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Size of one dimension, counted from the end when negative; 0 where there is no such
    /// dimension, so that a failed tensor's error survives the shape arithmetic after it.
    public func size(_ dimension: Int) -> Int {
        guard let handle = storage.handle else { return 0 }
        let index = dimension < 0 ? rank + dimension : dimension
        return index >= 0 && index < rank ? Int(ct_tensor_size(handle, Int64(index))) : 0
    }

    /// Type of the elements.
    public var dtype: DType {
        storage.handle.flatMap { DType(rawValue: ct_tensor_dtype($0)) } ?? .float32
    }

    /// Where the tensor lies.
    public var device: Device { storage.handle.map { Device(code: ct_tensor_device($0)) } ?? .cpu }

    /// True if both are the same tensor, not only equal ones.
    public func isSame(as other: Tensor) -> Bool {
        guard let a = storage.handle, let b = other.storage.handle else { return false }
        return ct_tensor_is_same(a, b)
    }
}

/// The owner of one libtorch handle.
///
/// Unchecked: libtorch counts references atomically and reads of one tensor from several threads
/// are safe; changing a tensor in place while another thread uses it is the caller's error, as it
/// is in libtorch.
final class TensorStorage: @unchecked Sendable {
    let handle: CTTensor?
    let failure: TorchError?

    init(handle: CTTensor?, failure: TorchError?) {
        self.handle = handle
        self.failure = failure
    }

    deinit {
        if let handle { ct_tensor_free(handle) }
    }
}
