import CTorch

/// A seeded source of random numbers on a device.
///
/// Unchecked: libtorch locks the generator in every operation that draws from it.
public final class Generator: @unchecked Sendable {
    let handle: CTGenerator
    /// Where the numbers are drawn.
    public let device: Device

    /// A generator that starts from `seed`.
    /// - Throws: ``TorchError`` where the device does not exist.
    public init(seed: UInt64, device: Device = .cpu) throws {
        var message: UnsafeMutablePointer<CChar>?
        guard let handle = ct_generator_new(device.code, seed, &message) else {
            throw TorchError(taking: message, operation: "Generator")
                ?? TorchError(operation: "Generator", message: "none on \(device)")
        }
        self.handle = handle
        self.device = device
    }

    deinit { ct_generator_free(handle) }

    /// The whole state as bytes, to be stored and set again. uint8
    public var state: Tensor { Tensor("Generator.state") { ct_generator_state(handle, $0) } }

    /// Continues from a stored state.
    /// - Throws: ``TorchError`` where the bytes are no state of such a generator.
    public func setState(_ state: Tensor) throws {
        let bytes = try state.handle()
        try TorchError.check("Generator.setState") { ct_generator_set_state(handle, bytes, $0) }
    }
}
