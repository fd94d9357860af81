import Datasets
import Foundation
import Nouns
import Testing
import Text
import Torch

@testable import Concepts

/// What is done with annotation files: counting nouns, attaching concepts, filtering captions.
@Suite struct RecordTests {
    private static func file(_ bytes: Data) throws -> RecordFile {
        let path = NSTemporaryDirectory() + UUID().uuidString + ".json"
        try bytes.write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        // The mapping stays when the file is gone.
        return try RecordFile(path: path)
    }

    private static func file(_ text: String) throws -> RecordFile { try file(Data(text.utf8)) }

    private static func table(_ rows: [(String, [Float])], skipping: [String] = []) throws
        -> ShardedTable
    {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var names = StringTable()
        for row in rows { names.insert(row.0) }
        for name in skipping { names.insert(name) }
        let width = rows.first?.1.count ?? 1
        try TableWriter(
            directory: directory, content: .texts, source: "test", width: width, names: names,
            shardSize: 2
        ).run { range, _ in
            let kept = range.filter { $0 < rows.count }
            return .init(
                values: Tensor(kept.flatMap { rows[$0].1 }, shape: [kept.count, width]),
                skipped: range.filter { $0 >= rows.count }.map {
                    SkippedName(name: names[$0], reason: "missing")
                })
        }
        return try ShardedTable(path: directory)
    }

    private func written(_ body: (String) throws -> Void) throws -> [[String: Any]] {
        let path = NSTemporaryDirectory() + UUID().uuidString + ".json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
        let json = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(fileURLWithPath: path)))
        return try #require(json as? [[String: Any]])
    }

    // MARK: Attaching

    static let vocabulary: [(String, [Float])] = [
        ("north", [0, 2]), ("east", [3, 0]), ("south", [0, -1]), ("\"west\"\n", [-1, 0]),
    ]

    /// An image that is listed twice, one that could not be read, records of two images.
    @Test func conceptsAreAttached() throws {
        let file = try Self.file(
            #"""
            [{"image": "a", "caption": "x", "extra": {"k": [1.50, null]}}, {"image": "b"},
             {"image": "gone"}, {"image": "a", "kwords": ["old"]},
             {"images": ["b", "a"], "sentence": "s", "label": "True"},
             {"images": ["b", "gone"], "sentence": "s"}]
            """#)
        let attachment = try ConceptAttachment(
            images: Self.table(
                [("a", [1, 5]), ("b", [-3, 1]), ("unused", [1, 1])], skipping: ["gone"]),
            concepts: Self.table(Self.vocabulary), count: 2, files: [file])
        var report = ConceptAttachment.Report()
        let records = try written { report = try attachment.write(file, to: $0) }
        #expect(report == .init(written: 4, leftOut: 2))
        #expect(records[0]["kwords"] as? [String] == ["north", "east"])
        #expect(records[1]["kwords"] as? [String] == ["\"west\"\n", "north"])
        #expect(records[2]["kwords"] as? [String] == ["north", "east"])
        #expect(records[3]["kwords1"] as? [String] == ["\"west\"\n", "north"])
        #expect(records[3]["kwords2"] as? [String] == ["north", "east"])
        #expect(records[3]["kwords"] == nil && records[3]["label"] as? String == "True")
        let extra = try #require(records[0]["extra"] as? [String: [Any]])
        #expect(extra["k"]?.first as? Double == 1.5 && extra["k"]?.last is NSNull)
    }

    /// Names that differ in normalisation are two images, one of which may be unreadable; fields that
    /// are not known come back byte for byte.
    @Test func namesAreCodePointsAndFieldsStay() throws {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        let unknown = #""x": {"a": NaN, "b": "\ud83d", "a": 1.50},"y" : [ ]"#
        let file = try Self.file(
            "\u{feff}[{\"image\": \"\(composed)\", \(unknown)},\r\n {\"image\": \"\(decomposed)\"}]"
        )
        let attachment = try ConceptAttachment(
            images: Self.table([(composed, [1, 5])], skipping: [decomposed]),
            concepts: Self.table([(composed, [0, 2]), (decomposed, [3, 0])]), count: 2,
            files: [file])
        let path = NSTemporaryDirectory() + UUID().uuidString + ".json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try attachment.write(file, to: path) == .init(written: 1, leftOut: 1))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(
            text.utf8.elementsEqual(
                """
                [
                {"image": "\(composed)", "x": {"a": NaN, "b": "\\ud83d", "a": 1.50}, "y": [ ], \
                "kwords": ["\(composed)", "\(decomposed)"]}
                ]

                """.utf8))
    }

    @Test func wrongEmbeddingsAreNamed() throws {
        let file = try Self.file(#"[{"image": "a"}, {"image": "unknown"}]"#)
        let images = try Self.table([("a", [1, 5])])
        let concepts = try Self.table(Self.vocabulary)
        #expect(throws: ConceptError.missingEmbedding(name: "unknown", path: images.path)) {
            try ConceptAttachment(images: images, concepts: concepts, count: 2, files: [file])
        }
        #expect(throws: ConceptError.tooFewConcepts(path: concepts.path, found: 4, wanted: 5)) {
            try ConceptAttachment(images: images, concepts: concepts, count: 5, files: [file])
        }
        let wide = try Self.table([("a", [1, 5, 3])])
        #expect(throws: ConceptError.widthMismatch(wide.path, 3, concepts.path, 2)) {
            try ConceptAttachment(images: wide, concepts: concepts, count: 2, files: [file])
        }
    }

    @Test func inputsAreNotOverwritten() throws {
        let path = NSTemporaryDirectory() + UUID().uuidString + ".json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(#"[{"image": "a"}]"#.utf8).write(to: URL(fileURLWithPath: path))
        let file = try RecordFile(path: path)
        let attachment = try ConceptAttachment(
            images: Self.table([("a", [1, 5])]), concepts: Self.table(Self.vocabulary), count: 2,
            files: [file])
        #expect(throws: ConceptError.overwritesInput(path: path)) {
            try attachment.write(file, to: path)
        }
    }

    /// Nothing can be ranked for an embedding that is zero or not finite, in either rounding.
    @Test(arguments: [ConceptRanking.Rounding.full, .official])
    func imagesWithoutDirectionAreLeftOut(_ rounding: ConceptRanking.Rounding) throws {
        let file = try Self.file(
            #"[{"image": "a"}, {"image": "nan"}, {"image": "zero"}, {"image": "inf"}]"#)
        let attachment = try ConceptAttachment(
            images: Self.table([
                ("a", [1, 5]), ("nan", [Float.nan, 1]), ("zero", [0, 0]),
                ("inf", [1, Float.infinity]),
            ]), concepts: Self.table(Self.vocabulary), count: 2, rounding: rounding, files: [file])
        var report = ConceptAttachment.Report()
        let records = try written { report = try attachment.write(file, to: $0) }
        #expect(report == .init(written: 1, leftOut: 0, withoutDirection: 3))
        #expect(records.map { $0["image"] as? String } == ["a"])
        #expect(records[0]["kwords"] as? [String] == ["north", "east"])
    }

    @Test(arguments: [[Float.nan, 1], [0, 0], [-Float.infinity, 1]])
    func conceptsWithoutDirectionAreNamed(_ row: [Float]) throws {
        let concepts = try Self.table(Self.vocabulary + [("broken", row)])
        let file = try Self.file(#"[{"image": "a"}]"#)
        #expect(throws: ConceptError.noDirection(name: "broken", path: concepts.path)) {
            try ConceptAttachment(
                images: Self.table([("a", [1, 5])]), concepts: concepts, count: 2, files: [file])
        }
    }

    /// Numbers of concepts that the vocabulary does not have.
    @Test func ranksOfAnotherVocabularyAreRefused() throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var names = StringTable()
        names.insert("a")
        try TableWriter(
            directory: directory, content: .concepts, source: "test", width: 2, names: names,
            shardSize: 2
        ).run { _, _ in .init(values: Tensor([0, 4] as [Int32], shape: [1, 2])) }
        let ranks = try ShardedTable(path: directory)
        #expect(throws: ConceptError.self) {
            try ConceptAttachment(ranks: ranks, vocabulary: Self.table(Self.vocabulary).names)
        }
    }

    // MARK: Filtering

    private static let pairs = #"""
        [{"image": "a", "caption": ["a0", "a1", "a2"], "id": 7}, {"image": "b", "caption": "b0"},
         {"image": "a", "caption": "a3"}, {"image": "gone", "caption": "g0"}]
        """#
    private static let cosines: [Float?] = [0.1, 0.4, 0.2, 0.3, 0.4, nil]

    @Test(arguments: [
        (CaptionFilter.Rule.perImage(share: 0.5, keepsEveryImage: true), ["a1", "a3", "b0"]),
        (.perImage(share: 0.5, keepsEveryImage: false), ["a1", "a3"]),
        (.perImage(share: 1, keepsEveryImage: false), ["a1", "a3", "a2", "a0", "b0"]),
        (.overall(share: 0.6), ["a1", "a3", "b0"]), (.overall(share: 0.1), []),
    ]) func bestCaptionsStay(_ rule: CaptionFilter.Rule, _ captions: [String]) throws {
        let filter = try CaptionFilter(Self.file(Self.pairs))
        #expect(filter.pairCount == 6)
        var report = CaptionFilter.Report()
        let records = try written {
            report = try filter.write(
                rule, similarities: Self.cosines, storesSimilarity: true, to: $0)
        }
        #expect(records.map { $0["caption"] as? String } == captions)
        #expect(report == .init(pairs: 6, kept: captions.count, unreadable: 1))
        #expect(records.allSatisfy { $0["sim"] is Double })
        if captions.first == "a1" { #expect(records[0]["id"] as? Int == 7) }
    }

    @Test(arguments: [0, -1, 1.01, Double.nan]) func wrongShares(_ share: Double) throws {
        #expect(throws: ConceptError.self) {
            try CaptionFilter.Rule.overall(share: share).validate()
        }
        #expect(throws: ConceptError.self) {
            try CaptionFilter.Rule.perImage(share: share, keepsEveryImage: true).validate()
        }
    }

    @Test func similaritiesOfSavedEmbeddings() throws {
        let filter = try CaptionFilter(Self.file(Self.pairs))
        let images = try Self.table([("a", [1, 0]), ("b", [0, 2])], skipping: ["gone"])
        let captions = try Self.table([
            ("a0", [1, 0]), ("a1", [0, 1]), ("a2", [-4, 0]), ("a3", [1, 1]), ("b0", [0, 1]),
        ])
        let found = try filter.similarities(images: images, captions: captions)
        let half = Float(0.5).squareRoot()
        for (a, b) in zip(found, [1, 0, -1, 1, half, nil] as [Float?]) {
            #expect((a == nil) == (b == nil) && abs((a ?? 0) - (b ?? 0)) < 1e-6)
        }
    }

    /// What has no finite similarity is dropped and counted, and never written.
    @Test(arguments: [ConceptRanking.Rounding.full, .official])
    func pairsWithoutSimilarityAreDropped(_ rounding: ConceptRanking.Rounding) throws {
        let filter = try CaptionFilter(Self.file(Self.pairs))
        let images = try Self.table([("a", [1, 0]), ("b", [0, 2])], skipping: ["gone"])
        let captions = try Self.table([
            ("a0", [1, 0]), ("a1", [Float.infinity, 1]), ("a2", [0, 0]), ("a3", [1, 1]),
            ("b0", [Float.nan, 1]),
        ])
        let similarities = try filter.similarities(
            images: images, captions: captions, rounding: rounding)
        #expect(similarities.map { $0?.isFinite } == [true, false, false, false, true, nil])
        for rule in [
            CaptionFilter.Rule.perImage(share: 1, keepsEveryImage: true), .overall(share: 1),
        ] {
            var report = CaptionFilter.Report()
            let records = try written {
                report = try filter.write(
                    rule, similarities: similarities, storesSimilarity: true, to: $0)
            }
            #expect(records.map { $0["caption"] as? String } == ["a0", "a3"])
            #expect(records.allSatisfy { $0["sim"] is Double })
            #expect(report == .init(pairs: 6, kept: 2, unreadable: 1, notFinite: 3))
        }
    }

    // MARK: Extracting

    /// Occurrences count also inside a caption; equal counts stay in the order of first appearance,
    /// whatever the number of threads.
    @Test(arguments: [1, 3]) func nounsAreCounted(_ workers: Int) throws {
        let captions = (0..<3000).map {
            $0.isMultiple(of: 3) ? "a cat and a cat" : "a dog on a mat"
        }
        let records =
            captions.map { #"{"caption": "\#($0)"}"# } + [
                #"{"sentence": "a zebra"}"#, #"{"caption": ["a bird", "a cat"]}"#,
            ]
        let file = try Self.file("[" + records.joined(separator: ",\n") + "]")
        var extraction = ConceptExtraction()
        try extraction.add(file, wordNet: WordNet(), tagger: .standard(), workers: workers)
        #expect(extraction.captions == 3003)
        let sorted = extraction.heads.sorted()
        #expect(sorted.map(\.name) == ["cat", "dog", "mat", "zebra", "bird"])
        #expect(sorted.map(\.count) == [2001, 2000, 2000, 1, 1])
        #expect(extraction.heads.sorted(minCount: 2, maxConcepts: 2).map(\.name) == ["cat", "dog"])
    }

    /// A caption of any length is counted part by part.
    @Test func longCaptionsAreCounted() throws {
        let count = 40_000
        let file = try Self.file(
            #"[{"caption": "\#(String(repeating: "a cat on a mat. ", count: count))"}]"#)
        var extraction = ConceptExtraction()
        try extraction.add(file, wordNet: WordNet(), tagger: .standard())
        #expect(extraction.heads.sorted().map(\.count) == [count, count])
    }

    @Test func captionsThatAreNoTextAreCounted() throws {
        var bytes = Data(#"[{"caption": "a dog"}, {"caption": "a "#.utf8)
        bytes.append(contentsOf: [0xff, 0xfe])
        bytes.append(contentsOf: #""}, {"caption": "a cat"}]"#.utf8)
        var extraction = ConceptExtraction()
        try extraction.add(Self.file(bytes), wordNet: WordNet(), tagger: .standard())
        #expect(extraction.captions == 2 && extraction.skipped == 1)
        #expect(extraction.heads.sorted().map(\.name) == ["dog", "cat"])
    }

    @Test(arguments: [
        (#"[{"text": "a dog"}]"#, "'caption'"), (#"[{"caption": 3}]"#, "'caption'"),
        (#"[{"caption": "a dog"} {}]"#, "column 23"), (#"[{"caption": "a dog"}"#, "record 1"),
    ]) func wrongRecordsAreNamed(_ text: String, _ place: String) throws {
        let error = try #require(throws: AnnotationError.self) {
            var extraction = ConceptExtraction()
            try extraction.add(Self.file(text), wordNet: WordNet(), tagger: .standard())
        }
        #expect("\(error)".contains(place), "\(error)")
    }
}
