/// A caption in parts that are not too long: whole up to a limit, beyond it cut after a sentence, or
/// at a space, or between two characters where there is neither.
struct CaptionParts: Sequence, IteratorProtocol {
    /// Bytes of a part. Captions of people have some hundreds.
    static let longest = 1 << 16

    private let text: String
    private var start: String.Index

    init(_ text: String) {
        var text = text
        // Indices into a text of another form cost time with their distance.
        text.makeContiguousUTF8()
        self.text = text
        start = text.startIndex
    }

    mutating func next() -> String? {
        let bytes = text.utf8
        guard start < bytes.endIndex else { return nil }
        let limit = bytes.index(start, offsetBy: Self.longest, limitedBy: bytes.endIndex)
        var end = bytes.endIndex
        if let limit, limit < bytes.endIndex {
            end =
                last(start..<limit) { ".!?\n".utf8.contains($0) }
                ?? last(start..<limit) { $0 == UInt8(ascii: " ") }
                ?? text.unicodeScalars.index(before: text.unicodeScalars.index(after: limit))
        }
        defer { start = end }
        return String(text[start..<end])
    }

    /// The place after the last byte of a kind.
    private func last(_ range: Range<String.Index>, where isFit: (UInt8) -> Bool) -> String.Index? {
        text.utf8[range].lastIndex(where: isFit).map(text.utf8.index(after:))
    }
}
