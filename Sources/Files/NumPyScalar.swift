/// Single numbers of NumPy in pickles, such as the ids that a script took out of an array.
extension PickleValue {
    /// What a pickle of numbers and texts of NumPy may name. None of it is run: the notes of what
    /// the file wanted built say enough.
    public static func isOfNumPy(_ name: String) -> Bool {
        name.hasPrefix("numpy.") || name == "_codecs.encode"
    }

    /// The plain value of a number or a text of NumPy; nil for everything else.
    var numPyScalar: PickleValue? {
        guard
            case .built(let name, let arguments, _) = self,
            ["numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"].contains(name),
            arguments.count == 2,
            case .built("numpy.dtype", let description, let state) = arguments[0],
            let code = description.first?.text, let kind = code.first,
            let size = Int(code.dropFirst()), let bytes = arguments[1].rawBytes
        else { return nil }
        let isBigEndian = state?.elements.flatMap { $0.count > 1 ? $0[1].text : nil } == ">"
        let width = kind == "U" ? 4 : max(1, size)
        guard bytes.count.isMultiple(of: width) else { return nil }
        let numbers = stride(from: 0, to: bytes.count, by: width).map { start in
            let part = bytes[start..<start + width]
            return isBigEndian ? Array(part) : part.reversed()
        }
        switch kind {
        case "U":
            let scalars = numbers.map { Unicode.Scalar(UInt32(Self.unsigned($0))) ?? "\u{fffd}" }
            return .string(String(String.UnicodeScalarView(scalars)))
        case "S": return .string(String(decoding: bytes, as: UTF8.self))
        case "i", "u", "b", "f":
            guard numbers.count == 1, width <= 8 else { return nil }
            return Self.number(kind, numbers[0])
        default: return nil
        }
    }

    private static func unsigned(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The number of bytes whose first is the highest.
    private static func number(_ kind: Character, _ bytes: [UInt8]) -> PickleValue? {
        let bits = unsigned(bytes)
        switch (kind, bytes.count) {
        case ("i", let count):
            let shift = 64 - 8 * count
            return .int(Int((Int64(bitPattern: bits) << shift) >> shift))
        case ("u", _): return Int(exactly: bits).map { .int($0) }
        case ("b", _): return .bool(bits != 0)
        case ("f", 2): return .double(Double(Float16(bitPattern: UInt16(bits))))
        case ("f", 4): return .double(Double(Float(bitPattern: UInt32(bits))))
        case ("f", 8): return .double(Double(bitPattern: bits))
        default: return nil
        }
    }

    /// Bytes, however the protocol has written them.
    private var rawBytes: [UInt8]? {
        switch self {
        case .bytes(let bytes): return bytes
        // A string of Python 2, whose bytes happened to be UTF-8.
        case .string(let text): return Array(text.utf8)
        // Python 3 before protocol 3: a text with a character for each byte.
        case .built("_codecs.encode", let arguments, _):
            guard let text = arguments.first?.text else { return nil }
            let bytes = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
            return bytes.count == text.unicodeScalars.count ? bytes : nil
        default: return nil
        }
    }
}
