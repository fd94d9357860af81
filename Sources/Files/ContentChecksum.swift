import CXXHash

/// A checksum over everything that is added to it, fast enough to be taken while a file is written:
/// XXH3 with 128 bits. Finds damage, not forgery.
public struct ContentChecksum: ~Copyable {
    private let state: OpaquePointer

    /// Hexadecimal digits of ``text``.
    public static let digits = 32

    /// The checksum of nothing yet.
    public init() {
        // The library's own allocator fails only where no memory is left.
        guard let state = XXH3_createState() else { preconditionFailure("out of memory") }
        XXH3_128bits_reset(state)
        self.state = state
    }

    deinit { XXH3_freeState(state) }

    /// Adds bytes.
    public func add(_ bytes: UnsafeRawBufferPointer) {
        XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
    }

    /// What has been added, as ``digits`` hexadecimal digits.
    public var text: String {
        let hash = XXH3_128bits_digest(state)
        return [hash.high64, hash.low64].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
