import CTorch
import Foundation

extension Tensor {
    /// Whether gradients are computed for this tensor.
    public var requiresGradient: Bool {
        storage.handle.map { ct_tensor_requires_grad($0) } ?? false
    }

    /// Switches the computation of gradients for a leaf tensor.
    /// - Throws: ``TorchError`` for a tensor that is not floating point or not a leaf.
    public func setRequiresGradient(_ wanted: Bool) throws {
        let handle = try handle()
        try TorchError.check { ct_tensor_set_requires_grad(handle, wanted, $0) }
    }

    /// The gradient that ``backward()`` has accumulated, nil where there is none.
    public var gradient: Tensor? {
        guard let handle = storage.handle else { return nil }
        var message: UnsafeMutablePointer<CChar>?
        guard let gradient = ct_tensor_grad(handle, &message) else { return nil }
        return Tensor(adopting: gradient, operation: "gradient")
    }

    /// Sets the accumulated gradient; nil clears it.
    /// - Throws: ``TorchError`` where shape, type or device differ.
    public func setGradient(_ gradient: Tensor?) throws {
        let handle = try handle()
        let value = try gradient?.handle()
        try TorchError.check { ct_tensor_set_grad(handle, value, $0) }
    }

    /// Computes the gradients of this scalar with respect to every leaf of its graph and adds them
    /// to the leaves' gradients.
    /// - Throws: ``TorchError`` of any operation of the graph.
    public func backward() throws {
        var outputs: [CTTensor?] = [try handle()]
        try TorchError.check { ct_backward(&outputs, nil, 1, false, $0) }
    }

    /// Gradients of this scalar with respect to `inputs`, without touching accumulated gradients;
    /// nil for an input that the scalar does not depend on.
    /// - Throws: ``TorchError`` of any operation of the graph.
    public func gradients(of inputs: [Tensor], keepingGraph: Bool = false) throws -> [Tensor?] {
        var outputs: [CTTensor?] = [try handle()]
        var handles: [CTTensor?] = try inputs.map { try $0.handle() }
        var results = [CTTensor?](repeating: nil, count: inputs.count)
        try TorchError.check {
            ct_gradients(&outputs, 1, &handles, Int64(handles.count), keepingGraph, &results, $0)
        }
        return results.map { $0.map { Tensor(adopting: $0, operation: "gradients") } }
    }
}

/// Runs `body` without recording a gradient graph on this thread.
public func withoutGradient<Result>(_ body: () throws -> Result) rethrows -> Result {
    try withGradientMode(false, body)
}

/// Runs `body` with the recording of the gradient graph switched on or off on this thread.
func withGradientMode<Result>(_ enabled: Bool, _ body: () throws -> Result) rethrows -> Result {
    let before = ct_grad_mode()
    ct_set_grad_mode(enabled)
    defer { ct_set_grad_mode(before) }
    return try body()
}

/// Runs `body` in inference mode on this thread: no graph, no version counting. Its tensors can
/// never take part in a gradient graph.
public func withInferenceMode<Result>(_ body: () throws -> Result) rethrows -> Result {
    let guarding = ct_inference_mode_enter()
    defer { ct_inference_mode_leave(guarding) }
    return try body()
}

/// Runs `body` with matrix products and convolutions in a lower precision on this thread; nil
/// changes nothing.
public func withAutocast<Result>(_ dtype: DType?, on device: Device, _ body: () throws -> Result)
    rethrows -> Result
{
    guard let dtype else { return try body() }
    let enabled = ct_autocast_enabled(device.type)
    let previous = ct_autocast_dtype(device.type)
    ct_autocast_enter(device.type, dtype.rawValue)
    defer { ct_autocast_leave(device.type, enabled, previous) }
    return try body()
}

/// Computes `body(inputs)` keeping only the inputs for the backward pass, which runs `body` a
/// second time: less memory for about a third more computation.
///
/// `body` must give the same result both times. Dropout in it draws from `generator`, whose state
/// is set back for the second run; autocast is entered again as it was.
public func checkpointed(
    _ inputs: [Tensor], generator: Generator? = nil, body: @escaping ([Tensor]) -> Tensor
) -> Tensor {
    guard ct_grad_mode() else { return body(inputs) }
    let device = inputs.first?.device ?? .cpu
    let context = CheckpointContext(
        body: body, generator: generator, state: generator?.state, device: device,
        autocast: ct_autocast_enabled(device.type)
            ? DType(rawValue: ct_autocast_dtype(device.type)) : nil)
    var handles: [CTTensor?] = []
    for input in inputs {
        guard let handle = input.storage.handle else { return input }
        handles.append(handle)
    }
    return withExtendedLifetime(inputs) {
        Tensor("checkpointed") { message in
            ct_checkpoint(
                &handles, Int64(handles.count), Unmanaged.passRetained(context).toOpaque(),
                { context, inputs, count, message in
                    guard let context, let inputs, let message else { return nil }
                    return Unmanaged<CheckpointContext>.fromOpaque(context).takeUnretainedValue()
                        .run(inputs, Int(count), message)
                },
                { $0.map { Unmanaged<CheckpointContext>.fromOpaque($0).release() } }, message)
        }
    }
}

/// What a checkpointed block needs to run a second time.
private final class CheckpointContext {
    let body: ([Tensor]) -> Tensor
    let generator: Generator?
    let state: Tensor?
    let device: Device
    let autocast: DType?
    private var hasRun = false

    init(
        body: @escaping ([Tensor]) -> Tensor, generator: Generator?, state: Tensor?,
        device: Device, autocast: DType?
    ) {
        self.body = body
        self.generator = generator
        self.state = state
        self.device = device
        self.autocast = autocast
    }

    func run(
        _ handles: UnsafePointer<CTTensor?>, _ count: Int,
        _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> CTTensor? {
        let inputs = (0..<count).map { index in
            Tensor(adopting: handles[index].map(ct_tensor_share) ?? nil, operation: "checkpointed")
        }
        do {
            let output = try replaying { withAutocast(autocast, on: device) { body(inputs) } }
            return ct_tensor_share(try output.handle())
        } catch {
            message.pointee = strdup("\(error)")
            return nil
        }
    }

    private func replaying(_ body: () -> Tensor) throws -> Tensor {
        defer { hasRun = true }
        guard hasRun, let generator, let state else { return body() }
        let now = generator.state
        try generator.setState(state)
        let result = body()
        try generator.setState(now)
        return result
    }
}
