import Files

/// A checksum over records in their order, by which a resumed run knows whether its data are those
/// that it began with.
public struct RecordChecksum: ~Copyable {
    private let sum = ContentChecksum()

    /// Of no record yet.
    public init() {}

    /// Adds a text and marks its end, with a byte that no UTF-8 text has.
    public func add(_ text: String) {
        var text = text
        text.withUTF8 { sum.add(UnsafeRawBufferPointer($0)) }
        mark(0xff)
    }

    /// Adds a list and marks its end, or that there is none.
    public func add(_ texts: [String]?) {
        for text in texts ?? [] { add(text) }
        mark(texts == nil ? 0xfd : 0xfe)
    }

    /// Adds a number.
    public func add(_ number: Int) {
        withUnsafeBytes(of: Int64(number).littleEndian) { sum.add($0) }
    }

    /// Of everything that was added.
    public var text: String { sum.text }

    private func mark(_ byte: UInt8) { withUnsafeBytes(of: byte) { sum.add($0) } }
}

extension ImageTextDataset {
    /// Goes over all pairs once; a checksum of them in their order.
    public func inspect(_ look: ([String]) -> Void) throws -> String {
        let sum = RecordChecksum()
        try pairs.visit { pair in
            look([pair.image])
            sum.add(pair.image)
            sum.add(pair.texts)
            sum.add(pair.concepts)
            sum.add(pair.identity)
        }
        return sum.text
    }
}
