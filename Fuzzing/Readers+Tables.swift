import Concepts
import Foundation
import Text
import Torch

extension Reader {
    /// Tables of embeddings.
    static let tables: [Reader] = [
        json(
            "embeddings", #"{"a dog": [[0.5, -1e-3, NaN]], "é": [1, 2, 3], "x": [[[4], 5, 6]]}"#,
            [{ try use(ShardedTable(path: $0.path)) }]),
        Reader(
            name: "table-manifest", file: "table.json", form: .text,
            seeds: { [try written(in: $0, "table.json")] },
            uses: [{ try use(ShardedTable(path: $0.directory)) }]),
        Reader(
            name: "table-shard", file: shard, form: .binary,
            seeds: { [try written(in: $0, shard)] },
            uses: [{ try use(ShardedTable(path: $0.directory)) }]),
    ]

    private static let shard = "shard-000001-of-000003.safetensors"

    private static func use(_ table: ShardedTable) throws {
        _ = try table.rows.checked()
        guard table.count > 0 else { return }
        _ = try table.rows([table.count - 1, 0]).array(of: Float.self)
    }

    /// A file of a table that is written into a directory.
    private static func written(in directory: String, _ file: String) throws -> Data {
        var names = StringTable()
        for number in 0..<9 { names.insert("name \(number) é") }
        // Another run may have left its table, or a changed one, in the same place.
        for old in try FileManager.default.contentsOfDirectory(atPath: directory) {
            try FileManager.default.removeItem(atPath: directory + "/" + old)
        }
        let writer = try TableWriter(
            directory: directory, content: .texts, source: "fuzzing", width: 3, names: names,
            shardSize: 4)
        try writer.run { range, _ in
            let kept = range.filter { !$0.isMultiple(of: 7) }
            return TableWriter.Rows(
                values: Tensor(kept.flatMap { [Float($0), 1, -1] }, shape: [kept.count, 3]),
                skipped: range.filter { $0.isMultiple(of: 7) }.map {
                    SkippedName(name: names[$0], reason: "left out")
                })
        }
        return try Data(contentsOf: URL(fileURLWithPath: directory + "/" + file))
    }
}
