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
    try writeLines("[", count, "]", to: path, record)
}

/// Writes a JSON array of texts, one a line.
/// - Throws: `FileWritingError`
public func writeTexts(_ texts: [String], to path: String) throws {
    try writeLines("[", texts.count, "]", to: path) { JSONText(texts[$0]).bytes }
}

/// Writes a JSON object of names with their counts, one a line, in the given order.
/// - Throws: `FileWritingError`
public func writeCounts(_ counts: [(name: String, count: Int)], to path: String) throws {
    try writeLines("{", counts.count, "}", to: path) {
        JSONText(counts[$0].name).bytes + ": \(counts[$0].count)".utf8
    }
}

private func writeLines(
    _ opening: String, _ count: Int, _ closing: String, to path: String,
    _ line: (Int) throws -> [UInt8]?
) throws {
    let bufferSize = 1 << 20
    try writeAtomically(to: path) { write in
        var buffer = Array(opening.utf8)
        var isFirst = true
        for index in 0..<count {
            guard let bytes = try line(index) else { continue }
            buffer.append(contentsOf: isFirst ? "\n".utf8 : ",\n".utf8)
            isFirst = false
            buffer.append(contentsOf: bytes)
            if buffer.count >= bufferSize {
                try buffer.withUnsafeBytes { try write($0) }
                buffer.removeAll(keepingCapacity: true)
            }
        }
        buffer.append(contentsOf: "\n\(closing)\n".utf8)
        try buffer.withUnsafeBytes { try write($0) }
    }
}
