import Files

/// Which vocabulary the ids of a model's tokens belong to. Models whose vocabularies have the same
/// number of tokens in another order take each other's texts without complaint and understand
/// nothing, so checkpoints carry this beside the weights.
public struct VocabularyIdentity: Codable, Sendable, Equatable, CustomStringConvertible {
    /// Where it was read from.
    public let file: String
    /// Number of tokens.
    public let size: Int
    /// Of all tokens in their order.
    public let checksum: String

    /// Describes a vocabulary that was read from a file.
    init(file: String, size: Int, token: (Int) -> ArraySlice<UInt8>) {
        self.file = file
        self.size = size
        let sum = ContentChecksum()
        for number in 0..<size {
            (Array(token(number)) + [UInt8(ascii: "\n")]).withUnsafeBytes { sum.add($0) }
        }
        checksum = sum.text
    }

    /// Whether both have the same tokens in the same order, wherever they were read from.
    public func isSame(as other: VocabularyIdentity) -> Bool {
        size == other.size && checksum == other.checksum
    }

    /// The file, for people.
    public var description: String {
        "'\(file.excerpt(400))' (\(size) tokens, \(checksum.excerpt(8)))"
    }
}
