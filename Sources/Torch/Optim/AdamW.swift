/// The AdamW optimizer (Loshchilov & Hutter 2019) by libtorch's fused kernel.
public final class AdamW {
    /// Parameters that share a weight decay.
    public struct Group {
        /// Keys and tensors, in optimizer order.
        public let parameters: [ParameterStore.Entry]
        /// Share of a weight that each step takes off, times the learning rate.
        public let weightDecay: Double

        /// Makes a group.
        public init(parameters: [ParameterStore.Entry], weightDecay: Double) {
            self.parameters = parameters
            self.weightDecay = weightDecay
        }
    }

    private struct Moments {
        let first: Tensor
        let second: Tensor
        let step: Tensor
    }

    private static let fusedOp = Operator("_fused_adamw_")

    /// The groups, in order.
    public let groups: [Group]
    /// Step size.
    public var learningRate: Double
    let betas: (Double, Double)
    let epsilon: Double
    private var moments: [String: Moments] = [:]

    /// An optimizer that has not made a step.
    public init(
        groups: [Group], learningRate: Double, betas: (Double, Double) = (0.9, 0.999),
        epsilon: Double = 1e-8
    ) {
        self.groups = groups
        self.learningRate = learningRate
        self.betas = betas
        self.epsilon = epsilon
    }

    /// Forgets the gradients of all parameters.
    /// - Throws: ``TorchError`` of a failed tensor.
    public func clearGradients() throws {
        for group in groups {
            for entry in group.parameters { try entry.tensor.setGradient(nil) }
        }
    }

    /// The norm of all gradients together; 0 where there are none. Scalar
    public func gradientNorm() -> Tensor {
        let gradients = groups.flatMap(\.parameters).compactMap(\.tensor.gradient)
        return gradients.isEmpty ? .zeros([]) : .norm(of: gradients)
    }

    /// Changes every parameter that has a gradient.
    ///
    /// - Parameter skip: 1 to leave everything as it is, 0 to go on; read by the kernel, so that
    ///   the decision needs no wait for the device. float32 scalar
    /// - Throws: ``TorchError`` where the kernel fails.
    public func step(unless skip: Tensor? = nil) throws {
        for group in groups {
            var parameters: [Tensor] = []
            var gradients: [Tensor] = []
            var first: [Tensor] = []
            var second: [Tensor] = []
            var steps: [Tensor] = []
            for entry in group.parameters {
                guard let gradient = entry.tensor.gradient else { continue }
                let state = moments[entry.key] ?? Self.start(entry.tensor)
                moments[entry.key] = state
                parameters.append(entry.tensor)
                gradients.append(gradient)
                first.append(state.first)
                second.append(state.second)
                steps.append(state.step)
            }
            if parameters.isEmpty { continue }
            try withoutGradient {
                let advance = skip.map { 1 - $0 } ?? .ones([], device: parameters[0].device)
                for step in steps { try step.copy(from: step + advance) }
                try Self.fusedOp.perform(
                    .tensors(parameters), .tensors(gradients), .tensors(first), .tensors(second),
                    .tensors([]), .tensors(steps), .real(learningRate), .real(betas.0),
                    .real(betas.1), .real(group.weightDecay), .real(epsilon), .bool(false),
                    .bool(false), .none, .tensor(skip))
            }
        }
    }

    /// Moments and step counts under `exp_avg.<key>`, `exp_avg_sq.<key>` and `step.<key>`.
    public var state: [String: Tensor] {
        var state: [String: Tensor] = [:]
        for (key, moments) in moments {
            state["exp_avg." + key] = moments.first
            state["exp_avg_sq." + key] = moments.second
            state["step." + key] = moments.step
        }
        return state
    }

    /// Continues from a stored ``state``.
    /// - Throws: ``StateDictionaryError`` where a tensor is missing, of another shape, or belongs
    ///   to no parameter.
    public func load(_ state: [String: Tensor]) throws {
        var unexpected = Set(state.keys)
        var loaded: [String: Moments] = [:]
        for entry in groups.flatMap(\.parameters) {
            let names = ["exp_avg.", "exp_avg_sq.", "step."].map { $0 + entry.key }
            unexpected.subtract(names)
            let found = names.compactMap { state[$0] }
            if found.isEmpty { continue }
            guard found.count == 3 else {
                throw StateDictionaryError(missing: names.filter { state[$0] == nil })
            }
            guard found[0].shape == entry.tensor.shape, found[1].shape == entry.tensor.shape else {
                throw StateDictionaryError(
                    mismatched: [
                        .init(key: names[0], expected: entry.tensor.shape, found: found[0].shape)
                    ])
            }
            let device = entry.tensor.device
            loaded[entry.key] = Moments(
                first: found[0].to(device: device).cloned(),
                second: found[1].to(device: device).cloned(),
                step: found[2].to(device: device).cloned())
        }
        guard unexpected.isEmpty else {
            throw StateDictionaryError(unexpected: unexpected.sorted())
        }
        moments = loaded
    }

    private static func start(_ parameter: Tensor) -> Moments {
        Moments(
            first: .zeros(parameter.shape, dtype: parameter.dtype, device: parameter.device),
            second: .zeros(parameter.shape, dtype: parameter.dtype, device: parameter.device),
            step: .zeros([], device: parameter.device))
    }
}
