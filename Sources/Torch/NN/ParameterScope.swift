/// The named parameters and buffers of a model, in the order of their creation.
///
/// Models are built by handing a ``ParameterScope`` of a store down to their parts; each part names
/// its tensors once, and the full names are the keys of the state dictionary.
public final class ParameterStore {
    /// What a stored tensor is to the optimizer.
    public enum Role: Sendable, Equatable {
        /// Trained by gradient.
        case parameter
        /// Part of the state, never trained by gradient: momentum weights, fixed embeddings.
        case frozenParameter
        /// Part of the state that is no weight: queues, pointers, position indices.
        case buffer
        /// A second key of a tensor that has been declared under another key.
        case alias(of: String)
    }

    /// One named tensor.
    public struct Entry: Sendable {
        /// Key in the state dictionary.
        public let key: String
        /// The tensor; changed in place by the optimizer and by loading.
        public let tensor: Tensor
        /// What it is to the optimizer.
        public let role: Role
    }

    /// All entries in the order of declaration.
    public private(set) var entries: [Entry] = []
    /// Where new tensors are made.
    public let device: Device
    private let generator: Generator
    /// How tensors are filled that have no values yet; nil for a store that fills them at once.
    private var pending: [String: Initializer]?
    private var index: [String: Int] = [:]
    private var failure: (any Error)?

    /// An empty store.
    ///
    /// - Parameters:
    ///   - seed: of initial values; nil for tensors that get theirs by
    ///     ``load(_:allowingMissing:allowingUnexpected:)``, where what is missing is initialised then
    ///   - device: where the tensors are
    /// - Throws: ``TorchError`` where the device does not exist.
    public init(seed: UInt64? = 0, device: Device = .cpu) throws {
        self.device = device
        // Initial weights are drawn on the CPU, so that they do not depend on the device.
        generator = try Generator(seed: seed ?? 0)
        pending = seed == nil ? [:] : nil
    }

    /// The scope that holds the outermost names.
    public var root: ParameterScope { ParameterScope(store: self, prefix: "") }

    /// The entry of a key.
    public subscript(key: String) -> Tensor? { index[key].map { entries[$0].tensor } }

    /// Tensors that the optimizer trains.
    public var parameters: [Entry] { entries.filter { $0.role == .parameter } }

    /// Every entry as a dictionary, as it is saved; aliases are included.
    public var state: [String: Tensor] {
        Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.tensor) })
    }

    /// - Throws: the first error met while a model was built, such as a key declared twice.
    public func validate() throws {
        if let failure { throw failure }
    }

    func declare(
        _ key: String, _ shape: [Int], _ initializer: Initializer, _ role: Role, _ dtype: DType
    )
        -> Tensor
    {
        let tensor: Tensor
        if pending != nil {
            pending?[key] = initializer
            tensor = .empty(shape, dtype: dtype, device: device)
        } else {
            tensor = initializer.tensor(shape, dtype: dtype, generator: generator).to(
                device: device)
        }
        do {
            try tensor.checked()
            if role == .parameter { try tensor.setRequiresGradient(true) }
        } catch { failure = failure ?? error }
        add(Entry(key: key, tensor: tensor, role: role))
        return tensor
    }

    /// Initialises tensors that have no values yet, but for those that get some otherwise.
    func initializePending(except loaded: Set<String>) throws {
        for entry in entries {
            guard let initializer = pending?[entry.key], !loaded.contains(entry.key) else {
                continue
            }
            try entry.tensor.copy(
                from: initializer.tensor(
                    entry.tensor.shape, dtype: entry.tensor.dtype, generator: generator))
        }
        if pending != nil { pending = [:] }
    }

    func alias(_ key: String, of tensor: Tensor) {
        guard let original = entries.first(where: { $0.tensor.isSame(as: tensor) }) else {
            failure =
                failure
                ?? TorchError(operation: key, message: "is an alias of a tensor without a key")
            return
        }
        add(Entry(key: key, tensor: tensor, role: .alias(of: original.key)))
    }

    private func add(_ entry: Entry) {
        if index.updateValue(entries.count, forKey: entry.key) != nil {
            failure = failure ?? TorchError(operation: entry.key, message: "is declared twice")
        }
        entries.append(entry)
    }
}

/// A place in the tree of names of a ``ParameterStore``.
public struct ParameterScope {
    let store: ParameterStore
    let prefix: String
    /// Whether the tensors declared here are trained; false below a momentum model.
    var isTrained = true

    /// The scope of a part, such as `scope["attn"]`.
    public subscript(name: String) -> ParameterScope {
        ParameterScope(store: store, prefix: key(name), isTrained: isTrained)
    }

    /// The scope of a numbered part, such as `scope["blocks"][3]`.
    public subscript(index: Int) -> ParameterScope { self[String(index)] }

    /// The same place for tensors that are never trained by gradient.
    public var frozen: ParameterScope {
        ParameterScope(store: store, prefix: prefix, isTrained: false)
    }

    /// Declares a weight.
    public func parameter(_ name: String, _ shape: [Int], _ initializer: Initializer) -> Tensor {
        store.declare(
            key(name), shape, initializer, isTrained ? .parameter : .frozenParameter, .float32)
    }

    /// Declares a part of the state that is no weight.
    public func buffer(
        _ name: String, _ shape: [Int], _ initializer: Initializer, dtype: DType = .float32
    ) -> Tensor {
        store.declare(key(name), shape, initializer, .buffer, dtype)
    }

    /// Declares a second key of a tensor.
    public func alias(_ name: String, of tensor: Tensor) { store.alias(key(name), of: tensor) }

    private func key(_ name: String) -> String { prefix.isEmpty ? name : prefix + "." + name }
}

/// How a new tensor is filled.
public enum Initializer: Sendable {
    case zeros
    case ones
    case constant(Double)
    /// Normal numbers with mean 0.
    case normal(std: Double)
    /// Normal numbers with mean 0 that lie within two units, as timm initialises vision transformers.
    case truncatedNormal(std: Double)
    /// Uniform numbers of ±bound.
    case uniform(bound: Double)
    /// Random vectors of length 1 along the first dimension.
    case unitColumns
    /// Given values.
    case values(Tensor)

    func tensor(_ shape: [Int], dtype: DType, generator: Generator) -> Tensor {
        let drawn: Tensor
        switch self {
        case .zeros: drawn = .zeros(shape)
        case .ones: drawn = .ones(shape)
        case .constant(let value): drawn = .full(shape, value)
        case .normal(let std): drawn = Tensor.normal(shape, generator: generator) * std
        case .truncatedNormal(let std):
            drawn = (Tensor.normal(shape, generator: generator) * std).clamped(to: -2...2)
        case .uniform(let bound):
            drawn = Tensor.uniform(shape, generator: generator) * (2 * bound) + (-bound)
        case .unitColumns:
            drawn = Tensor.normal(shape, generator: generator).transposed(0, -1).normalized()
                .transposed(0, -1).contiguous()
        case .values(let values): drawn = values.reshaped(shape).cloned()
        }
        return drawn.to(dtype: dtype)
    }
}
