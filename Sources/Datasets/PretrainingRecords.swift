import Foundation

/// An image with its captions and concepts (`spec.md` section 6).
public struct PretrainingRecord: Sendable, Equatable {
    /// Path as it stands in the annotation file.
    public let image: String
    /// One caption or several, of which training draws one.
    public let captions: [String]
    /// Visual concepts, best first; empty where there are none.
    public let concepts: [String]

    /// Makes a record.
    public init(image: String, captions: [String], concepts: [String]) {
        self.image = image
        self.captions = captions
        self.concepts = concepts
    }
}

/// Reading of pretraining annotation files.
public enum PretrainingRecords {
    /// Reads and checks every record of several files.
    ///
    /// - Parameters:
    ///   - files: JSON arrays of records
    ///   - requiresConcepts: whether a record without `kwords` is an error
    /// - Throws: ``AnnotationError`` with the file and the record
    public static func load(files: [String], requiresConcepts: Bool) throws -> [PretrainingRecord] {
        var records: [PretrainingRecord] = []
        for file in files {
            records += try load(file: file, requiresConcepts: requiresConcepts)
        }
        guard !records.isEmpty else { throw AnnotationError.empty(files: files) }
        return records
    }

    private static func load(file: String, requiresConcepts: Bool) throws -> [PretrainingRecord] {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe)
        } catch {
            let exists = FileManager.default.fileExists(atPath: file)
            throw AnnotationError.unreadable(
                file: file,
                reason: exists ? (error as NSError).localizedDescription : "there is no such file")
        }
        let raw: [RawRecord]
        do {
            raw = try JSONDecoder().decode([RawRecord].self, from: data)
        } catch let error as DecodingError {
            throw annotationError(error, file: file)
        }
        return try raw.enumerated().map { index, record in
            func require(_ condition: Bool, _ field: String, _ expected: String) throws {
                guard condition else {
                    throw AnnotationError.invalidRecord(
                        file: file, record: index, field: field, expected: expected)
                }
            }
            try require(!record.image.isEmpty, "image", "a path")
            try require(
                record.caption.values.contains { !$0.allSatisfy(\.isWhitespace) }, "caption",
                "a text or a list with a text")
            try require(
                record.kwords != nil || !requiresConcepts, "kwords",
                "a list of concepts (add them, or set kw_img_model and kw_img_dataset to False)")
            return PretrainingRecord(
                image: record.image, captions: record.caption.values, concepts: record.kwords ?? [])
        }
    }

    private struct RawRecord: Decodable {
        let image: String
        let caption: OneOrMany
        let kwords: [String]?
    }

    /// A text or a list of texts.
    private struct OneOrMany: Decodable {
        let values: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let one = try? container.decode(String.self) {
                values = [one]
            } else {
                values = try container.decode([String].self)
            }
        }
    }

    private static func annotationError(_ error: DecodingError, file: String) -> AnnotationError {
        let context: DecodingError.Context
        let expected: String
        switch error {
        case .keyNotFound(let key, let found):
            context = DecodingError.Context(
                codingPath: found.codingPath + [key], debugDescription: found.debugDescription)
            expected = "there"
        case .typeMismatch(let type, let found), .valueNotFound(let type, let found):
            context = found
            expected = "of type \(type)"
        case .dataCorrupted(let found):
            return .malformed(
                file: file,
                reason: (found.underlyingError as NSError?)?.userInfo["NSDebugDescription"]
                    as? String
                    ?? found.debugDescription)
        @unknown default:
            return .malformed(file: file, reason: "\(error)")
        }
        guard let record = context.codingPath.first?.intValue else {
            return .malformed(file: file, reason: context.debugDescription)
        }
        let field = context.codingPath.dropFirst().map {
            $0.intValue.map { "[\($0)]" } ?? $0.stringValue
        }
        return .invalidRecord(
            file: file, record: record,
            field: field.isEmpty ? "the record" : field.joined(separator: ""), expected: expected)
    }
}
