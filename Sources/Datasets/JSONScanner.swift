import Foundation

/// Walks over JSON text (RFC 8259) in memory without building its values.
struct JSONScanner {
    /// What is wrong, and at which byte.
    struct Malformed: Error {
        let reason: String
        let offset: Int
    }

    /// Values inside of values that are followed.
    private static let mostDepth = 200

    let bytes: UnsafeRawBufferPointer
    var position: Int
    let end: Int

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next byte that is no white space, not taken.
    mutating func peek() -> UInt8? {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Takes a character that must stand here.
    mutating func expect(_ character: Unicode.Scalar) throws {
        guard peek() == UInt8(ascii: character) else {
            throw malformed("'\(character)' is expected")
        }
        position += 1
    }

    /// Takes a character if it stands here.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Takes a value and returns where it stood.
    mutating func value(depth: Int = 0) throws -> Range<Int> {
        guard depth < Self.mostDepth else { throw malformed("values are nested too deeply") }
        let first = peek()
        let start = position
        switch first {
        case UInt8(ascii: "{"):
            try members { scanner, _ in _ = try scanner.value(depth: depth + 1) }
        case UInt8(ascii: "["): try elements { _ = try $0.value(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        case .some(UInt8(ascii: "-")), .some(0x30...0x39): try number()
        case nil: throw malformed("it ends too early")
        default: throw malformed("a value is expected")
        }
        return start..<position
    }

    /// Takes an object; `body` takes each value and gets the place of its key, quotes included.
    mutating func members(_ body: (inout JSONScanner, Range<Int>) throws -> Void) throws {
        try expect("{")
        if take("}") { return }
        repeat {
            _ = peek()
            let key = try string()
            try expect(":")
            try body(&self, key)
        } while take(",")
        try expect("}")
    }

    /// Takes an array; `body` takes each element.
    mutating func elements(_ body: (inout JSONScanner) throws -> Void) throws {
        try expect("[")
        if take("]") { return }
        repeat { try body(&self) } while take(",")
        try expect("]")
    }

    /// Takes a string and returns its place, quotes included.
    mutating func string() throws -> Range<Int> {
        let start = position
        guard position < end, bytes[position] == UInt8(ascii: "\"") else {
            throw malformed("a string is expected")
        }
        position += 1
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position
            case UInt8(ascii: "\\"): position += 2
            case ..<0x20: throw malformed("a control character stands in a string")
            default: position += 1
            }
        }
        throw malformed("a string does not end")
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
        let start = position
        while position < end, "+-.0123456789eE".utf8.contains(bytes[position]) { position += 1 }
        guard Double(text(start..<position)) != nil else {
            throw malformed("a number is malformed")
        }
    }

    func malformed(_ reason: String) -> Malformed { Malformed(reason: reason, offset: position) }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    /// The text of a string at a place that ``string()`` gave.
    func decoded(_ range: Range<Int>) throws -> String {
        let content = UnsafeRawBufferPointer(rebasing: bytes[range].dropFirst().dropLast())
        guard content.contains(UInt8(ascii: "\\")) else {
            guard let text = String(validating: content, as: UTF8.self) else {
                throw Malformed(reason: "a text is not UTF-8", offset: range.lowerBound)
            }
            return text
        }
        do {
            return try JSONDecoder().decode(
                String.self, from: Data(bytes[range]))
        } catch {
            throw Malformed(reason: "a text has a wrong escape", offset: range.lowerBound)
        }
    }
}
