import Files

/// Why annotations cannot be used.
public enum AnnotationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    case malformed(file: String, reason: String)
    case invalidRecord(file: String, record: Int, field: String, expected: String)
    case invalidValue(file: String, JSONProblem)
    case invalidText(file: String, record: Int, field: String)
    case empty(files: [String])
    case missingImages(count: Int, examples: [String])
    case unreadableImages(count: Int, example: String)
    case noReadableImages(files: [String], example: String)
    case unknownReference(id: Int?, phrase: String)
    case unansweredQuestions(count: Int, example: Int)

    /// Which file and record, what it must hold, and which option helps.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "cannot read the annotation file '\(file)': \(reason)"
        case .malformed(let file, let reason):
            "'\(file)' cannot be read: \(reason)"
        case .invalidRecord(let file, let record, let field, let expected):
            "'\(file)', record \(record) (counted from 0): '\(field)' must be \(expected)"
        case .invalidValue(let file, let problem): "'\(file)': \(problem)"
        case .invalidText(let file, let record, let field):
            "'\(file)', record \(record) (counted from 0): '\(field)' is no UTF-8 text"
        case .empty(let files):
            "there is no record in \(files.joined(separator: ", ")); nothing can be trained on"
        case .unknownReference(let id, let phrase):
            "the phrase '\(phrase.excerpt())' has "
                + (id.map { "the ref_id \($0), which is not among the references" } ?? "no ref_id")
                + "; test_file, the file of references and instances.json must belong together"
        case .unansweredQuestions(let count, let example):
            "\(count) questions of the annotations have no answer, such as question \(example); "
                + "the annotations and test_file must belong together"
        case .unreadableImages(let count, let example):
            "\(count) images of the evaluation cannot be read: \(example). Replace them, or pass "
                + "--allow-missing-images to leave their records out."
        case .noReadableImages(let files, let example):
            "no record of \(files.joined(separator: ", ")) has an image that can be read: \(example)"
        case .missingImages(let count, let examples):
            "\(count) images are missing, such as \(examples.joined(separator: ", ")). Check "
                + "--data-dir and --replace-prefix, or pass --allow-missing-images to go on without."
        }
    }
}
