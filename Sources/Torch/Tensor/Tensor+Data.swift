import CTorch
import Foundation

extension Tensor {
    /// A CPU tensor with the given elements in row-major order.
    public init<Element: TensorElement>(_ elements: [Element], shape: [Int]) {
        self = elements.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: Element.dtype) }
    }

    /// A CPU vector.
    public init<Element: TensorElement>(_ elements: [Element]) {
        self.init(elements, shape: [elements.count])
    }

    /// A CPU tensor whose elements are copied from memory, in the machine's byte order.
    public init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) {
        self = Tensor("Tensor(bytes:)") {
            ct_tensor_from_bytes(
                bytes.baseAddress, Int64(bytes.count), shape.map(Int64.init), Int64(shape.count),
                dtype.rawValue, $0)
        }
    }

    /// A CPU tensor whose elements are written in place.
    ///
    /// - Parameters:
    ///   - shape: of the tensor
    ///   - write: writes all elements, in row-major order
    /// - Throws: ``TorchError``, and what `write` throws
    public init<Element: TensorElement>(
        _ shape: [Int], writing write: (UnsafeMutableBufferPointer<Element>) throws -> Void
    ) throws {
        let tensor = Tensor.empty(shape, dtype: Element.dtype)
        try tensor.withUnsafeBytes { bytes in
            try write(UnsafeMutableRawBufferPointer(mutating: bytes).bindMemory(to: Element.self))
        }
        self = tensor
    }

    /// A CPU tensor over memory of someone else, which `owner` keeps alive. Not to be changed.
    init(borrowing bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, owner: AnyObject) {
        guard let base = bytes.baseAddress else {
            self = Tensor.zeros(shape, dtype: dtype)
            return
        }
        let context = Unmanaged.passRetained(owner).toOpaque()
        self = Tensor("Tensor(borrowing:)") {
            ct_tensor_from_memory(
                UnsafeMutableRawPointer(mutating: base), shape.map(Int64.init), Int64(shape.count),
                dtype.rawValue, context,
                { $0.map { Unmanaged<AnyObject>.fromOpaque($0).release() } }, $0)
        }
    }

    /// The elements in row-major order, converted to the wanted type.
    /// - Throws: ``TorchError`` of a failed tensor.
    public func array<Element: TensorElement>(of type: Element.Type = Element.self) throws
        -> [Element]
    {
        let source = detached().to(dtype: Element.dtype).to(device: .cpu).contiguous()
        return try source.withUnsafeBytes { bytes in
            [Element](unsafeUninitializedCapacity: source.count) { buffer, count in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
                count = source.count
            }
        }
    }

    /// The value of a tensor with one element.
    /// - Throws: ``TorchError`` of a failed tensor or of one with several elements.
    public func item() throws -> Double {
        let values = try array(of: Double.self)
        guard values.count == 1, let value = values.first else {
            throw TorchError(
                operation: "item", message: "a tensor of shape \(shape) has no single value")
        }
        return value
    }

    /// Gives the memory of a contiguous CPU tensor to `body`.
    /// - Throws: ``TorchError`` of a failed tensor, one on a device, or one that is not contiguous.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws
        -> Result
    {
        let handle = try handle()
        guard ct_tensor_is_contiguous(handle) else {
            throw TorchError(operation: "withUnsafeBytes", message: "the tensor is not contiguous")
        }
        var message: UnsafeMutablePointer<CChar>?
        let start = ct_tensor_data(handle, &message)
        if let error = TorchError(taking: message, operation: "withUnsafeBytes") { throw error }
        return try withExtendedLifetime(self) {
            try body(UnsafeRawBufferPointer(start: start, count: count * dtype.byteCount))
        }
    }
}
