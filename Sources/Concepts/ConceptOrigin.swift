import Files
import Foundation

/// Where the concepts of annotation files come from, kept beside them: a model that is trained on them names
/// it, so that images of no annotation file get concepts of the same kind.
public struct ConceptOrigin: Codable, Sendable, Equatable {
    /// Embeddings of the vocabulary, or the list of its texts.
    public let vocabulary: String
    /// The CLIP model; nil where nobody has said.
    public let clip: String?
    /// Concepts of an image.
    public let count: Int

    private static let file = "concept_origin.json"

    /// Describes where concepts come from.
    public init(vocabulary: String, clip: String?, count: Int) {
        self.vocabulary = vocabulary
        self.clip = clip
        self.count = count
    }

    /// The same with other paths.
    private func map(_ change: (String) -> String) -> ConceptOrigin {
        ConceptOrigin(vocabulary: change(vocabulary), clip: clip.map(change), count: count)
    }

    /// The same with paths from a directory, so that both can be moved together.
    public func relative(to directory: String) -> ConceptOrigin {
        map { $0.relativePath(from: directory) }
    }

    /// What stands beside an annotation file, with paths that lead there from here; nil where nothing does.
    /// - Throws: ``ConceptError/malformedTable(path:reason:)``
    public init?(beside annotationFile: String) throws {
        let directory = annotationFile.parentDirectory
        let path = (directory as NSString).appendingPathComponent(Self.file)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            self = try JSONDocument(path: path).decode(ConceptOrigin.self)
                .map { $0.resolved(in: directory) }
        } catch let error as JSONError {
            throw ConceptError.malformedTable(path: path, reason: "\(error)")
        }
    }

    /// Writes it beside the annotation files of a directory.
    /// - Throws: `FileWritingError`
    public func write(to directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(
            encoder.encode(relative(to: directory)),
            to: (directory as NSString).appendingPathComponent(Self.file))
    }
}
