import Foundation

/// Reading of large JSON files of other forms than an array of records, value by value.
public enum JSONFile {
    /// Reads a list of texts, the names of an object, or the texts of a field of records, which may
    /// each have a list of them.
    /// - Throws: ``AnnotationError``, and what `body` throws
    public static func readTexts(
        path: String, field: String, _ body: (String) throws -> Void
    ) throws {
        try scan(path) { scanner in
            if scanner.peek() == UInt8(ascii: "{") {
                try scanner.members { scanner, key in
                    _ = try scanner.value()
                    try body(try scanner.decoded(key))
                }
                return
            }
            var isOfRecords = false
            try scanner.elements { scanner in
                if scanner.peek() == UInt8(ascii: "{") {
                    isOfRecords = true
                    _ = try scanner.value()
                } else {
                    try body(try scanner.decoded(scanner.string()))
                }
            }
            guard isOfRecords else { return }
            let file = try RecordFile(path: path)
            for index in 0..<file.count { try file[index].texts(field)?.forEach(body) }
        }
    }

    /// Reads an object of number lists, each wrapped in any number of lists.
    /// - Throws: ``AnnotationError``, and what `body` throws
    public static func readNumberLists(
        path: String, _ body: (_ name: String, _ numbers: [Float]) throws -> Void
    ) throws {
        try scan(path) { scanner in
            try scanner.members { scanner, key in
                var numbers: [Float] = []
                try scanner.numbers(into: &numbers)
                try body(try scanner.decoded(key), numbers)
            }
        }
    }

    private static func scan(_ path: String, _ body: (inout JSONScanner) throws -> Void) throws {
        let data = try RecordFile.mapped(path)
        var scanner = JSONScanner(
            UnsafeRawBufferPointer(start: data.bytes, count: data.length), 0..<data.length)
        do {
            try body(&scanner)
        } catch let error as JSONScanner.Malformed {
            throw AnnotationError.malformed(
                file: path, reason: "\(error.reason) at byte \(error.offset)")
        }
    }
}

extension JSONScanner {
    /// Takes a number or a list, nested or not, and appends its numbers.
    fileprivate mutating func numbers(into numbers: inout [Float]) throws {
        if peek() == UInt8(ascii: "[") {
            try elements { try $0.numbers(into: &numbers) }
            return
        }
        let start = position
        while position < end, "+-.0123456789eE".utf8.contains(bytes[position]) { position += 1 }
        let text = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
        guard let number = Float(String(decoding: text, as: UTF8.self)) else {
            throw malformed("a number is expected")
        }
        numbers.append(number)
    }
}
