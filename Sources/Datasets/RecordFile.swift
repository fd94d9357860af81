import Foundation

/// A JSON array of records, mapped into memory: takes 12 bytes a record beside the file itself,
/// however large it is. Records keep every field, also those that this program does not know.
public final class RecordFile: @unchecked Sendable {
    // Unchecked: nothing changes after the initialiser; the mapping is read-only.

    /// Where the file lies.
    public let path: String
    fileprivate let mapping: NSData
    private let starts: [Int]
    private let lengths: [Int32]

    /// Opens a file and finds its records.
    /// - Throws: ``AnnotationError``
    public init(path: String) throws {
        self.path = path
        mapping = try Self.mapped(path)
        var starts: [Int] = []
        var lengths: [Int32] = []
        var scanner = JSONScanner(
            UnsafeRawBufferPointer(start: mapping.bytes, count: mapping.length),
            0..<mapping.length)
        do {
            try scanner.elements { scanner in
                let record = try scanner.value()
                guard scanner.bytes[record.lowerBound] == UInt8(ascii: "{"),
                    let length = Int32(exactly: record.count)
                else { throw scanner.malformed("a record is expected") }
                starts.append(record.lowerBound)
                lengths.append(length)
            }
            guard scanner.peek() == nil else {
                throw scanner.malformed("something follows the array")
            }
        } catch let error as JSONScanner.Malformed {
            throw AnnotationError.malformed(
                file: path,
                reason: "\(error.reason) at byte \(error.offset), in record \(starts.count)")
        }
        self.starts = starts
        self.lengths = lengths
    }

    /// The bytes of a file without reading them.
    static func mapped(_ path: String) throws -> NSData {
        do {
            return try NSData(contentsOfFile: path, options: .alwaysMapped)
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            throw AnnotationError.unreadable(
                file: path,
                reason: exists ? (error as NSError).localizedDescription : "there is no such file")
        }
    }

    /// Number of records.
    public var count: Int { starts.count }

    /// A record by its number.
    public subscript(index: Int) -> RawRecord {
        RawRecord(
            file: self, index: index, range: starts[index]..<starts[index] + Int(lengths[index]))
    }

    fileprivate var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: mapping.bytes, count: mapping.length)
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
    /// - Throws: ``AnnotationError/invalidRecord(file:record:field:expected:)`` for another type,
    ///   ``AnnotationError/invalidText(file:record:field:)`` for a text that is not UTF-8
    public func text(_ field: String) throws -> String? {
        guard let texts = try texts(field, allowsList: false) else { return nil }
        return texts.first
    }

    /// The text or the texts of a field, nil where there is none.
    /// - Throws: ``AnnotationError/invalidRecord(file:record:field:expected:)`` for another type,
    ///   ``AnnotationError/invalidText(file:record:field:)`` for a text that is not UTF-8
    public func texts(_ field: String) throws -> [String]? { try texts(field, allowsList: true) }

    private func texts(_ field: String, allowsList: Bool) throws -> [String]? {
        let expected = allowsList ? "a text or a list of texts" : "a text"
        func decoded(_ scanner: JSONScanner, _ range: Range<Int>) throws -> String {
            do {
                return try scanner.decoded(range)
            } catch {
                throw AnnotationError.invalidText(file: file.path, record: index, field: field)
            }
        }
        do {
            guard let value = try value(of: field) else { return nil }
            var scanner = JSONScanner(file.bytes, value)
            var texts: [String] = []
            if allowsList, scanner.peek() == UInt8(ascii: "[") {
                try scanner.elements {
                    _ = $0.peek()
                    texts.append(try decoded($0, $0.string()))
                }
            } else {
                texts.append(try decoded(scanner, scanner.string()))
            }
            return texts
        } catch is JSONScanner.Malformed {
            throw AnnotationError.invalidRecord(
                file: file.path, record: index, field: field, expected: expected)
        }
    }

    /// Whether a field holds a list.
    /// - Throws: ``AnnotationError/invalidRecord(file:record:field:expected:)``
    public func isList(_ field: String) throws -> Bool {
        try value(of: field).map { file.bytes[$0.lowerBound] == UInt8(ascii: "[") } ?? false
    }

    /// The names of the images of the record: `image`, or all of `images` (NLVR2).
    /// - Throws: ``AnnotationError/invalidRecord(file:record:field:expected:)``
    public func imageNames() throws -> [String] {
        let names = try text("image").map { [$0] } ?? texts("images") ?? []
        guard !names.isEmpty, names.allSatisfy({ !$0.isEmpty }) else {
            throw AnnotationError.invalidRecord(
                file: file.path, record: index, field: "image",
                expected: "a path (or images, a list of paths)")
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
        // The scan cannot fail: the file was checked as it was opened.
        for field in (try? fields()) ?? []
        where !changes.contains(where: { $0.field == field.name }) {
            add(file.bytes[field.key], file.bytes[field.value])
        }
        for change in changes { add(JSONText(change.field).bytes, change.value.bytes) }
        result.append(UInt8(ascii: "}"))
        return result
    }

    private func value(of field: String) throws -> Range<Int>? {
        try fields().last { $0.name == field }?.value
    }

    private struct Field {
        let name: String
        let key: Range<Int>
        let value: Range<Int>
    }

    private func fields() throws -> [Field] {
        var scanner = JSONScanner(file.bytes, range)
        var fields: [Field] = []
        try scanner.members { scanner, key in
            fields.append(
                Field(name: try scanner.decoded(key), key: key, value: try scanner.value()))
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
