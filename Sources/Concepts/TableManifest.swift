import Files
import Foundation

/// What a ``ShardedTable`` holds and how it was made; written as `table.json` before the first shard.
public struct TableManifest: Codable, Sendable, Equatable {
    /// What a row is of.
    public enum Content: String, Codable, Sendable, CaseIterable, JSONDescribed {
        /// As in "must be …".
        public static var jsonDescription: String {
            "one of " + allCases.map(\.rawValue).joined(separator: ", ")
        }

        /// A CLIP embedding of the image that a name leads to.
        case images
        /// A CLIP embedding of the name, which is a text.
        case texts
        /// The features of an image by a retrieval model.
        case features
        /// The concepts of an image, as numbers of a vocabulary.
        case concepts
        /// The similarity of a caption and its image.
        case similarities
    }

    /// What a row is of.
    public var content: Content
    /// Everything else that decides about the values, such as the weights, in words.
    public var source: String
    /// Numbers of a row.
    public var width: Int
    /// Names in all; some may have been skipped.
    public var count: Int
    /// Names of a shard.
    public var shardSize: Int
    /// Hash of all names in their order.
    public var namesHash: String
    /// Where the CLIP model was that made it; nil in tables that do not say.
    public var model: String?

    static let fileName = "table.json"

    /// Shards in all.
    public var shardCount: Int { count == 0 ? 0 : (count - 1) / max(1, shardSize) + 1 }

    /// The names of a shard.
    func names(ofShard shard: Int) -> Range<Int> {
        let first = shard * shardSize
        return first..<first + min(count - first, shardSize)
    }

    func shardFile(_ shard: Int) -> String {
        String(format: "shard-%06d-of-%06d.safetensors", shard, shardCount)
    }

    /// The shards that lie in a directory, by their numbers.
    func shardsThere(in directory: String) -> Set<Int> {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return Set(
            files.compactMap { file in
                let digits = file.dropFirst("shard-".count).prefix { $0 != "-" }
                guard let shard = Int(digits), shardFile(shard) == file, shard < shardCount else {
                    return nil
                }
                return shard
            })
    }

    /// Reads the manifest of a table.
    /// - Throws: ``ConceptError/malformedTable(path:reason:)``
    static func read(_ directory: String) throws -> TableManifest {
        let path = (directory as NSString).appendingPathComponent(fileName)
        do {
            let manifest = try JSONDocument(path: path).decode(TableManifest.self)
            for (field, value, least) in [
                ("count", manifest.count, 0), ("shardSize", manifest.shardSize, 1),
                ("width", manifest.width, 1),
            ] where value < least {
                throw ConceptError.malformedTable(
                    path: directory,
                    reason: "in \(fileName) '\(field)' is \(value), which must be \(least) or more")
            }
            return manifest
        } catch let error as JSONError {
            throw ConceptError.malformedTable(path: directory, reason: "\(fileName): \(error)")
        }
    }

    /// Writes the manifest, or makes sure that the one in the directory is the same.
    /// - Throws: ``ConceptError/otherTable(path:what:saved:now:)``, `FileWritingError`
    func begin(in directory: String) throws {
        try makeDirectory(directory)
        let path = (directory as NSString).appendingPathComponent(Self.fileName)
        guard FileManager.default.fileExists(atPath: path) else {
            // They would be taken for shards of this table.
            if let shard = shardsThere(in: directory).min() {
                throw ConceptError.foreignShard(
                    path: (directory as NSString).appendingPathComponent(shardFile(shard)))
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try writeAtomically(encoder.encode(self), to: path)
            return
        }
        let saved = try Self.read(directory)
        for (what, then, now) in [
            ("the content", saved.content.rawValue, content.rawValue),
            ("the source", saved.source, source),
            ("a width of", String(saved.width), String(width)),
            ("a number of names of", String(saved.count), String(count)),
            ("a shard size of", String(saved.shardSize), String(shardSize)),
            ("names of hash", saved.namesHash, namesHash),
        ] where then != now {
            throw ConceptError.otherTable(path: directory, what: what, saved: then, now: now)
        }
    }
}

/// A name without a row, and why it has none.
public struct SkippedName: Codable, Sendable, Equatable {
    /// The name.
    public let name: String
    /// What went wrong.
    public let reason: String

    /// A name, and what is wrong with it.
    public init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}
