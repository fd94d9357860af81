import Foundation

/// A JSON file in memory, as UTF-8 whatever its encoding was: the one way in which files of other
/// programs are read.
///
/// UTF-8, UTF-16 and UTF-32 are told apart as Python's `json` does, with or without a byte order
/// mark. Of a name that an object has twice, the last value counts.
public final class JSONDocument: @unchecked Sendable {
    // Unchecked: nothing changes after the initialiser.

    private let storage: NSData
    private let start: Int

    /// Maps a file into memory; one that is not UTF-8 is read and converted.
    /// - Throws: ``JSONError``
    public convenience init(path: String) throws {
        try self.init(Self.mapped(path))
    }

    /// Maps a file. Foundation reads it instead, whatever it is asked for.
    private static func mapped(_ path: String) throws -> NSData {
        func failure() -> JSONError {
            .unreadable(
                reason: errno == ENOENT ? "there is no such file" : String(cString: strerror(errno))
            )
        }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure() }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure() }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
            // What has no size can only be read: a pipe, an empty file; a directory says what it is.
            do {
                return try NSData(contentsOfFile: path)
            } catch {
                throw JSONError.unreadable(reason: FileWritingError.describe(error))
            }
        }
        let size = Int(status.st_size)
        guard let place = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), place != MAP_FAILED
        else { throw failure() }
        return NSData(bytesNoCopy: place, length: size) { munmap($0, $1) }
    }

    /// Takes the contents of a file.
    /// - Throws: ``JSONError/malformed(reason:line:column:record:)`` for a cut UTF-16 or UTF-32 text
    public init(_ data: NSData) throws {
        let encoding = TextEncoding(
            of: UnsafeRawBufferPointer(start: data.bytes, count: data.length))
        let content = UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(start: data.bytes, count: data.length)[
                encoding.markLength...])
        guard content.count.isMultiple(of: encoding.unitSize) else {
            throw JSONError.malformed(
                reason: "it ends inside of a character of \(encoding.name)", line: 1, column: 1,
                record: nil)
        }
        if encoding.unitSize == 1 {
            storage = data
            start = encoding.markLength
        } else {
            storage = encoding.utf8(content) as NSData
            start = 0
        }
    }

    /// The text, without a byte order mark.
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(start: storage.bytes, count: storage.length)[start...])
    }

    /// A scanner of the value at a place.
    public func scanner(_ range: Range<Int>) -> JSONScanner { JSONScanner(bytes, range) }

    /// Walks over the whole text, after which nothing may follow.
    /// - Throws: ``JSONError``, and what `body` throws
    public func scan(_ body: (inout JSONScanner) throws -> Void) throws {
        var records: Int?
        var scanner = scanner(0..<bytes.count)
        do {
            if scanner.peek() == UInt8(ascii: "[") { records = 0 }
            try body(&scanner)
            guard scanner.peek() == nil else {
                throw scanner.malformed("something follows the end of the value")
            }
        } catch let error as JSONScanner.Malformed {
            if records != nil { records = recordCount(before: error.offset) }
            let (line, column) = position(of: error.offset)
            throw JSONError.malformed(
                reason: error.reason, line: line, column: column, record: records)
        }
    }

    /// Elements of the outermost array that end before a place.
    private func recordCount(before offset: Int) -> Int {
        var count = 0
        var scanner = scanner(0..<min(offset, bytes.count))
        try? scanner.elements {
            try $0.value()
            count += 1
        }
        return count
    }

    /// Line and column of a byte, both from 1.
    private func position(of offset: Int) -> (line: Int, column: Int) {
        let before = bytes.prefix(offset)
        let line = 1 + before.count { $0 == UInt8(ascii: "\n") }
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        // Bytes that go on with a character are no columns.
        return (line, 1 + before[lineStart...].count { $0 & 0xc0 != 0x80 })
    }

    /// Builds a value of the whole text.
    /// - Throws: ``JSONError``
    public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        var whole = 0..<0
        try scan { whole = try $0.value() }
        return try decode(type, at: whole, JSONPlace())
    }

    /// Builds the value of a record, whose place a walk over the whole text has found.
    /// - Throws: ``JSONError``
    public func decode<Value: Decodable>(_ type: Value.Type, at range: Range<Int>, record: Int)
        throws -> Value
    {
        try decode(type, at: range, JSONPlace(JSONPlace(), .index(record)))
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, at range: Range<Int>, _ place: JSONPlace
    ) throws -> Value {
        let root = JSONValueDecoder(document: self, range: range, place: place)
        do {
            return try root.decode(type)
        } catch let error as JSONMismatch {
            throw JSONError.invalid(error.problem(in: self))
        } catch let error as DecodingError {
            throw JSONError.invalid(root.problem(of: error))
        }
    }

    /// What stands at a place, in words.
    public func description(of range: Range<Int>) -> String {
        var scanner = scanner(range)
        let longest = 40
        func shortened(_ text: String) -> String {
            // Scalars: characters of many marks would take long to compare.
            let start = text.unicodeScalars.prefix(longest).map { $0.value < 0x20 ? " " : $0 }
            return String(String.UnicodeScalarView(start))
                + (text.unicodeScalars.dropFirst(longest).isEmpty ? "" : "…")
        }
        switch scanner.peek() {
        case UInt8(ascii: "{"): return "an object"
        case UInt8(ascii: "["):
            var count = 0
            try? scanner.elements {
                try $0.value()
                count += 1
            }
            return count == 0 ? "an empty list" : "a list of \(count)"
        case UInt8(ascii: "\""):
            return scanner.text(range).map { "the text '\(shortened($0))'" }
                ?? "bytes that are no UTF-8 text"
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "N"):
            return String(decoding: bytes[range], as: UTF8.self)
        default: return "the number \(shortened(String(decoding: bytes[range], as: UTF8.self)))"
        }
    }
}

/// How the characters of a text file are written.
private struct TextEncoding {
    let name: String
    /// Bytes of a code unit.
    let unitSize: Int
    let isBigEndian: Bool
    /// Bytes of the byte order mark.
    let markLength: Int

    init(of bytes: UnsafeRawBufferPointer) {
        let first = Array(bytes.prefix(4))
        func encoding(_ bits: Int, _ isBigEndian: Bool, mark: Int) -> Self {
            Self(
                name: "UTF-\(bits)", unitSize: bits / 8, isBigEndian: isBigEndian, markLength: mark)
        }
        if first.starts(with: [0xef, 0xbb, 0xbf]) {
            self = encoding(8, false, mark: 3)
        } else if first == [0x00, 0x00, 0xfe, 0xff] {
            self = encoding(32, true, mark: 4)
        } else if first == [0xff, 0xfe, 0x00, 0x00] {
            self = encoding(32, false, mark: 4)
        } else if first.starts(with: [0xfe, 0xff]) {
            self = encoding(16, true, mark: 2)
        } else if first.starts(with: [0xff, 0xfe]) {
            self = encoding(16, false, mark: 2)
        } else if first.count >= 2, first[0] == 0 {
            // JSON starts with an ASCII character, whose other bytes are zero.
            self = encoding(first[1] == 0 ? 32 : 16, true, mark: 0)
        } else if first.count >= 2, first[1] == 0 {
            self = encoding(
                first.count == 4 && first[2] == 0 && first[3] == 0 ? 32 : 16, false, mark: 0)
        } else {
            self = encoding(8, false, mark: 0)
        }
    }

    private init(name: String, unitSize: Int, isBigEndian: Bool, markLength: Int) {
        self.name = name
        self.unitSize = unitSize
        self.isBigEndian = isBigEndian
        self.markLength = markLength
    }

    /// The text in UTF-8, with U+FFFD for what is no character.
    func utf8(_ content: UnsafeRawBufferPointer) -> Data {
        var result = Data()
        func append(_ byte: UInt8) { result.append(byte) }
        func unit<Unit: FixedWidthInteger>(_ index: Int, _ type: Unit.Type) -> Unit {
            let unit = content.loadUnaligned(fromByteOffset: index * unitSize, as: type)
            return isBigEndian ? Unit(bigEndian: unit) : Unit(littleEndian: unit)
        }
        let count = content.count / unitSize
        if unitSize == 2 {
            let units = (0..<count).lazy.map { unit($0, UInt16.self) }
            _ = transcode(
                units.makeIterator(), from: UTF16.self, to: UTF8.self, stoppingOnError: false,
                into: append)
        } else {
            let units = (0..<count).lazy.map { unit($0, UInt32.self) }
            _ = transcode(
                units.makeIterator(), from: UTF32.self, to: UTF8.self, stoppingOnError: false,
                into: append)
        }
        return result
    }
}
