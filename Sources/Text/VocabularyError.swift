import Files

/// Why a tokenizer's vocabulary cannot be used.
public enum VocabularyError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case missingToken(path: String, token: String)
    case duplicateToken(path: String, token: String, line: Int)
    case malformedMerge(path: String, line: Int)
    case tooFewMerges(path: String, found: Int, needed: Int)

    /// Which vocabulary cannot be used, and what it lacks.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "cannot read the vocabulary '\(path)': \(reason). Give the vocab.txt of a BERT model or the merges.txt "
                + "of a CLIP model."
        case .missingToken(let path, let token):
            "the vocabulary '\(path)' has no token '\(token)'; it is no BERT vocab.txt"
        case .duplicateToken(let path, let token, let line):
            "the vocabulary '\(path)' has the token '\(token.excerpt())' again in line \(line)"
        case .malformedMerge(let path, let line):
            "line \(line) of '\(path)' is no pair of known pieces; give the merges.txt of a CLIP model"
        case .tooFewMerges(let path, let found, let needed):
            "'\(path)' has \(found) merges, but a vocabulary of this size needs \(needed)"
        }
    }

    /// Says of what the system reports which file it concerns.
    static func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw unreadable(path: path, reason: FileWritingError.describe(error))
        }
    }
}
