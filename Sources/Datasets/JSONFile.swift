import Files

/// Reading of large JSON files of other forms than an array of records, value by value.
public enum JSONFile {
    /// Reads a list of texts, the names of an object, or the texts of a field of records, which may
    /// each have a list of them.
    /// - Throws: ``AnnotationError``, and what `body` throws
    public static func readTexts(
        path: String, field: String, _ body: (String) throws -> Void
    ) throws {
        do {
            let document = try JSONDocument(path: path)
            var isOfRecords = false
            func text(_ range: Range<Int>, record: Int?) throws -> String {
                var scanner = document.scanner(range)
                if scanner.peek() == UInt8(ascii: "\""), let text = scanner.text(range) {
                    return text
                }
                throw JSONError.invalid(
                    JSONProblem(
                        record: record, field: "", expected: "a text",
                        found: document.description(of: range)))
            }
            try document.scan { scanner in
                if scanner.peek() == UInt8(ascii: "{") {
                    try scanner.members { scanner, key in
                        try scanner.value()
                        try body(try text(key, record: nil))
                    }
                    return
                }
                var count = 0
                try scanner.elements { scanner in
                    if scanner.peek() == UInt8(ascii: "{") {
                        isOfRecords = true
                        try scanner.value()
                    } else {
                        try body(try text(scanner.value(), record: count))
                    }
                    count += 1
                }
            }
            guard isOfRecords else { return }
            let file = try RecordFile(document, path: path)
            for index in 0..<file.count { try file[index].texts(field)?.forEach(body) }
        } catch let error as JSONError {
            throw AnnotationError(error, file: path)
        }
    }

    /// Reads an object of number lists, each wrapped in any number of lists. A number that is none
    /// (`NaN`, `Infinity`) is read as such.
    /// - Throws: ``AnnotationError``, and what `body` throws
    public static func readNumberLists(
        path: String, _ body: (_ name: String, _ numbers: [Float]) throws -> Void
    ) throws {
        do {
            let document = try JSONDocument(path: path)
            try document.scan { scanner in
                try scanner.members { scanner, key in
                    guard let name = scanner.text(key) else {
                        throw JSONError.invalid(
                            JSONProblem(
                                record: nil, field: "", expected: "an object whose names are texts",
                                found: document.description(of: key)))
                    }
                    var numbers: [Float] = []
                    try document.appendNumbers(&scanner, to: &numbers, of: name)
                    try body(name, numbers)
                }
            }
        } catch let error as JSONError {
            throw AnnotationError(error, file: path)
        }
    }
}

extension JSONDocument {
    /// Takes a number or a list, nested or not, and appends its numbers.
    fileprivate func appendNumbers(
        _ scanner: inout JSONScanner, to numbers: inout [Float], of name: String
    ) throws {
        if scanner.peek() == UInt8(ascii: "[") {
            return try scanner.elements { try appendNumbers(&$0, to: &numbers, of: name) }
        }
        let range = try scanner.value()
        guard let number = Float(String(decoding: bytes[range], as: UTF8.self)) else {
            throw JSONError.invalid(
                JSONProblem(
                    record: nil, field: name, expected: "a list of numbers",
                    found: description(of: range)))
        }
        numbers.append(number)
    }
}
