import Files
import Foundation
import Text
import Torch

/// Makes a ``ShardedTable``: each shard appears whole or not at all, so that a run that was stopped
/// anywhere goes on with the shards that are not there, and several processes can share the work.
public struct TableWriter {
    /// The rows of some names, without those that were skipped.
    public struct Rows {
        /// `[names − skipped, width]`
        public let values: Tensor
        /// Names that have no row.
        public let skipped: [SkippedName]

        /// Makes the value.
        public init(values: Tensor, skipped: [SkippedName] = []) {
            self.values = values
            self.skipped = skipped
        }
    }

    private let directory: String
    private let manifest: TableManifest
    private let names: StringTable

    /// Describes a table of names in a directory.
    /// - Throws: ``ConceptError/otherTable(path:what:saved:now:)`` where another one was begun there,
    ///   `FileWritingError`
    public init(
        directory: String, content: TableManifest.Content, source: String, width: Int,
        names: StringTable, shardSize: Int
    ) throws {
        self.directory = directory
        self.names = names
        manifest = TableManifest(
            content: content, source: source, width: width, count: names.count,
            shardSize: shardSize, namesHash: names.fingerprint)
        try manifest.begin(in: directory)
    }

    /// Makes the shards that are missing; returns when all are there, also those that other
    /// processes make.
    ///
    /// - Parameters:
    ///   - progress: gets the names that are done, those of other runs and processes included, and
    ///     the ones done by this run
    ///   - make: gives the rows of the names of a range, and reports how many of them are done
    /// - Throws: ``ConceptError/noReadableImage(name:reason:)``, `FileWritingError`,
    ///   `SafetensorsError`, and what `make` throws
    public func run(
        progress: @escaping (_ done: Int, _ here: Int) -> Void = { _, _ in },
        _ make: (_ range: Range<Int>, _ progress: @escaping (Int) -> Void) throws -> Rows
    ) throws {
        var here = 0
        var missing = Array(0..<manifest.shardCount)
        while true {
            missing.removeAll { exists($0) }
            let done = manifest.count - missing.reduce(0) { $0 + manifest.names(ofShard: $1).count }
            progress(done, here)
            if missing.isEmpty { return }
            guard let claim = try firstClaim(of: missing) else {
                // Other processes have the rest; one of them may still fail.
                sleep(1)
                continue
            }
            defer { claim.release() }
            let range = manifest.names(ofShard: claim.shard)
            let rows = try make(range) { progress(done + $0, here + $0) }
            // Where nothing at all can be read, the directory of the images is wrong.
            if let first = rows.skipped.first, rows.skipped.count == range.count,
                missing.count == manifest.shardCount
            {
                throw ConceptError.noReadableImage(name: first.name, reason: first.reason)
            }
            try write(claim.shard, range, rows)
            here += range.count
        }
    }

    private func path(_ shard: Int) -> String {
        (directory as NSString).appendingPathComponent(manifest.shardFile(shard))
    }

    private func exists(_ shard: Int) -> Bool {
        FileManager.default.fileExists(atPath: path(shard))
    }

    /// The right to make a shard, which ends with the process at the latest.
    private struct Claim {
        let shard: Int
        let file: Int32
        let path: String

        func release() {
            unlink(path)
            close(file)
        }
    }

    private func firstClaim(of shards: [Int]) throws -> Claim? {
        for shard in shards {
            if let claim = try claim(shard) { return claim }
        }
        return nil
    }

    private func claim(_ shard: Int) throws -> Claim? {
        let lock = path(shard) + ".lock"
        let file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw FileWritingError(path: lock, reason: String(cString: strerror(errno)))
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            return nil
        }
        // Whoever had the lock before may have finished between the look and the lock.
        if exists(shard) {
            unlink(lock)
            close(file)
            return nil
        }
        removeLeftovers(of: shard)
        return Claim(shard: shard, file: file, path: lock)
    }

    /// Removes what a process that was killed while it wrote a shard has left.
    private func removeLeftovers(of shard: Int) {
        let prefix = manifest.shardFile(shard) + ".tmp-"
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for file in files where file.hasPrefix(prefix) {
            unlink((directory as NSString).appendingPathComponent(file))
        }
    }

    private func write(_ shard: Int, _ range: Range<Int>, _ rows: Rows) throws {
        let skipped = Set(rows.skipped.map(\.name))
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for number in range where skipped.isEmpty || !skipped.contains(names[number]) {
            bytes.append(contentsOf: names.utf8(number))
            ends.append(bytes.count)
        }
        let values = try rows.values.checked()
        precondition(
            values.shape == [ends.count, manifest.width],
            "\(ends.count) rows of \(manifest.width) are wanted, not \(values.shape)")
        // Sorted, so that a shard made again has the same bytes.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let list = try encoder.encode(rows.skipped)
        try writeSafetensors(
            [
                ShardedTable.Keys.rows: values,
                ShardedTable.Keys.names: Tensor(bytes),
                ShardedTable.Keys.nameEnds: Tensor(ends),
            ],
            metadata: [ShardedTable.Keys.skipped: String(decoding: list, as: UTF8.self)],
            to: path(shard))
    }
}

extension StringTable {
    /// A hash of all strings in their order.
    var fingerprint: String {
        var hash = StableHash()
        for number in 0..<count { hash.add(item: utf8(number)) }
        return hash.text
    }
}
