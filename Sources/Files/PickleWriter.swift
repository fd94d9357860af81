import Foundation

/// Writes values as a Python pickle (protocol 2, which every Python 2.3 and later reads).
public enum PickleWriter {
    /// The bytes of a pickle of `value`.
    public static func data(_ value: PickleValue) -> Data {
        var bytes: [UInt8] = [0x80, 2]
        append(value, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        return Data(bytes)
    }

    private static func append(_ value: PickleValue, to bytes: inout [UInt8]) {
        func code(_ character: Unicode.Scalar) { bytes.append(UInt8(ascii: character)) }
        func counted(_ code: Unicode.Scalar, _ content: some Collection<UInt8>) {
            bytes.append(UInt8(ascii: code))
            littleEndian(UInt32(content.count))
            bytes.append(contentsOf: content)
        }
        func littleEndian<I: FixedWidthInteger>(_ number: I) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        switch value {
        case .none: code("N")
        case .bool(let flag): bytes.append(flag ? 0x88 : 0x89)
        case .int(let number):
            if let small = Int32(exactly: number) {
                code("J")
                littleEndian(small)
            } else {
                bytes.append(contentsOf: [0x8a, 8])
                littleEndian(Int64(number))
            }
        case .double(let number):
            code("G")
            withUnsafeBytes(of: number.bitPattern.bigEndian) { bytes.append(contentsOf: $0) }
        case .string(let text): counted("X", Array(text.utf8))
        // Protocol 2 has no bytes of its own: Python 2's string, which Python 3 reads with
        // encoding="bytes".
        case .bytes(let content): counted("T", content)
        case .list(let values):
            code("]")
            code("(")
            for value in values { append(value, to: &bytes) }
            code("e")
        case .dictionary(let entries):
            code("}")
            code("(")
            for entry in entries {
                append(entry.key, to: &bytes)
                append(entry.value, to: &bytes)
            }
            code("u")
        case .built(PickleValue.persistentName, let arguments, _):
            for argument in arguments { append(argument, to: &bytes) }
            code("Q")
        case .built(let name, let arguments, let state):
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            code("c")
            for part in [parts.dropLast().joined(separator: "."), String(parts.last ?? "")] {
                bytes.append(contentsOf: part.utf8)
                code("\n")
            }
            if arguments.isEmpty, state == nil { break }
            code("(")
            for argument in arguments { append(argument, to: &bytes) }
            code("t")
            code("R")
            guard let state else { break }
            append(state, to: &bytes)
            code("b")
        }
    }
}
