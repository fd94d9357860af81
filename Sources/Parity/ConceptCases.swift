import Concepts
import Datasets
import Foundation
import Text
import Torch

extension ParityCase {
    private struct SelectionFields: Decodable {
        let count: Int
        let concepts: [String]
        let imagePaths: [String]
        let input: [PretrainingRecord]
        let output: [PretrainingRecord]

        enum CodingKeys: String, CodingKey {
            case count = "k"
            case concepts
            case imagePaths = "image_paths"
            case input = "dataset_in"
            case output = "dataset_out"
        }
    }

    /// The concepts of images in both roundings, and the annotation file with them.
    func compareConceptSelection() throws -> Comparison {
        let fields: SelectionFields = try fields()
        let inputs = try tensors("inputs.safetensors")
        let expected = try tensors("expected.safetensors")
        guard let concepts = inputs["concept_embeddings"], let images = inputs["image_embeddings"],
            let indices = expected["topk_indices"]
        else { throw ParityError.malformed(case: name, reason: "a tensor is missing") }
        var comparison = Comparison()
        for (rounding, key, tolerance) in [
            (ConceptRanking.Rounding.full, "logits_fp32", 1e-6), (.official, "logits_fp16", 1e-3),
        ] {
            let best = try ConceptRanking(
                concepts: concepts, count: fields.count, rounding: rounding, path: name)(images)
            try comparison.tensor("topk_indices (\(key))", best.concepts, indices, within: 0)
            if let logits = expected[key] {
                try comparison.tensor(
                    key, best.scores, logits.to(dtype: .float32).gather(1, indices),
                    within: tolerance)
            }
        }
        try withTemporaryDirectory { directory in
            let file = try RecordFile(
                path: write(fields.input, to: directory.appendingPathComponent("in.json")))
            let attachment = try ConceptAttachment(
                images: table(fields.imagePaths, images, .images, in: directory),
                concepts: table(fields.concepts, concepts, .texts, in: directory),
                count: fields.count, rounding: .official, files: [file])
            let output = directory.appendingPathComponent("out.json").path
            _ = try attachment.write(file, to: output)
            comparison.same(
                "dataset_out",
                try AnnotationFile.load(
                    PretrainingRecord.self, files: [output], requiresConcepts: true),
                fields.output)
        }
        return comparison
    }

    private struct FilterFields: Decodable {
        struct Record: Codable, Equatable {
            let image: String
            let caption: String
            let extra: Int
            let similarity: Float?

            enum CodingKeys: String, CodingKey {
                case image, caption, extra
                case similarity = "sim"
            }
        }
        struct Result: Decodable {
            let perImage: [Record]
            let percentage: [Record]

            enum CodingKeys: String, CodingKey {
                case perImage = "per_image"
                case percentage
            }
        }
        let input: [Record]
        let imagePaths: [String]
        let captions: [String]
        let results: [String: Result]

        enum CodingKeys: String, CodingKey {
            case input = "dataset_in"
            case imagePaths = "image_paths"
            case captions = "captions_in_order"
            case results
        }
    }

    /// What both filters keep, in which order, with which similarity.
    func compareCaptionFilter() throws -> Comparison {
        let fields: FilterFields = try fields()
        let inputs = try tensors("inputs.safetensors")
        guard let captions = inputs["caption_embeddings"], let images = inputs["image_embeddings"]
        else { throw ParityError.malformed(case: name, reason: "a tensor is missing") }
        var comparison = Comparison()
        try withTemporaryDirectory { directory in
            let filter = try CaptionFilter(
                RecordFile(
                    path: write(fields.input, to: directory.appendingPathComponent("in.json"))))
            let similarities = try filter.similarities(
                images: table(fields.imagePaths, images, .images, in: directory),
                captions: table(fields.captions, captions, .texts, in: directory),
                rounding: .official)
            for (share, result) in fields.results.sorted(by: { $0.key < $1.key }) {
                guard let number = Double(share) else { continue }
                for (what, rule, expected) in [
                    (
                        "per_image",
                        CaptionFilter.Rule.perImage(share: number, keepsEveryImage: false),
                        result.perImage
                    ),
                    ("percentage", .overall(share: number), result.percentage),
                ] {
                    let path = directory.appendingPathComponent("\(what)-\(share).json").path
                    _ = try filter.write(
                        rule, similarities: similarities, storesSimilarity: true, to: path)
                    let found = try AnnotationFile.load([FilterFields.Record].self, file: path)
                    comparison.same(
                        "\(share) \(what)", found.map(\.extra), expected.map(\.extra))
                    for (a, b) in zip(found, expected) {
                        comparison.number(
                            "\(share) \(what) sim of \(b.extra)", Double(a.similarity ?? .nan),
                            Double(b.similarity ?? .nan), within: 5e-4)
                    }
                }
            }
        }
        return comparison
    }

    // MARK: Files

    private func withTemporaryDirectory(_ body: (URL) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("vicha-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory)
    }

    private func write(_ records: some Encodable, to url: URL) throws -> String {
        try JSONEncoder().encode(records).write(to: url)
        return url.path
    }

    private func table(
        _ names: [String], _ rows: Tensor, _ content: TableManifest.Content, in directory: URL
    ) throws -> ShardedTable {
        var table = StringTable()
        for name in names { table.insert(name) }
        let path = directory.appendingPathComponent(content.rawValue).path
        let writer = try TableWriter(
            directory: path, content: content, source: name, width: rows.size(1), names: table,
            shardSize: 7)
        try writer.run { range, _ in .init(values: rows.slice(0, range)) }
        return try ShardedTable(path: path)
    }
}
