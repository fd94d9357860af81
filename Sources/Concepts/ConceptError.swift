import Files

/// Why visual concepts cannot be found or attached.
public enum ConceptError: Error, Equatable, Sendable, CustomStringConvertible {
    case emptyVocabulary(path: String)
    case tooFewConcepts(path: String, found: Int, wanted: Int)
    case widthMismatch(String, Int, String, Int)
    case malformedTable(path: String, reason: String)
    case incompleteTable(path: String, found: Int, of: Int)
    case otherTable(path: String, what: String, saved: String, now: String)
    case otherModel(path: String)
    case missingEmbedding(name: String, path: String)
    case invalidShare(Double)
    case noReadableImage(name: String, reason: String)
    case invalidTemplate(String)
    case overwritesInput(path: String)
    case noDirection(name: String, path: String)
    case foreignDirectory(path: String)
    case foreignShard(path: String)

    /// Which table or vocabulary cannot be used, and how to make it anew.
    public var description: String {
        switch self {
        case .emptyVocabulary(let path):
            "there is no concept in '\(path)'; make a vocabulary with 'vicha concepts extract'"
        case .tooFewConcepts(let path, let found, let wanted):
            "'\(path)' has \(found) concepts, but each image is to get \(wanted); use a larger "
                + "vocabulary or --top \(found)"
        case .widthMismatch(let a, let widthA, let b, let widthB):
            "the embeddings in '\(a)' are \(widthA) wide and those in '\(b)' \(widthB); they come "
                + "from different CLIP models"
        case .malformedTable(let path, let reason):
            "'\(path)' holds no embeddings: \(reason)"
        case .incompleteTable(let path, let found, let all):
            "'\(path)' has \(found) of \(all) shards; run the command that makes it again, it goes "
                + "on where it stopped"
        case .otherTable(let path, let what, let saved, let now):
            "'\(path)' was begun with \(what) \(saved), not \(now); go on with the same, or give "
                + "another directory"
        case .otherModel(let path):
            "'\(path)' was made with other weights; use those, or make it again in a new directory"
        case .missingEmbedding(let name, let path):
            "there is no embedding of '\(name.excerpt())' in '\(path)'; embed the file that it stands in"
        case .invalidShare(let share):
            "the share to keep must be more than 0 and at most 1, not \(share)"
        case .noReadableImage(let name, let reason):
            "no image could be embedded, '\(name.excerpt(400))' for one (\(reason)); where files are "
                + "not found, check --data-dir and --replace-prefix"
        case .invalidTemplate(let text):
            "a template has one {} in the place of the concept, as in 'a photo of a {}', not "
                + "'\(text)'"
        case .noDirection(let name, let path):
            "the embedding of '\(name.excerpt())' in '\(path)' is zero or has numbers that are not finite, so "
                + "that nothing can be compared with it; embed it again, or take it out"
        case .foreignDirectory(let path):
            "'\(path)' is where intermediate results go, but something else lies there; move it "
                + "away, or give another --output-dir"
        case .foreignShard(let path):
            "'\(path)' lies where this table would have a file of its own, without the "
                + "\(TableManifest.fileName) that says how it was made; move it away, or give another "
                + "--output-dir"
        case .overwritesInput(let path):
            "'\(path)' would be overwritten by its own result; give another --output-dir"
        }
    }
}
