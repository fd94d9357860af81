import Files

/// Writes records as a JSON array, one a line, so that the file appears whole or not at all.
///
/// - Parameters:
///   - count: records to ask for
///   - path: the file
///   - record: gives the JSON of a record, nil to leave it out
/// - Throws: `FileWritingError`, and what `record` throws
public func writeRecords(
    _ count: Int, to path: String, _ record: (Int) throws -> [UInt8]?
) throws {
    let bufferSize = 1 << 20
    try writeAtomically(to: path) { write in
        var buffer: [UInt8] = [UInt8(ascii: "[")]
        var isFirst = true
        for index in 0..<count {
            guard let bytes = try record(index) else { continue }
            buffer.append(contentsOf: isFirst ? "\n".utf8 : ",\n".utf8)
            isFirst = false
            buffer.append(contentsOf: bytes)
            if buffer.count >= bufferSize {
                try buffer.withUnsafeBytes { try write($0) }
                buffer.removeAll(keepingCapacity: true)
            }
        }
        buffer.append(contentsOf: "\n]\n".utf8)
        try buffer.withUnsafeBytes { try write($0) }
    }
}
