import Files
import Foundation
import Torch

/// A TensorBoard event file with scalar summaries.
///
/// Three small messages are all of the format that scalars need, so they are written here field by
/// field instead of through generated code.
public final class EventFile {
    /// Beginning of the names of such files.
    static let prefix = "events.out.tfevents."

    private let handle: FileHandle
    /// Where the file lies.
    public let path: String

    /// Creates a file of a run that starts now.
    /// - Throws: `FileWritingError`
    public init(directory: String, startedAt time: Date = Date()) throws {
        let name =
            "\(Self.prefix)\(Int(time.timeIntervalSince1970)).\(ProcessInfo.processInfo.processIdentifier)"
        path = (directory as NSString).appendingPathComponent(name)
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw FileWritingError(path: path, reason: String(cString: strerror(errno))) }
        self.handle = handle
        var event = ProtobufMessage()
        event.append(1, time.timeIntervalSince1970)
        event.append(3, "brain.Event:2")
        try write(event)
    }

    deinit { try? handle.close() }

    /// Adds the values of a step.
    /// - Throws: `FileWritingError`
    public func add(_ scalars: [(name: String, value: Double)], step: Int, at time: Date = Date())
        throws
    {
        var summary = ProtobufMessage()
        for (name, scalar) in scalars {
            var value = ProtobufMessage()
            value.append(1, name)
            value.append(2, Float(scalar))
            summary.append(1, value)
        }
        var event = ProtobufMessage()
        event.append(1, time.timeIntervalSince1970)
        event.append(2, UInt64(step))
        event.append(5, summary)
        try write(event)
    }

    /// A record: length, its checksum, the bytes, their checksum.
    private func write(_ message: ProtobufMessage) throws {
        var length = Data()
        length.append(littleEndian: UInt64(message.bytes.count))
        var record = length
        record.append(littleEndian: MaskedCRC32C.of(length))
        record.append(message.bytes)
        record.append(littleEndian: MaskedCRC32C.of(message.bytes))
        do {
            try handle.write(contentsOf: record)
        } catch {
            throw FileWritingError(path: path, error)
        }
    }
}

/// The bytes of a protocol buffer message.
private struct ProtobufMessage {
    private(set) var bytes = Data()

    mutating func append(_ field: UInt64, _ value: UInt64) {
        append(varint: field << 3)
        append(varint: value)
    }

    mutating func append(_ field: UInt64, _ value: Double) {
        append(varint: field << 3 | 1)
        bytes.append(littleEndian: value.bitPattern)
    }

    mutating func append(_ field: UInt64, _ value: Float) {
        append(varint: field << 3 | 5)
        bytes.append(littleEndian: value.bitPattern)
    }

    mutating func append(_ field: UInt64, _ value: String) { append(field, Data(value.utf8)) }

    mutating func append(_ field: UInt64, _ value: ProtobufMessage) { append(field, value.bytes) }

    private mutating func append(_ field: UInt64, _ value: Data) {
        append(varint: field << 3 | 2)
        append(varint: UInt64(value.count))
        bytes.append(value)
    }

    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// The checksum of TensorFlow's record files.
private enum MaskedCRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
    }

    static func of(_ data: Data) -> UInt32 {
        let crc = ~data.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 0xff)] ^ $0 >> 8 }
        return (crc >> 15 | crc << 17) &+ 0xa282_ead8
    }
}

extension Data {
    fileprivate mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
