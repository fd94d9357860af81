/// Walks over JSON text in memory without building its values.
///
/// Reads what Python's `json` reads: RFC 8259 and the numbers `NaN`, `Infinity` and `-Infinity`.
/// Bytes that are no UTF-8 are an error only where their text is asked for.
public struct JSONScanner {
    /// What is wrong, and at which byte.
    struct Malformed: Error {
        let reason: String
        let offset: Int
    }

    /// Values inside of values that are followed; each level takes some of the stack.
    private static let mostDepth = 200

    /// The text.
    let bytes: UnsafeRawBufferPointer
    /// The next byte.
    var position: Int
    private let end: Int
    private var depth = 0

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next byte that is no white space, not taken.
    public mutating func peek() -> UInt8? {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Takes a character if it stands here.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Takes a value and returns where it stood.
    /// - Throws: an error that ``JSONDocument/scan(_:)`` understands
    @discardableResult
    public mutating func value() throws -> Range<Int> {
        let first = peek()
        let start = position
        switch first {
        case UInt8(ascii: "{"): try members { scanner, _ in try scanner.value() }
        case UInt8(ascii: "["): try elements { try $0.value() }
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
        return start..<position
    }

    /// Takes an object; `body` takes each value and gets the place of its key, quotes included.
    /// - Throws: an error that ``JSONDocument/scan(_:)`` understands, and what `body` throws
    public mutating func members(_ body: (inout JSONScanner, Range<Int>) throws -> Void) throws {
        try list("{", "}", "an object") { scanner in
            _ = scanner.peek()
            let key = try scanner.string()
            guard scanner.take(":") else { throw scanner.malformed("':' is expected after a name") }
            try body(&scanner, key)
        }
    }

    /// Takes an array; `body` takes each element.
    /// - Throws: an error that ``JSONDocument/scan(_:)`` understands, and what `body` throws
    public mutating func elements(_ body: (inout JSONScanner) throws -> Void) throws {
        try list("[", "]", "a list", body)
    }

    private mutating func list(
        _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, _ name: String,
        _ item: (inout JSONScanner) throws -> Void
    ) throws {
        guard take(opening) else { throw malformed("\(name) is expected") }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.mostDepth else { throw malformed("values are nested too deeply") }
        if take(closing) { return }
        while true {
            try item(&self)
            guard peek() != nil else { throw malformed("it ends inside of \(name)") }
            let comma = position
            guard take(",") else { break }
            if peek() == UInt8(ascii: closing) {
                throw Malformed(
                    reason: "nothing follows the comma before '\(closing)'", offset: comma)
            }
        }
        guard take(closing) else { throw malformed("',' or '\(closing)' is expected") }
    }

    /// Takes a string and returns its place, quotes included.
    /// - Throws: an error that ``JSONDocument/scan(_:)`` understands
    @discardableResult
    public mutating func string() throws -> Range<Int> {
        let start = position
        guard position < end, bytes[position] == UInt8(ascii: "\"") else {
            throw malformed("a text in double quotes is expected")
        }
        position += 1
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position
            case UInt8(ascii: "\\"): try escape()
            case ..<0x20: throw malformed("a control character stands in a text")
            default: position += 1
            }
        }
        throw Malformed(reason: "a text does not end", offset: start)
    }

    private mutating func escape() throws {
        let start = position
        let digits = 4
        position += 1
        guard position < end else { return }
        let kind = bytes[position]
        position += 1
        switch kind {
        case UInt8(ascii: "u"):
            guard position + digits <= end, hexadecimal(position, digits) != nil else {
                throw Malformed(reason: "'\\u' needs four hexadecimal digits", offset: start)
            }
            position += digits
        case _ where Self.escapes[kind] != nil: break
        default: throw Malformed(reason: "a text has an unknown escape", offset: start)
        }
    }

    private mutating func word(_ text: StaticString) throws {
        for index in 0..<text.utf8CodeUnitCount {
            guard position < end, bytes[position] == text.utf8Start[index] else {
                throw malformed("a value is expected")
            }
            position += 1
        }
    }

    private mutating func number() throws {
        guard position < end else { throw malformed("it ends too early") }
        if bytes[position] == UInt8(ascii: "N") { return try word("NaN") }
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if position < end, bytes[position] == UInt8(ascii: "I") { return try word("Infinity") }
        let hasLeadingZero = position < end && bytes[position] == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0 else {
            position = start
            throw malformed("a value is expected")
        }
        var isWhole = !hasLeadingZero || whole == 1
        if position < end, bytes[position] == UInt8(ascii: ".") {
            position += 1
            isWhole = digits() > 0 && isWhole
        }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < end, "+-".utf8.contains(bytes[position]) { position += 1 }
            isWhole = digits() > 0 && isWhole
        }
        guard isWhole else { throw Malformed(reason: "a number is malformed", offset: start) }
    }

    /// Takes digits and returns how many.
    private mutating func digits() -> Int {
        let start = position
        while position < end, (0x30...0x39).contains(bytes[position]) { position += 1 }
        return position - start
    }

    /// An error at the next byte.
    func malformed(_ reason: String) -> Malformed { Malformed(reason: reason, offset: position) }

    // MARK: Texts

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5c, UInt8(ascii: "/"): 0x2f,
        UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0c, UInt8(ascii: "n"): 0x0a,
        UInt8(ascii: "r"): 0x0d, UInt8(ascii: "t"): 0x09,
    ]

    /// The text of a string at a place that ``string()`` gave, nil if it is not UTF-8.
    ///
    /// Half a surrogate pair, which no UTF-8 text can hold, becomes U+FFFD.
    public func text(_ range: Range<Int>) -> String? {
        let content = range.dropFirst().dropLast()
        let raw = UnsafeRawBufferPointer(rebasing: bytes[content])
        guard raw.contains(UInt8(ascii: "\\")) else {
            return String(validating: raw, as: UTF8.self)
        }
        var result: [UInt8] = []
        result.reserveCapacity(raw.count)
        var index = content.lowerBound
        while index < content.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                result.append(bytes[index])
                index += 1
                continue
            }
            if let byte = Self.escapes[bytes[index + 1]] {
                result.append(byte)
                index += 2
                continue
            }
            var unit = hexadecimal(index + 2, 4) ?? 0
            index += 6
            if 0xd800...0xdbff ~= unit, index + 6 <= content.upperBound,
                bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u"),
                let low = hexadecimal(index + 2, 4), 0xdc00...0xdfff ~= low
            {
                unit = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
                index += 6
            }
            result.append(contentsOf: String(Unicode.Scalar(unit) ?? "\u{fffd}").utf8)
        }
        return String(validating: result, as: UTF8.self)
    }

    private func hexadecimal(_ start: Int, _ count: Int) -> UInt32? {
        var value: UInt32 = 0
        for index in start..<start + count {
            switch bytes[index] {
            case let byte where 0x30...0x39 ~= byte: value = value << 4 + UInt32(byte - 0x30)
            case let byte where 0x61...0x66 ~= byte | 0x20:
                value = value << 4 + UInt32(byte | 0x20 - 0x57)
            default: return nil
            }
        }
        return value
    }
}
