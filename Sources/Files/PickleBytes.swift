import Foundation

/// The bytes of a pickle and how far they are read.
struct PickleBytes {
    let bytes: [UInt8]
    var position = 0

    init(_ data: Data) { bytes = Array(data) }

    func error(_ reason: String, _ offset: Int) -> PickleError {
        PickleError(reason: reason, offset: offset)
    }

    mutating func byte() throws -> UInt8 {
        guard position < bytes.count else { throw error("the file ends too early", position) }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else {
            throw error("the file ends too early", position)
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func littleEndian(_ count: Int) throws -> UInt64 {
        var value: UInt64 = 0
        for (index, byte) in try bytes(count).enumerated() {
            value |= UInt64(byte) << UInt64(8 * index)
        }
        return value
    }

    /// The rest of a line, without its end.
    mutating func lineBytes() throws -> ArraySlice<UInt8> {
        let start = position
        let length = bytes.withUnsafeBytes { all -> Int? in
            let rest = UnsafeRawBufferPointer(rebasing: all[start...])
            guard let first = rest.baseAddress, let end = memchr(first, 0x0a, rest.count) else {
                return nil
            }
            return UnsafeRawPointer(end) - first
        }
        guard let length else { throw error("the file ends inside a line", start) }
        position = start + length + 1
        return bytes[start..<start + length]
    }

    /// The rest of a line; each byte is a character, as in Latin-1.
    mutating func line() throws -> String { Self.latin1(try lineBytes()) }

    private static func latin1(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.allSatisfy { $0 < 0x80 }
            ? String(decoding: bytes, as: UTF8.self)
            : String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// A whole number that stands in a line.
    mutating func decimal(_ start: Int) throws -> Int { try decimal(lineBytes(), start) }

    private func decimal(_ digits: ArraySlice<UInt8>, _ start: Int) throws -> Int {
        // Mostly short and without a sign, as the numbers of stored values are.
        guard !digits.isEmpty, digits.count < 18,
            digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
        else { return try decimal(Self.latin1(digits), start) }
        return digits.reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
    }

    private func decimal(_ text: String, _ start: Int) throws -> Int {
        guard let value = Int(text) else {
            throw error("'\(text.excerpt())' is no whole number", start)
        }
        return value
    }

    // MARK: Values

    /// A value written as a line of text, as protocol 0 does.
    mutating func textual(_ code: UInt8, _ start: Int) throws -> PickleValue {
        switch code {
        case UInt8(ascii: "F"):
            let text = try line()
            guard let value = Double(text) else {
                throw error("'\(text.excerpt())' is no number", start)
            }
            return .double(value)
        case UInt8(ascii: "I"), UInt8(ascii: "L"):
            let text = try line()
            if code == UInt8(ascii: "I"), text == "00" || text == "01" {
                return .bool(text == "01")
            }
            return .int(try decimal(text.hasSuffix("L") ? String(text.dropLast()) : text, start))
        case UInt8(ascii: "V"): return try unicode(line(), start)
        default: return try quoted(lineBytes(), start)
        }
    }

    mutating func number(_ code: UInt8, _ start: Int) throws -> PickleValue {
        switch code {
        case UInt8(ascii: "J"):
            return .int(Int(Int32(truncatingIfNeeded: try littleEndian(4))))
        case UInt8(ascii: "K"): return .int(Int(try byte()))
        case UInt8(ascii: "M"): return .int(Int(try littleEndian(2)))
        case UInt8(ascii: "G"):
            return .double(Double(bitPattern: UInt64(try littleEndian(8)).byteSwapped))
        default:
            let count = code == 0x8a ? Int(try byte()) : Int(try littleEndian(4))
            guard count <= 8 else { throw error("a number of more than 64 bits", start) }
            guard count > 0 else { return .int(0) }
            let shift = 64 - 8 * count
            return .int(
                Int(truncatingIfNeeded: Int64(bitPattern: try littleEndian(count)) << shift)
                    >> shift)
        }
    }

    /// A text or bytes with their length in front.
    mutating func counted(_ code: UInt8, _ start: Int) throws -> PickleValue {
        let width =
            switch code {
            case UInt8(ascii: "U"), UInt8(ascii: "C"), 0x8c: 1
            case 0x8d, 0x8e: 8
            default: 4
            }
        let length = try littleEndian(width)
        guard length <= UInt64(bytes.count - position) else {
            throw error("the file ends inside a text", start)
        }
        let content = try bytes(Int(length))
        if [UInt8(ascii: "B"), UInt8(ascii: "C"), 0x8e].contains(code) {
            return .bytes(Array(content))
        }
        return Self.text(content)
    }

    /// Python 2's strings are bytes; those that are no UTF-8 stay so.
    private static func text(_ content: some Collection<UInt8>) -> PickleValue {
        String(validating: content, as: UTF8.self).map { .string($0) } ?? .bytes(Array(content))
    }

    /// A Unicode text of protocol 0: Latin-1 with `\u` and `\U` escapes.
    private func unicode(_ line: String, _ start: Int) throws -> PickleValue {
        guard line.utf8.contains(UInt8(ascii: "\\")) else { return .string(line) }
        var result = String.UnicodeScalarView()
        var rest = line.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let digits = ["u": 4, "U": 8][rest.first ?? " "] else {
                result.append(scalar)
                continue
            }
            guard let value = UInt32(String(rest.dropFirst().prefix(digits)), radix: 16),
                let decoded = Unicode.Scalar(value)
            else { throw error("a wrong escape in a text", start) }
            rest = rest.dropFirst(1 + digits)
            result.append(decoded)
        }
        return .string(String(result))
    }

    /// A quoted text of protocol 0: bytes with Python's escapes, mostly UTF-8.
    private func quoted(_ line: ArraySlice<UInt8>, _ start: Int) throws -> PickleValue {
        let quotes = [UInt8(ascii: "'"), UInt8(ascii: "\"")]
        guard line.count >= 2, let quote = line.first, quotes.contains(quote), line.last == quote
        else { throw error("a quoted text is expected", start) }
        var rest = line.dropFirst().dropLast()
        guard rest.contains(UInt8(ascii: "\\")) else { return Self.text(rest) }
        var result: [UInt8] = []
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
                result.append(byte)
                continue
            }
            switch kind {
            case UInt8(ascii: "x"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else {
                    throw error("a wrong escape in a text", start)
                }
                rest = rest.dropFirst(2)
                result.append(value)
            case UInt8(ascii: "n"): result.append(0x0a)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "r"): result.append(0x0d)
            default: result.append(kind)
            }
        }
        return Self.text(result)
    }
}
