import CTorch

/// An operator of libtorch, found once by its registered name.
///
/// Calls go through libtorch's dispatcher with boxed arguments, so the shim needs one function for
/// all operators and autograd, autocast and every backend take part (`Documentation/torch.md` has
/// what a call costs).
struct Operator: @unchecked Sendable {
    // Unchecked: the handle is immutable and lives as long as the process.
    private let handle: Result<CTOperator, TorchError>
    let name: String

    init(_ name: String, _ overload: String = "") {
        self.name = "aten::" + name
        var message: UnsafeMutablePointer<CChar>?
        if let found = ct_operator_find(self.name, overload, &message) {
            handle = .success(found)
        } else {
            handle = .failure(
                TorchError(taking: message, operation: self.name)
                    ?? TorchError(operation: self.name, message: "not found"))
        }
    }

    /// One argument of a call.
    enum Argument {
        case `default`
        case none
        case tensor(Tensor)
        case int(Int)
        case real(Double)
        case bool(Bool)
        case ints([Int])
        case tensors([Tensor])
        case generator(Generator)
        case device(Device)
        case string(StaticString)

        static func dtype(_ type: DType?) -> Argument {
            type.map { .int(Int($0.rawValue)) } ?? .none
        }
        static func tensor(_ tensor: Tensor?) -> Argument { tensor.map { .tensor($0) } ?? .none }
    }

    /// Calls the operator and returns its single tensor; a failure comes out as a failed tensor.
    func callAsFunction(_ arguments: Argument...) -> Tensor {
        switch call(arguments) {
        case .success(let results) where results.count == 1: results[0]
        case .success(let results):
            Tensor(
                failure: TorchError(
                    operation: name, message: "returned \(results.count) tensors, not one"))
        case .failure(let error): Tensor(failure: error)
        }
    }

    /// Calls the operator for its effect on its arguments.
    func perform(_ arguments: Argument...) throws(TorchError) {
        _ = try call(arguments).get()
    }

    /// Calls the operator and returns all its tensors.
    func call(_ arguments: [Argument], capacity: Int = 256) -> Result<[Tensor], TorchError> {
        guard case .success(let handle) = handle else { return handle.map { _ in [] } }
        var values: [CTValue] = []
        values.reserveCapacity(arguments.count)
        var integers: [Int64] = []
        var objects: [UnsafeMutableRawPointer?] = []
        // Keeps generators and tensors alive for the time of the call.
        return withExtendedLifetime(arguments) {
            for argument in arguments {
                var value = CTValue(tag: CTTagNone, integer: 0, offset: 0, real: 0)
                switch argument {
                case .default: value.tag = CTTagDefault
                case .none: break
                case .tensor(let tensor):
                    guard let object = tensor.storage.handle else { return tensor.failed() }
                    value.tag = CTTagTensor
                    value.offset = Int64(objects.count)
                    objects.append(UnsafeMutableRawPointer(object))
                case .int(let integer):
                    value.tag = CTTagInteger
                    value.integer = Int64(integer)
                case .real(let real):
                    value.tag = CTTagReal
                    value.real = real
                case .bool(let flag):
                    value.tag = CTTagBoolean
                    value.integer = flag ? 1 : 0
                case .ints(let list):
                    value.tag = CTTagIntegers
                    value.integer = Int64(list.count)
                    value.offset = Int64(integers.count)
                    for element in list { integers.append(Int64(element)) }
                case .tensors(let list):
                    value.tag = CTTagTensors
                    value.integer = Int64(list.count)
                    value.offset = Int64(objects.count)
                    for tensor in list {
                        guard let object = tensor.storage.handle else { return tensor.failed() }
                        objects.append(UnsafeMutableRawPointer(object))
                    }
                case .generator(let generator):
                    value.tag = CTTagGenerator
                    value.offset = Int64(objects.count)
                    objects.append(UnsafeMutableRawPointer(generator.handle))
                case .device(let device):
                    value.tag = CTTagDevice
                    value.integer = device.code
                case .string(let text):
                    value.tag = CTTagString
                    value.offset = Int64(objects.count)
                    objects.append(UnsafeMutableRawPointer(mutating: text.utf8Start))
                }
                values.append(value)
            }
            return withUnsafeTemporaryAllocation(of: CTTensor?.self, capacity: capacity) {
                results in
                var message: UnsafeMutablePointer<CChar>?
                let count = ct_operator_call(
                    handle, values, Int64(values.count), integers, objects, results.baseAddress,
                    Int64(capacity), &message)
                if let error = TorchError(taking: message, operation: name) {
                    return .failure(error)
                }
                return .success(
                    (0..<Int(count)).map { Tensor(adopting: results[$0], operation: name) })
            }
        }
    }
}
