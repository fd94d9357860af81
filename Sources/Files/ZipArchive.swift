import Foundation

/// Why a zip archive cannot be read.
public struct ZipError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The archive.
    public let path: String
    /// What is wrong.
    public let reason: String

    /// Which archive cannot be read, and why.
    public var description: String {
        "'\(path)' is no readable zip archive: \(reason). It may be truncated; copy it again."
    }
}

/// The files of a zip archive, mapped into memory; only files stored without compression, which is
/// what `torch.save` writes.
public final class ZipArchive {
    /// Where the archive lies.
    public let path: String
    private let mapping: NSData
    private let entries: [String: Entry]

    private struct Entry {
        let isStored: Bool
        let headerOffset: Int
        let size: Int
    }

    /// Signatures and sizes of the parts of an archive (PKWARE APPNOTE 6.3).
    private enum Format {
        static let localHeader: (signature: UInt32, size: Int) = (0x0403_4b50, 30)
        static let entry: (signature: UInt32, size: Int) = (0x0201_4b50, 46)
        static let end: (signature: UInt32, size: Int) = (0x0605_4b50, 22)
        static let largeEnd: (signature: UInt32, size: Int) = (0x0606_4b50, 56)
        static let largeLocator: (signature: UInt32, size: Int) = (0x0706_4b50, 20)
        static let largeFields: UInt16 = 1
    }

    /// Opens an archive and reads its directory.
    /// - Throws: ``ZipError``
    public init(path: String) throws {
        self.path = path
        do {
            mapping = try NSData(contentsOfFile: path, options: .alwaysMapped)
        } catch {
            throw ZipError(path: path, reason: FileWritingError.describe(error))
        }
        do {
            entries = try Self.directory(of: Bytes(data: mapping))
        } catch let error as Malformed {
            throw ZipError(path: path, reason: error.reason)
        }
    }

    /// Names of the files in alphabetical order.
    public var names: [String] { entries.keys.sorted() }

    /// The content of a file inside the archive, in the mapped memory: valid as long as the archive.
    /// - Throws: ``ZipError``
    public func bytes(of name: String) throws -> UnsafeRawBufferPointer {
        guard let entry = entries[name] else {
            throw ZipError(path: path, reason: "there is no file '\(name.excerpt())' in it")
        }
        guard entry.isStored else {
            throw ZipError(path: path, reason: "'\(name.excerpt())' is compressed")
        }
        do {
            let bytes = Bytes(data: mapping)
            let header = entry.headerOffset
            try bytes.expect(Format.localHeader.signature, at: header)
            let nameLength = Int(try bytes.number(UInt16.self, header + 26))
            let extraLength = Int(try bytes.number(UInt16.self, header + 28))
            let start = header + Format.localHeader.size + nameLength + extraLength
            guard start <= mapping.length, entry.size <= mapping.length - start else {
                throw Malformed(reason: "'\(name.excerpt())' reaches beyond its end")
            }
            return UnsafeRawBufferPointer(start: mapping.bytes + start, count: entry.size)
        } catch let error as Malformed {
            throw ZipError(path: path, reason: error.reason)
        }
    }

    /// A copy of the content of a file inside the archive.
    /// - Throws: ``ZipError``
    public func data(of name: String) throws -> Data {
        try withExtendedLifetime(self) { Data(try bytes(of: name)) }
    }

    private struct Malformed: Error { let reason: String }

    /// Little-endian numbers at offsets, checked against the end.
    private struct Bytes {
        let data: NSData

        func number<Number: FixedWidthInteger>(_ type: Number.Type, _ offset: Int) throws -> Number
        {
            guard offset >= 0, offset <= data.length - MemoryLayout<Number>.size else {
                throw Malformed(reason: "it ends too early")
            }
            return Number(
                littleEndian: data.bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
        }

        func size(_ offset: Int) throws -> Int {
            guard let size = Int(exactly: try number(UInt64.self, offset)) else {
                throw Malformed(reason: "a size is too large")
            }
            return size
        }

        func expect(_ signature: UInt32, at offset: Int) throws {
            guard try number(UInt32.self, offset) == signature else {
                throw Malformed(reason: "a header is missing at byte \(offset)")
            }
        }
    }

    private static func directory(of bytes: Bytes) throws -> [String: Entry] {
        // The end record is last, before a comment of at most 64 KiB.
        let last = bytes.data.length - Format.end.size
        let first = max(0, last - Int(UInt16.max))
        guard last >= 0,
            let end = try stride(from: last, through: first, by: -1).first(where: {
                try bytes.number(UInt32.self, $0) == Format.end.signature
            })
        else { throw Malformed(reason: "it has no directory at its end") }
        var count = Int(try bytes.number(UInt16.self, end + 10))
        var offset = Int(try bytes.number(UInt32.self, end + 16))
        let locator = end - Format.largeLocator.size
        if locator >= 0,
            try bytes.number(UInt32.self, locator) == Format.largeLocator.signature
        {
            let large = try bytes.size(locator + 8)
            try bytes.expect(Format.largeEnd.signature, at: large)
            count = try bytes.size(large + 32)
            offset = try bytes.size(large + 48)
        }
        var entries: [String: Entry] = [:]
        for _ in 0..<count {
            try bytes.expect(Format.entry.signature, at: offset)
            let nameLength = Int(try bytes.number(UInt16.self, offset + 28))
            let extraLength = Int(try bytes.number(UInt16.self, offset + 30))
            let commentLength = Int(try bytes.number(UInt16.self, offset + 32))
            let start = offset + Format.entry.size
            guard start + nameLength <= bytes.data.length else {
                throw Malformed(reason: "it ends too early")
            }
            let name = String(
                decoding: UnsafeRawBufferPointer(
                    start: bytes.data.bytes + start, count: nameLength), as: UTF8.self)
            entries[name] = try entry(
                bytes, at: offset, extra: start + nameLength..<start + nameLength + extraLength)
            offset = start + nameLength + extraLength + commentLength
        }
        return entries
    }

    /// Reads an entry of the directory; sizes that do not fit its fields stand in an extra field.
    private static func entry(_ bytes: Bytes, at offset: Int, extra: Range<Int>) throws -> Entry {
        let sizes = [20, 24, 42]
        var values = try sizes.map { Int(try bytes.number(UInt32.self, offset + $0)) }
        var field = extra.lowerBound
        while field + 4 <= extra.upperBound {
            let length = Int(try bytes.number(UInt16.self, field + 2))
            if try bytes.number(UInt16.self, field) == Format.largeFields {
                var position = field + 4
                // The uncompressed size comes before the compressed one there.
                for index in [1, 0, 2] where values[index] == Int(UInt32.max) {
                    values[index] = try bytes.size(position)
                    position += 8
                }
            }
            field += 4 + length
        }
        let method = try bytes.number(UInt16.self, offset + 10)
        guard values.allSatisfy({ $0 >= 0 && $0 <= bytes.data.length }) else {
            throw Malformed(reason: "a size is larger than the archive")
        }
        return Entry(
            isStored: method == 0 && values[0] == values[1], headerOffset: values[2],
            size: values[1])
    }
}
