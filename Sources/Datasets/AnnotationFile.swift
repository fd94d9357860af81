import Files
import Foundation
import Text

/// A record of an annotation file. What a record of the official files needs and its type cannot
/// say stands in ``problem``.
public protocol AnnotationRecord: Codable, Sendable, Equatable {
    /// The first field that holds nothing usable, nil for a good record.
    var problem: FieldProblem? { get }
    /// The concept lists of the record under the names of their fields, nil where one is missing.
    var conceptLists: [(field: String, concepts: [String]?)] { get }
}

extension AnnotationRecord {
    /// What is wrong with a record, of which concepts may be needed.
    func problem(requiresConcepts: Bool) -> FieldProblem? {
        if let problem { return problem }
        guard requiresConcepts, let missing = conceptLists.first(where: { $0.concepts == nil })
        else { return nil }
        return FieldProblem(
            missing.field,
            "a list of concepts (add them, or set kw_img_model and kw_img_dataset to False)")
    }
}

/// A field of a record that holds nothing usable.
public struct FieldProblem: Sendable, Equatable {
    /// Name of the field.
    public let field: String
    /// What must stand there.
    public let expected: String

    /// A field, and what it should hold.
    public init(_ field: String, _ expected: String) {
        self.field = field
        self.expected = expected
    }

    /// The problem of a field none of whose texts has a character that can be seen.
    static func noText(_ texts: [String], _ field: String, _ expected: String) -> FieldProblem? {
        texts.allSatisfy { $0.unicodeScalars.allSatisfy(\.isPythonSpace) }
            ? FieldProblem(field, expected) : nil
    }
}

/// Reading of annotation files: JSON arrays of records.
public enum AnnotationFile {
    /// Reads and checks every record of several files.
    ///
    /// - Parameters:
    ///   - type: of the records
    ///   - files: JSON arrays of records
    ///   - requiresConcepts: whether a record without concepts is an error
    /// - Throws: ``AnnotationError`` with the file and the record
    public static func load<Record: AnnotationRecord>(
        _ type: Record.Type = Record.self, files: [String], requiresConcepts: Bool
    ) throws -> [Record] {
        try RecordList(files: files, requiresConcepts: requiresConcepts).all()
    }

    /// The place of a file that a configuration names.
    public static func path(_ name: String, in directory: String) -> String {
        name.hasPrefix("/") || directory.isEmpty
            ? name : (directory as NSString).appendingPathComponent(name)
    }

    /// Reads a JSON file of any form.
    /// - Throws: ``AnnotationError``
    public static func load<Value: Decodable>(_ type: Value.Type, file: String) throws -> Value {
        do {
            return try JSONDocument(path: file).decode(type)
        } catch let error as JSONError {
            throw AnnotationError(error, file: file)
        }
    }

    /// The bytes of a file.
    /// - Throws: ``AnnotationError/unreadable(file:reason:)``
    static func contents(of file: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe)
        } catch {
            let exists = FileManager.default.fileExists(atPath: file)
            throw AnnotationError.unreadable(
                file: file,
                reason: exists ? FileWritingError.describe(error) : "there is no such file")
        }
    }
}

extension AnnotationError {
    /// Says which file an error is about.
    init(_ error: JSONError, file: String) {
        switch error {
        case .unreadable(let reason): self = .unreadable(file: file, reason: reason)
        case .malformed: self = .malformed(file: file, reason: error.description)
        case .invalid(let problem): self = .invalidValue(file: file, problem)
        }
    }
}

/// A text or a list of texts, as some fields of the official files hold either.
struct TextOrList: Codable, JSONDescribed {
    static let jsonDescription = "a text or a list of texts"

    let values: [String]
    private let isList: Bool

    init(_ values: [String], isList: Bool) {
        self.values = values
        self.isList = isList
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let one = try? container.decode(String.self) {
            self.init([one], isList: false)
        } else {
            self.init(try container.decode([String].self), isList: true)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if isList { try container.encode(values) } else { try container.encode(values.first) }
    }
}

/// A text, or a number that serves as a name.
struct TextOrNumber: Decodable, JSONDescribed {
    static let jsonDescription = "a text or a whole number"

    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            text = String(number)
        } else {
            text = try container.decode(String.self)
        }
    }
}
