import Files
import Foundation

/// A JSON array of records, mapped into memory: takes 12 bytes a record beside the file itself,
/// however large it is. Records keep every field, also those that this program does not know.
public final class RecordFile: Sendable {
    /// Where the file lies.
    public let path: String
    fileprivate let document: JSONDocument
    private let starts: [Int]
    private let lengths: [Int32]

    /// Opens a file and finds its records.
    /// - Throws: ``AnnotationError``
    public convenience init(path: String) throws {
        do {
            try self.init(JSONDocument(path: path), path: path)
        } catch let error as JSONError {
            throw AnnotationError(error, file: path)
        }
    }

    /// Finds the records of a file.
    /// - Throws: `JSONError`, ``AnnotationError``
    init(_ document: JSONDocument, path: String) throws {
        self.document = document
        self.path = path
        var starts: [Int] = []
        var lengths: [Int32] = []
        func invalid(_ range: Range<Int>, _ record: Int?, _ expected: String) -> JSONError {
            .invalid(
                JSONProblem(
                    record: record, field: "", expected: expected,
                    found: document.description(of: range)))
        }
        try document.scan { scanner in
            guard scanner.peek() == UInt8(ascii: "[") else {
                throw invalid(try scanner.value(), nil, "a list of records")
            }
            try scanner.elements { scanner in
                let record = try scanner.value()
                guard document.bytes[record.lowerBound] == UInt8(ascii: "{") else {
                    throw invalid(record, starts.count, "an object")
                }
                guard let length = Int32(exactly: record.count) else {
                    throw JSONError.invalid(
                        JSONProblem(
                            record: starts.count, field: "", expected: "smaller than 2 GiB",
                            found: "one of \(record.count) bytes"))
                }
                starts.append(record.lowerBound)
                lengths.append(length)
            }
        }
        self.starts = starts
        self.lengths = lengths
    }

    /// Number of records.
    public var count: Int { starts.count }

    /// A record as a value.
    /// - Throws: ``AnnotationError``
    public func record<Record: Decodable>(_ type: Record.Type, at index: Int) throws -> Record {
        do {
            return try document.decode(
                type, at: starts[index]..<starts[index] + Int(lengths[index]), record: index)
        } catch let error as JSONError {
            throw AnnotationError(error, file: path)
        }
    }

    /// A record by its number.
    public subscript(index: Int) -> RawRecord {
        RawRecord(
            file: self, index: index, range: starts[index]..<starts[index] + Int(lengths[index]))
    }
}

/// A record as it stands in its file.
public struct RawRecord: Sendable {
    /// The file.
    public let file: RecordFile
    /// Number of the record in its file.
    public let index: Int
    private let range: Range<Int>

    fileprivate init(file: RecordFile, index: Int, range: Range<Int>) {
        self.file = file
        self.index = index
        self.range = range
    }

    /// The text of a field, nil where there is none.
    /// - Throws: ``AnnotationError/invalidValue(file:_:)`` for another type,
    ///   ``AnnotationError/invalidText(file:record:field:)`` for a text that is not UTF-8
    public func text(_ field: String) throws -> String? {
        try texts(field, "a text", allowsList: false)?.first
    }

    /// The text or the texts of a field, nil where there is none.
    /// - Throws: ``AnnotationError/invalidValue(file:_:)`` for another type,
    ///   ``AnnotationError/invalidText(file:record:field:)`` for a text that is not UTF-8
    public func texts(_ field: String) throws -> [String]? {
        try texts(field, "a text or a list of texts", allowsList: true)
    }

    private func texts(_ field: String, _ expected: String, allowsList: Bool) throws -> [String]? {
        guard let range = value(of: field) else { return nil }
        var texts: [String] = []
        func add(_ scanner: inout JSONScanner, _ place: String) throws {
            let isText = scanner.peek() == UInt8(ascii: "\"")
            let range = try scanner.value()
            guard isText else { throw invalid(place, expected, range) }
            guard let text = scanner.text(range) else {
                throw AnnotationError.invalidText(file: file.path, record: index, field: place)
            }
            texts.append(text)
        }
        var scanner = file.document.scanner(range)
        if allowsList, scanner.peek() == UInt8(ascii: "[") {
            try scanner.elements { try add(&$0, "\(field)[\(texts.count)]") }
        } else {
            try add(&scanner, field)
        }
        return texts
    }

    private func invalid(_ field: String, _ expected: String, _ range: Range<Int>?)
        -> AnnotationError
    {
        .invalidValue(
            file: file.path,
            JSONProblem(
                record: index, field: field, expected: expected,
                found: range.map(file.document.description)))
    }

    /// The error of a field that holds nothing usable, or is missing.
    public func problem(_ field: String, expected: String) -> AnnotationError {
        invalid(field, expected, value(of: field))
    }

    /// Whether a field holds a list.
    public func isList(_ field: String) -> Bool {
        value(of: field).map { file.document.bytes[$0.lowerBound] == UInt8(ascii: "[") }
            ?? false
    }

    /// The names of the images of the record: `image`, or all of `images` (NLVR2).
    /// - Throws: ``AnnotationError/invalidValue(file:_:)``
    public func imageNames() throws -> [String] {
        let names = try text("image").map { [$0] } ?? texts("images") ?? []
        guard !names.isEmpty, names.allSatisfy({ !$0.isEmpty }) else {
            throw problem("image", expected: "a path (or images, a list of paths)")
        }
        return names
    }

    /// The record with some fields set, as JSON; the other fields stay as they were written.
    public func json(setting changes: [(field: String, value: JSONText)]) -> [UInt8] {
        var result: [UInt8] = [UInt8(ascii: "{")]
        func add(_ key: some Sequence<UInt8>, _ value: some Sequence<UInt8>) {
            if result.count > 1 { result.append(contentsOf: ", ".utf8) }
            result.append(contentsOf: key)
            result.append(contentsOf: ": ".utf8)
            result.append(contentsOf: value)
        }
        let bytes = file.document.bytes
        for field in fields
        where !changes.contains(where: { ExactString($0.field) == field.name }) {
            add(bytes[field.key], bytes[field.value])
        }
        for change in changes { add(JSONText(change.field).bytes, change.value.bytes) }
        result.append(UInt8(ascii: "}"))
        return result
    }

    private func value(of field: String) -> Range<Int>? {
        let name = ExactString(field)
        // As Python has it, the last of several counts.
        return fields.last { $0.name == name }?.value
    }

    private struct Field {
        /// nil for a name that is no UTF-8 text.
        let name: ExactString?
        let key: Range<Int>
        let value: Range<Int>
    }

    private var fields: [Field] {
        var scanner = file.document.scanner(range)
        var fields: [Field] = []
        // The scan cannot fail: the file was checked as it was opened.
        try? scanner.members { scanner, key in
            fields.append(
                Field(
                    name: scanner.text(key).map { ExactString($0) }, key: key,
                    value: try scanner.value()))
        }
        return fields
    }
}

/// A value written as JSON.
public struct JSONText: Sendable {
    let bytes: [UInt8]

    /// A text.
    public init(_ text: String) {
        var bytes = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case ..<0x20: bytes.append(contentsOf: String(format: "\\u%04x", byte).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        self.bytes = bytes
    }

    /// A list of values.
    public init(listing values: [JSONText]) {
        bytes =
            [UInt8(ascii: "[")] + Array(values.map(\.bytes).joined(separator: ", ".utf8))
            + [UInt8(ascii: "]")]
    }

    /// A number, written with as few digits as bring it back; null for one that is not finite, which
    /// JSON does not know.
    public init(_ number: Float) { bytes = Array((number.isFinite ? "\(number)" : "null").utf8) }
}
