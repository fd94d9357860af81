import Files
import Foundation
import Text
import Torch

/// Rows of numbers under names, in mapped files: takes memory for the names and for the rows in use.
public struct ShardedTable {
    enum Keys {
        static let rows = "rows"
        static let names = "names"
        static let nameEnds = "name_ends"
        static let skipped = "skipped"
    }

    /// Where the table lies.
    public let path: String
    /// The name of each row.
    public let names: StringTable
    /// Numbers of a row.
    public let width: Int
    /// Names that have no row.
    public let skipped: [SkippedName]
    /// Where the CLIP model was that made it; nil for tables that do not say.
    public let model: String?
    private let shards: [Shard]

    private struct Shard {
        let first: Int
        let rows: Tensor
    }

    /// Opens a table: the directory of a ``TableWriter``, or a JSON file of the official scripts,
    /// whose numbers are read into memory.
    /// - Throws: ``ConceptError``, `SafetensorsError`
    public init(path: String) throws {
        self.path = path
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ConceptError.malformedTable(path: path, reason: "it does not exist")
        }
        guard isDirectory.boolValue else {
            let json = try EmbeddingJSON(path: path)
            (names, width, skipped, model) = (json.names, json.rows.size(1), [], nil)
            shards = [Shard(first: 0, rows: json.rows)]
            return
        }
        let manifest = try TableManifest.read(path)
        (width, model) = (manifest.width, manifest.model)
        let there = manifest.shardsThere(in: path).count
        guard there == manifest.shardCount else {
            throw ConceptError.incompleteTable(path: path, found: there, of: manifest.shardCount)
        }
        let files = try (0..<manifest.shardCount).map {
            let file = try SafetensorsFile(
                path: (path as NSString).appendingPathComponent(manifest.shardFile($0)))
            // A flipped bit would be another concept, and nobody would see it.
            try file.verifyChecksum()
            return file
        }
        // The sizes of the shards and not those of the manifest, which are only written there.
        var names = StringTable(
            capacity: files.reduce(0) { $0 + ($1.shape(of: Keys.nameEnds)?.first ?? 0) })
        var skipped: [SkippedName] = []
        var shards: [Shard] = []
        for (shard, file) in files.enumerated() {
            let first = names.count
            let rows = try file.tensor(Keys.rows)
            try Self.read(file, into: &names)
            let count = names.count - first
            guard rows.shape == [count, width] else {
                throw ConceptError.malformedTable(
                    path: file.path, reason: "it has rows of shape \(rows.shape) for \(count) names"
                )
            }
            let without = try Self.skipped(file)
            guard count + without.count == manifest.names(ofShard: shard).count else {
                throw ConceptError.malformedTable(
                    path: file.path,
                    reason: "it has \(count + without.count) of the "
                        + "\(manifest.names(ofShard: shard).count) names that "
                        + "\(TableManifest.fileName) gives it")
            }
            skipped += without
            shards.append(Shard(first: first, rows: rows))
        }
        self.names = names
        self.skipped = skipped
        self.shards = shards
    }

    /// Adds the names of a shard's rows.
    private static func read(_ file: SafetensorsFile, into names: inout StringTable) throws {
        let ends = try file.tensor(Keys.nameEnds).array(of: Int.self)
        try file.tensor(Keys.names).withUnsafeBytes { bytes in
            var start = 0
            for end in ends {
                guard start <= end, end <= bytes.count,
                    names.insert(
                        UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                            .assumingMemoryBound(to: UInt8.self)
                    ).isNew
                else {
                    throw ConceptError.malformedTable(
                        path: file.path, reason: "its names are malformed or not different")
                }
                start = end
            }
        }
    }

    /// The names of a shard that have no row.
    private static func skipped(_ file: SafetensorsFile) throws -> [SkippedName] {
        guard let list = file.metadata[Keys.skipped] else { return [] }
        do {
            return try JSONDecoder().decode([SkippedName].self, from: Data(list.utf8))
        } catch {
            throw ConceptError.malformedTable(
                path: file.path, reason: "its list of names without a row is malformed")
        }
    }

    /// Makes sure that the rows were made with what they are used with.
    /// - Throws: ``ConceptError/otherModel(path:)``, ``ConceptError/malformedTable(path:reason:)``
    public func check(source: String) throws {
        guard try TableManifest.read(path).source == source else {
            throw ConceptError.otherModel(path: path)
        }
    }

    /// Number of rows.
    public var count: Int { names.count }

    /// All rows as one tensor. `[count, width]`
    public var rows: Tensor {
        shards.count == 1
            ? shards[0].rows
            : shards.isEmpty ? .zeros([0, width]) : .concatenated(shards.map(\.rows), dimension: 0)
    }

    /// Rows in a given order. `[numbers, width]`
    public func rows(_ numbers: [Int]) -> Tensor {
        var ofShard: [Int: [Int]] = [:]
        for (place, number) in numbers.enumerated() {
            ofShard[shard(of: number), default: []].append(place)
        }
        var parts: [Tensor] = []
        var places: [Int] = []
        for (shard, members) in ofShard.sorted(by: { $0.key < $1.key }) {
            let local = Tensor(members.map { numbers[$0] - shards[shard].first })
            parts.append(shards[shard].rows.indexed(0, by: local))
            places += members
        }
        guard !parts.isEmpty else { return .zeros([0, width]) }
        let joined = Tensor.concatenated(parts, dimension: 0)
        let isInOrder = parts.count == 1
        return isInOrder ? joined : joined.indexed(0, by: Tensor(places).argsort(0))
    }

    /// A hash of all names and rows.
    /// - Throws: `TorchError`
    func fingerprint() throws -> String {
        var hash = StableHash()
        hash.add(item: names.fingerprint.utf8)
        for shard in shards { try shard.rows.contiguous().withUnsafeBytes { hash.add($0) } }
        return hash.text
    }

    private func shard(of number: Int) -> Int {
        var (low, high) = (0, shards.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if shards[middle].first <= number { low = middle } else { high = middle }
        }
        return low
    }
}
