import Foundation

/// FNV-1a with 64 bits: unlike the standard library's, the same in every process.
public struct StableHash: Sendable {
    /// The hash of the bytes so far.
    public var value: UInt64 = 0xcbf2_9ce4_8422_2325

    /// The hash of nothing yet.
    @inlinable public init() {}

    /// Adds bytes.
    @inlinable public mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    /// Adds a text of a list and marks its end, with a byte that no UTF-8 text has.
    @inlinable public mutating func add(item bytes: some Sequence<UInt8>) {
        add(bytes)
        value = (value ^ 0xff) &* 0x100_0000_01b3
    }

    /// Adds the contents of a file.
    /// - Throws: what reading it throws
    public mutating func add(contentsOf path: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        data.withUnsafeBytes { add($0) }
    }

    /// As hexadecimal digits.
    public var text: String { String(value, radix: 16) }
}
