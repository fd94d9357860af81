/// A text whose identity is that of its code points, as in Python: the standard library's strings
/// are equal also where they differ in normalisation (é as one code point or as two), which would
/// make one of two files, answers, concepts or captions.
///
/// For keys of sets and dictionaries, and for comparisons of what a user's data hold.
public struct ExactString: Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    /// The text.
    public let text: String

    /// Takes a text.
    public init(_ text: some StringProtocol) { self.text = String(text) }

    /// Takes a text that stands in the program.
    public init(stringLiteral text: String) { self.text = text }

    /// Whether the code points are the same.
    public static func == (a: ExactString, b: ExactString) -> Bool {
        a.text.utf8.elementsEqual(b.text.utf8)
    }

    /// Hashes the code points.
    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Orders by code points, which is the order of their UTF-8 bytes.
    public static func < (a: ExactString, b: ExactString) -> Bool {
        a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
    }

    /// The text.
    public var description: String { text }
}
