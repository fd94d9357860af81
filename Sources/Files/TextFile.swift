import Foundation

/// Reading of text files line by line, as they come from any system.
public enum TextFile {
    /// The lines of a file without their ends, which may be LF, CR LF or CR, and without a byte order
    /// mark; an end after the last line starts no other line.
    /// - Throws: what reading the file throws
    public static func lines(path: String) throws -> [Data] {
        try lines(of: Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe))
    }

    /// The lines of a text.
    static func lines(of data: Data) -> [Data] {
        let (lineFeed, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        var rest = data.starts(with: mark) ? data.dropFirst(mark.count) : data
        var lines: [Data] = []
        while let end = rest.firstIndex(where: { $0 == lineFeed || $0 == carriageReturn }) {
            lines.append(rest[rest.startIndex..<end])
            let next = rest.index(after: end)
            let isPair =
                rest[end] == carriageReturn && next < rest.endIndex && rest[next] == lineFeed
            rest = rest[(isPair ? rest.index(after: next) : next)...]
        }
        if !rest.isEmpty { lines.append(rest) }
        return lines
    }
}
