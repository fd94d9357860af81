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

        /// Rows in the order of their names, of which some may have none.
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
        names: StringTable, shardSize: Int, model: String? = nil
    ) throws {
        self.directory = directory
        self.names = names
        manifest = TableManifest(
            content: content, source: source, width: width, count: names.count,
            shardSize: shardSize, namesHash: names.fingerprint, model: model)
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
        var missing = Array(0..<manifest.shardCount)
        missing.removeAll { exists($0) }
        // A whole table may lie where nothing can be written.
        if missing.isEmpty { return progress(manifest.count, 0) }
        let claims = try Claims(
            path: (directory as NSString).appendingPathComponent("claims.lock"))
        defer { claims.end() }
        var here = 0
        while true {
            missing.removeAll { exists($0) }
            let done = manifest.count - missing.reduce(0) { $0 + manifest.names(ofShard: $1).count }
            progress(done, here)
            if missing.isEmpty { return }
            guard let shard = firstClaim(of: missing, claims) else {
                // Other processes have the rest; one of them may still fail.
                sleep(1)
                continue
            }
            defer { claims.giveBack(shard) }
            let range = manifest.names(ofShard: shard)
            let rows = try make(range) { progress(done + $0, here + $0) }
            // Where nothing at all can be read, the directory of the images is wrong.
            if let first = rows.skipped.first, rows.skipped.count == range.count,
                missing.count == manifest.shardCount
            {
                throw ConceptError.noReadableImage(name: first.name, reason: first.reason)
            }
            try write(shard, range, rows)
            here += range.count
        }
    }

    private func path(_ shard: Int) -> String {
        (directory as NSString).appendingPathComponent(manifest.shardFile(shard))
    }

    private func exists(_ shard: Int) -> Bool {
        FileManager.default.fileExists(atPath: path(shard))
    }

    /// The right to make shards: locked bytes of one file, which the kernel gives back when the
    /// process ends, however it ends. A shard has the byte of its number.
    private struct Claims {
        /// `F_OFD_SETLK` of Linux, which Swift's module of the C library does not show.
        private static let setLockOfOpenFile: Int32 = 37

        private let file: Int32

        init(path: String) throws {
            file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard file >= 0 else {
                throw FileWritingError(path: path, reason: String(cString: strerror(errno)))
            }
        }

        func take(_ shard: Int) -> Bool { set(F_WRLCK, shard) }

        func giveBack(_ shard: Int) { _ = set(F_UNLCK, shard) }

        func end() { close(file) }

        /// Locks of the open file, not of the process: writers of one process keep apart too.
        private func set(_ type: Int32, _ shard: Int) -> Bool {
            var range = flock()
            range.l_type = Int16(type)
            range.l_whence = Int16(SEEK_SET)
            range.l_start = off_t(shard)
            range.l_len = 1
            return withUnsafeMutablePointer(to: &range) { fcntl(file, Self.setLockOfOpenFile, $0) }
                == 0
        }
    }

    private func firstClaim(of shards: [Int], _ claims: Claims) -> Int? {
        shards.first { shard in
            guard claims.take(shard) else { return false }
            // Whoever had the shard before may have finished between the look and the lock.
            if exists(shard) {
                claims.giveBack(shard)
                return false
            }
            let file = manifest.shardFile(shard)
            removeAbandonedFiles(in: directory) { $0 == file }
            return true
        }
    }

    private func write(_ shard: Int, _ range: Range<Int>, _ rows: Rows) throws {
        let skipped = Set(rows.skipped.map { ExactString($0.name) })
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for number in range where skipped.isEmpty || !skipped.contains(ExactString(names[number])) {
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
