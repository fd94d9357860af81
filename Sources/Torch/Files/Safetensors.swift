import Files
import Foundation

/// Why a safetensors file cannot be read or written.
public enum SafetensorsError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case malformed(path: String, reason: String)
    case otherForm(path: String, form: String, remedy: String)
    case missingTensor(path: String, key: String)
    case damaged(path: String, stated: String, found: String)
    case unwritable(path: String, reason: String)

    /// Which file cannot be read or written, and why.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read '\(path)': \(reason)"
        case .malformed(let path, let reason):
            "'\(path)' is no valid safetensors file: \(reason). It may be truncated; copy it again."
        case .otherForm(let path, let form, let remedy):
            "'\(path)' is \(form), but a safetensors file is expected. \(remedy)"
        case .missingTensor(let path, let key): "'\(path)' has no tensor '\(key.excerpt())'"
        case .damaged(let path, let stated, let found):
            "'\(path)' is damaged: the checksum of its bytes is \(found), not '\(stated.excerpt())' as when it was "
                + "written. Copy it again, or use another checkpoint."
        case .unwritable(let path, let reason):
            "cannot write '\(path)': \(reason). Nothing was changed there."
        }
    }
}

/// A safetensors file, mapped into memory: tensors take memory only as they are used.
public final class SafetensorsFile {
    private struct Item {
        let dtype: DType
        let shape: [Int]
        let bytes: Range<Int>
    }

    /// Largest header that is accepted, as in the reference implementation. bytes
    static let largestHeader = 100_000_000

    /// Where the file lies.
    public let path: String
    /// The strings stored beside the tensors.
    public let metadata: [String: String]
    private let items: [String: Item]
    private let mapping: NSData

    /// Opens a file and checks its header.
    /// - Throws: ``SafetensorsError``
    public init(path: String) throws {
        self.path = path
        do {
            mapping = try NSData(contentsOfFile: path, options: .alwaysMapped)
        } catch {
            throw SafetensorsError.unreadable(path: path, reason: describe(error))
        }
        if let form = WeightFileForm(path: path), form != .safetensors {
            throw SafetensorsError.otherForm(
                path: path, form: form.name, remedy: form.remedy(path: path))
        }
        (items, metadata) = try Self.header(of: mapping, path: path)
    }

    /// Keys in alphabetical order.
    public var keys: [String] { items.keys.sorted() }

    /// The shape of a tensor, nil where there is none of that key.
    public func shape(of key: String) -> [Int]? { items[key]?.shape }

    /// The tensor of a key, over the mapped memory: not to be changed in place.
    /// - Throws: ``SafetensorsError/missingTensor(path:key:)``
    public func tensor(_ key: String) throws -> Tensor {
        guard let item = items[key] else {
            throw SafetensorsError.missingTensor(path: path, key: key)
        }
        let bytes = UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(start: mapping.bytes, count: mapping.length)[
                item.bytes])
        let isAligned = Int(bitPattern: bytes.baseAddress) % item.dtype.byteCount == 0
        return isAligned && !bytes.isEmpty
            ? Tensor(borrowing: bytes, shape: item.shape, dtype: item.dtype, owner: mapping)
            : Tensor(bytes: bytes, shape: item.shape, dtype: item.dtype)
    }

    /// All tensors by key.
    /// - Throws: ``SafetensorsError``
    public func tensors() throws -> [String: Tensor] {
        try Dictionary(uniqueKeysWithValues: keys.map { ($0, try tensor($0)) })
    }

    /// Key of the checksum among the strings: over all bytes of the file, with zeros in its own place.
    static let checksumKey = "vicha.checksum"
    /// What stands in the place of the checksum while it is computed.
    fileprivate static let checksumPlace = String(repeating: "0", count: ContentChecksum.digits)

    /// Reads the whole file and compares it with the checksum that it was written with. A file of
    /// another program has none and passes.
    /// - Throws: ``SafetensorsError/damaged(path:stated:found:)``
    public func verifyChecksum() throws {
        guard let stated = metadata[Self.checksumKey] else { return }
        let bytes = UnsafeRawBufferPointer(start: mapping.bytes, count: mapping.length)
        let checksum = ContentChecksum()
        let header = mapping.range(
            of: Data(stated.utf8), options: [],
            in: NSRange(0..<min(mapping.length, Self.largestHeader)))
        if header.location != NSNotFound {
            checksum.add(UnsafeRawBufferPointer(rebasing: bytes[..<header.location]))
            Array(Self.checksumPlace.utf8).withUnsafeBytes { checksum.add($0) }
            checksum.add(
                UnsafeRawBufferPointer(rebasing: bytes[(header.location + header.length)...]))
        }
        guard checksum.text == stated else {
            throw SafetensorsError.damaged(path: path, stated: stated, found: checksum.text)
        }
    }

    private struct HeaderItem: Decodable {
        let dtype: String
        let shape: [Int]
        let dataOffsets: [Int]

        private enum CodingKeys: String, CodingKey {
            case dtype
            case shape
            case dataOffsets = "data_offsets"
        }
    }

    private enum HeaderValue: Decodable {
        case item(HeaderItem)
        case metadata([String: String])

        init(from decoder: any Decoder) throws {
            if decoder.codingPath.last?.stringValue == "__metadata__" {
                self = .metadata(try .init(from: decoder))
            } else {
                self = .item(try .init(from: decoder))
            }
        }
    }

    private static func header(of data: NSData, path: String) throws -> (
        [String: Item], [String: String]
    ) {
        func malformed(_ reason: String) -> SafetensorsError {
            .malformed(path: path, reason: reason)
        }
        guard data.length >= 8 else { throw malformed("it has \(data.length) bytes") }
        let length = data.bytes.loadUnaligned(as: UInt64.self).littleEndian
        guard length <= UInt64(min(data.length - 8, largestHeader)) else {
            throw malformed("its header of \(length) bytes does not fit its \(data.length) bytes")
        }
        let start = 8 + Int(length)
        let decoded: [String: HeaderValue]
        do {
            decoded = try JSONDecoder().decode(
                [String: HeaderValue].self, from: data.subdata(with: NSRange(8..<start)))
        } catch {
            throw malformed("its header is no valid JSON of tensors")
        }
        var items: [String: Item] = [:]
        var metadata: [String: String] = [:]
        for (key, value) in decoded {
            switch value {
            case .metadata(let strings): metadata = strings
            case .item(let raw):
                guard let dtype = DType(safetensors: raw.dtype) else {
                    throw malformed(
                        "tensor '\(key.excerpt())' has the unknown type '\(raw.dtype.excerpt())'")
                }
                guard raw.dataOffsets.count == 2, raw.dataOffsets[0] >= 0,
                    raw.dataOffsets[0] <= raw.dataOffsets[1],
                    raw.dataOffsets[1] <= data.length - start
                else { throw malformed("tensor '\(key.excerpt())' lies outside the file") }
                var size = dtype.byteCount
                for dimension in raw.shape {
                    let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
                    guard dimension >= 0, !overflow else {
                        throw malformed(
                            "tensor '\(key.excerpt())' has the shape \("\(raw.shape)".excerpt())")
                    }
                    size = product
                }
                guard size == raw.dataOffsets[1] - raw.dataOffsets[0] else {
                    throw malformed(
                        "tensor '\(key.excerpt())' of shape \("\(raw.shape)".excerpt()) has another size"
                    )
                }
                items[key] = Item(
                    dtype: dtype, shape: raw.shape,
                    bytes: start + raw.dataOffsets[0]..<start + raw.dataOffsets[1])
            }
        }
        var end = start
        for item in items.values.sorted(by: {
            ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
        }) {
            guard item.bytes.lowerBound == end else {
                throw malformed("its tensors overlap or leave gaps")
            }
            end = item.bytes.upperBound
        }
        guard end == data.length else { throw malformed("bytes follow the last tensor") }
        return (items, metadata)
    }
}

/// Writes named tensors to a safetensors file, with a checksum over all of it among the strings.
///
/// The file appears whole or not at all: it is written beside its place, flushed to the disk and
/// then renamed.
///
/// - Parameters:
///   - tensors: values by key
///   - metadata: strings beside them
///   - path: the file
///   - previous: where a file that is there already is moved to; nil to replace it
/// - Throws: ``SafetensorsError/unwritable(path:reason:)``, ``TorchError``
public func writeSafetensors(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String,
    keepingPreviousAs previous: String? = nil
) throws {
    // Tensors are sorted by element size, largest first, so that each lies at a multiple of its
    // element size and a reader can map it.
    let ordered = tensors.sorted {
        ($1.value.dtype.byteCount, $0.key) < ($0.value.dtype.byteCount, $1.key)
    }
    var strings = metadata
    strings[SafetensorsFile.checksumKey] = SafetensorsFile.checksumPlace
    var header: [String: HeaderEntry] = ["__metadata__": .metadata(strings)]
    var offset = 0
    for (key, tensor) in ordered {
        let tensor = try tensor.checked()
        let size = tensor.count * tensor.dtype.byteCount
        header[key] = .item(
            dtype: tensor.dtype.safetensorsName, shape: tensor.shape,
            offsets: [offset, offset + size])
        offset += size
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var head = try encoder.encode(header)
    head.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - head.count % 8) % 8))
    let start = "\"\(SafetensorsFile.checksumKey)\":\""
    guard let place = head.range(of: Data((start + SafetensorsFile.checksumPlace).utf8)) else {
        preconditionFailure("the header has no checksum")
    }
    do {
        try writeAtomically(to: path, keepingPreviousAs: previous) { write in
            let checksum = ContentChecksum()
            func append(_ bytes: UnsafeRawBufferPointer) throws {
                checksum.add(bytes)
                try write(bytes)
            }
            var length = UInt64(head.count).littleEndian
            try withUnsafeBytes(of: &length) { try append($0) }
            try head.withUnsafeBytes { try append($0) }
            for (_, tensor) in ordered {
                try tensor.detached().to(device: .cpu).contiguous().withUnsafeBytes {
                    try append($0)
                }
            }
            try Array(checksum.text.utf8).withUnsafeBytes {
                try write.replace(
                    at: MemoryLayout<UInt64>.size + place.lowerBound + start.utf8.count, with: $0)
            }
        }
    } catch let error as FileWritingError {
        throw SafetensorsError.unwritable(path: path, reason: error.reason)
    }
}

private enum HeaderEntry: Encodable {
    case metadata([String: String])
    case item(dtype: String, shape: [Int], offsets: [Int])

    private enum CodingKeys: String, CodingKey {
        case dtype
        case shape
        case offsets = "data_offsets"
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .metadata(let strings): try strings.encode(to: encoder)
        case .item(let dtype, let shape, let offsets):
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(dtype, forKey: .dtype)
            try container.encode(shape, forKey: .shape)
            try container.encode(offsets, forKey: .offsets)
        }
    }
}

extension DType {
    private static let safetensorsNames: [(DType, String)] = [
        (.bool, "BOOL"), (.uint8, "U8"), (.int8, "I8"), (.int16, "I16"), (.int32, "I32"),
        (.int64, "I64"), (.float16, "F16"), (.bfloat16, "BF16"), (.float32, "F32"),
        (.float64, "F64"),
    ]

    init?(safetensors name: String) {
        guard let found = Self.safetensorsNames.first(where: { $0.1 == name }) else { return nil }
        self = found.0
    }

    var safetensorsName: String {
        Self.safetensorsNames.first { $0.0 == self }?.1 ?? "F32"
    }
}

private func describe(_ error: any Error) -> String {
    FileWritingError.describe(error)
}
