/// Why nothing can be said of an input.
public enum PredictionError: Error, Equatable, Sendable, CustomStringConvertible {
    case noWord(kind: String, text: String)

    /// Which text cannot be read.
    public var description: String {
        switch self {
        case .noWord(let kind, let text): "the \(kind) '\(text)' has no word in it"
        }
    }

    /// Makes sure that something is left of a text after cleaning.
    static func require(_ cleaned: String, of kind: String, _ text: String) throws {
        guard !cleaned.allSatisfy(\.isWhitespace) else {
            throw PredictionError.noWord(kind: kind, text: text)
        }
    }
}
