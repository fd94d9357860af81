import Concepts
import Foundation
import Testing
import Text
import Torch

/// Tables of embeddings on disk.
@Suite struct TableTests {
    private struct Stopped: Error {}

    private static func names(_ count: Int) -> StringTable {
        var names = StringTable()
        for number in 0..<count { names.insert("name \(number) é") }
        return names
    }

    private static func writer(
        _ directory: String, _ names: StringTable, width: Int = 3, source: String = "test"
    ) throws -> TableWriter {
        try TableWriter(
            directory: directory, content: .texts, source: source, width: width, names: names,
            shardSize: 4)
    }

    /// Rows that tell which name they are of; every seventh name is skipped.
    private static func rows(_ range: Range<Int>, _ names: StringTable) -> TableWriter.Rows {
        let kept = range.filter { !$0.isMultiple(of: 7) }
        let values = kept.flatMap { number -> [Float] in [Float(number), 1, -Float(number)] }
        return .init(
            values: Tensor(values, shape: [kept.count, 3]),
            skipped: range.filter { $0.isMultiple(of: 7) }.map {
                SkippedName(name: names[$0], reason: "reason \($0)")
            })
    }

    private static func files(_ directory: String) throws -> [String: Data] {
        var result: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            result[name] = FileManager.default.contents(atPath: directory + "/" + name)
        }
        return result
    }

    private static func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    @Test func rowsAreReadInAnyOrder() throws {
        try Self.withDirectory { directory in
            let names = Self.names(30)
            try Self.writer(directory, names).run { range, _ in Self.rows(range, names) }
            let table = try ShardedTable(path: directory)
            #expect(table.count == 25)
            #expect(
                table.skipped.map(\.reason) == ["0", "7", "14", "21", "28"].map { "reason \($0)" })
            let wanted = [29, 1, 13, 2, 27, 2]
            let numbers = try wanted.map { try #require(table.names.number(of: names[$0])) }
            let rows = try table.rows(numbers).array(of: Float.self)
            #expect(
                rows == wanted.flatMap { number -> [Float] in [Float(number), 1, -Float(number)] })
            let none = table.rows([]).shape
            #expect(none == [0, 3])
        }
    }

    /// Stopped between shards and inside one, the files at the end are the same as without a stop.
    @Test func stoppedRunsGoOn() throws {
        try Self.withDirectory { root in
            let names = Self.names(30)
            try Self.writer(root + "/whole", names).run { range, _ in Self.rows(range, names) }
            #expect(throws: Stopped.self) {
                try Self.writer(root + "/parts", names).run { range, _ in
                    if range.lowerBound >= 12 { throw Stopped() }
                    return Self.rows(range, names)
                }
            }
            let error = #expect(throws: ConceptError.self) {
                try ShardedTable(path: root + "/parts")
            }
            #expect(error == .incompleteTable(path: root + "/parts", found: 3, of: 8))
            // What a process that was killed while it wrote leaves behind.
            try Data("half".utf8).write(
                to: URL(
                    fileURLWithPath: root
                        + "/parts/shard-000003-of-000008.safetensors.tmp-\(UUID().uuidString)"))
            var made: [Range<Int>] = []
            try Self.writer(root + "/parts", names).run { range, _ in
                made.append(range)
                return Self.rows(range, names)
            }
            #expect(made.first == 12..<16 && made.count == 5)
            let (parts, whole) = try (Self.files(root + "/parts"), Self.files(root + "/whole"))
            #expect(parts == whole)
        }
    }

    /// Each shard is made once, whoever makes it.
    /// A whole table is not written to again: it may lie where nothing can be written.
    @Test func wholeTablesAreLeftAlone() throws {
        try Self.withDirectory { directory in
            let names = Self.names(9)
            try Self.writer(directory, names).run { range, _ in Self.rows(range, names) }
            try FileManager.default.removeItem(atPath: directory + "/claims.lock")
            let before = try Self.files(directory)
            var done: (Int, Int)?
            try Self.writer(directory, names).run(
                progress: { done = ($0, $1) },
                { _, _ in throw Stopped() })
            #expect(try Self.files(directory) == before && done ?? (0, 1) == (9, 0))
        }
    }

    @Test func severalRunsShareTheWork() throws {
        try Self.withDirectory { directory in
            let lock = NSLock()
            nonisolated(unsafe) var made: [Int] = []
            DispatchQueue.concurrentPerform(iterations: 3) { _ in
                do {
                    let names = Self.names(60)
                    try Self.writer(directory, names).run { range, _ in
                        lock.withLock { made.append(range.lowerBound) }
                        usleep(5000)
                        return Self.rows(range, names)
                    }
                } catch {
                    Issue.record("\(error)")
                }
            }
            #expect(made.sorted() == Array(stride(from: 0, to: 60, by: 4)))
            let count = try ShardedTable(path: directory).count
            #expect(count == 51)
        }
    }

    @Test func otherTablesAreNotMixedIn() throws {
        try Self.withDirectory { directory in
            let names = Self.names(5)
            _ = try Self.writer(directory, names)
            _ = try Self.writer(directory, names)
            for wrong in [
                { try Self.writer(directory, Self.names(6)) },
                { try Self.writer(directory, names, width: 4) },
                { try Self.writer(directory, names, source: "other") },
            ] as [() throws -> TableWriter] {
                let error = #expect(throws: ConceptError.self) { _ = try wrong() }
                guard case .otherTable = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
        }
    }

    @Test func nothingReadableIsAnError() throws {
        try Self.withDirectory { directory in
            let names = Self.names(5)
            #expect(throws: ConceptError.noReadableImage(name: names[0], reason: "none")) {
                try Self.writer(directory, names).run { range, _ in
                    .init(
                        values: .zeros([0, 3]),
                        skipped: range.map { SkippedName(name: names[$0], reason: "none") })
                }
            }
        }
    }

    @Test(arguments: [
        (#"{"a": [[1, 2]], "b": [3, 4e0]}"#, nil), (#"{"a": [[1, 2]], "b": [[3]]}"#, "1 numbers"),
        (#"{"a": [3, 9], "b": [3, 4], "a": [1, 2]}"#, nil), ("{}", "empty"),
        (#"{"a": [x]}"#, "a value"), (#"{"a": ["x"]}"#, "'a' must be a list of numbers"),
        (#"{"a": [1"#, "line 1, column 9"), (#"{"a": [1],}"#, "comma before '}'"),
        (#"{"a": "# + String(repeating: "[", count: 100_000), "too deeply"),
    ]) func officialEmbeddings(_ text: String, _ problem: String?) throws {
        try Self.withDirectory { directory in
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            let path = directory + "/e.json"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            guard let problem else {
                let table = try ShardedTable(path: path)
                #expect(table.names[1] == "b")
                #expect(try table.rows([1, 0]).array(of: Float.self) == [3, 4, 1, 2])
                return
            }
            let error = try #require(throws: (any Error).self) { try ShardedTable(path: path) }
            #expect("\(error)".contains(path) && "\(error)".contains(problem), "\(error)")
        }
    }

    @Test func damagedTablesAreRefused() throws {
        try Self.withDirectory { directory in
            let names = Self.names(9)
            try Self.writer(directory, names).run { range, _ in Self.rows(range, names) }
            let shard = directory + "/shard-000001-of-000003.safetensors"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: shard))
            try bytes.dropLast(5).write(to: URL(fileURLWithPath: shard))
            #expect(throws: (any Error).self) { try ShardedTable(path: directory) }
            try Data("{}".utf8).write(to: URL(fileURLWithPath: directory + "/table.json"))
            let error = try #require(throws: ConceptError.self) {
                try ShardedTable(path: directory)
            }
            #expect("\(error)".contains("table.json"))
            #expect(throws: ConceptError.self) { try ShardedTable(path: "/no/table") }
        }
    }

    /// Sizes that only stand in the manifest: the shards that are there decide, and nothing else
    /// takes memory or a loop as long as they say.
    @Test(arguments: [
        ("shardSize", "9223372036854775807"), ("count", "9000000000"), ("shardSize", "1"),
        ("count", "9223372036854775807"), ("width", "9223372036854775807"), ("count", "8"),
    ]) func sizesAreThoseOfTheShards(_ key: String, _ value: String) throws {
        try Self.withDirectory { directory in
            let names = Self.names(9)
            try Self.writer(directory, names).run { range, _ in Self.rows(range, names) }
            let path = directory + "/table.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let changed = text.replacing(
                try Regex("\"\(key)\" : [0-9]+"), with: "\"\(key)\": \(value)")
            #expect(changed != text)
            try changed.write(toFile: path, atomically: true, encoding: .utf8)
            let error = try #require(throws: ConceptError.self) {
                try ShardedTable(path: directory)
            }
            #expect("\(error)".contains(directory), "\(error)")
        }
    }

    /// A flipped bit of a row is seen, and named with its file.
    @Test func flippedBitsAreSeen() throws {
        try Self.withDirectory { directory in
            let names = Self.names(9)
            try Self.writer(directory, names).run { range, _ in Self.rows(range, names) }
            let shard = directory + "/shard-000001-of-000003.safetensors"
            let whole = try Data(contentsOf: URL(fileURLWithPath: shard))
            let start = 8 + whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            for place in [start, start + 7, whole.count - 1] {
                var bytes = whole
                bytes[place] ^= 0x80
                try bytes.write(to: URL(fileURLWithPath: shard))
                let error = try #require(throws: (any Error).self) {
                    try ShardedTable(path: directory)
                }
                #expect("\(error)".contains(shard), "\(error)")
            }
            try whole.write(to: URL(fileURLWithPath: shard))
            #expect(try ShardedTable(path: directory).count == 7)
        }
    }

    /// What is wrong in a manifest is said with its field.
    @Test(arguments: [
        (#""shardSize" : 4"#, #""shardSize" : 0"#, "'shardSize' is 0"),
        (#""width" : 3"#, #""width" : "3""#, "'width' must be a whole number"),
        (#""count" : 9,"#, "", "'count'"), ("}", "", "line"),
        (#""texts""#, #""prose""#, "'content' must be one of images, texts"),
    ]) func manifestsNameTheirField(_ old: String, _ new: String, _ problem: String) throws {
        try Self.withDirectory { directory in
            let names = Self.names(9)
            try Self.writer(directory, names).run { range, _ in Self.rows(range, names) }
            let path = directory + "/table.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains(old))
            try text.replacing(old, with: new).write(
                toFile: path, atomically: true, encoding: .utf8)
            let error = try #require(throws: ConceptError.self) {
                try ShardedTable(path: directory)
            }
            #expect("\(error)".contains("table.json") && "\(error)".contains(problem), "\(error)")
        }
    }

    /// A file where a shard would go, and nothing that says how it was made.
    @Test func shardsOfOthersAreNotTakenOver() throws {
        try Self.withDirectory { directory in
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            let shard = directory + "/shard-000001-of-000003.safetensors"
            try Data("mine".utf8).write(to: URL(fileURLWithPath: shard))
            #expect(throws: ConceptError.foreignShard(path: shard)) {
                try Self.writer(directory, Self.names(9))
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: shard)) == Data("mine".utf8))
            #expect(!FileManager.default.fileExists(atPath: directory + "/table.json"))
        }
    }

    /// One shard that holds all, although its manifest has room for many more names.
    @Test func oneShardOfManyNamesIsChecked() throws {
        try Self.withDirectory { directory in
            let names = Self.names(3)
            try Self.writer(directory, names).run { range, _ in Self.rows(range, names) }
            let path = directory + "/table.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
                .replacing("\"count\" : 3", with: "\"count\" : 9000000000")
                .replacing("\"shardSize\" : 4", with: "\"shardSize\" : 9000000000")
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let error = try #require(throws: ConceptError.self) {
                try ShardedTable(path: directory)
            }
            #expect("\(error)".contains("3 of the 9000000000 names"), "\(error)")
        }
    }

    /// What is removed at the end is what was made, and nothing else.
    @Test func temporaryTablesLeaveOtherFilesAlone() throws {
        try Self.withDirectory { directory in
            let files = FileManager.default
            let path = directory + "/ranks"
            let names = Self.names(9)
            try Self.writer(path, names).run { range, _ in Self.rows(range, names) }
            try TemporaryTable(path: path).remove()
            #expect(!files.fileExists(atPath: path))
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data("1".utf8).write(to: URL(fileURLWithPath: path + "/mine.txt"))
            #expect(throws: ConceptError.foreignDirectory(path: path)) {
                try TemporaryTable(path: path)
            }
            // Something that somebody puts there meanwhile.
            try files.removeItem(atPath: path + "/mine.txt")
            let table = try TemporaryTable(path: path)
            try Self.writer(path, names).run { range, _ in Self.rows(range, names) }
            try Data("1".utf8).write(to: URL(fileURLWithPath: path + "/mine.txt"))
            table.remove()
            #expect(try files.contentsOfDirectory(atPath: path) == ["mine.txt"])
        }
    }

    /// A list of skipped names that cannot be read is no empty one.
    @Test func damagedListsOfSkippedNamesAreRefused() throws {
        try Self.withDirectory { directory in
            let names = Self.names(3)
            try Self.writer(directory, names).run { range, _ in Self.rows(range, names) }
            let shard = directory + "/shard-000000-of-000001.safetensors"
            let file = try SafetensorsFile(path: shard)
            let tensors = try file.tensors().mapValues { $0.cloned() }
            try writeSafetensors(tensors, metadata: ["skipped": "[{\"name\": 3}]"], to: shard)
            let error = try #require(throws: ConceptError.self) {
                try ShardedTable(path: directory)
            }
            #expect("\(error)".contains(shard) && "\(error)".contains("without a row"), "\(error)")
        }
    }
}
