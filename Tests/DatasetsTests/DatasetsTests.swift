import Batches
import Foundation
import Images
import Tasks
import Testing
import Text
import Torch

@testable import Datasets

@Suite struct DatasetsTests {
    static func file(_ text: String) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID().uuidString).json"
        ).path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test func recordsOfSeveralFilesAreRead() throws {
        let a = try Self.file(#"[{"image": "a.jpg", "caption": "one", "kwords": ["x"]}]"#)
        let b = try Self.file(
            #"[{"image": "b.jpg", "caption": ["two", "three"], "kwords": [], "extra": 1}]"#)
        #expect(
            try AnnotationFile.load(
                PretrainingRecord.self, files: [a, b], requiresConcepts: true) == [
                    PretrainingRecord(image: "a.jpg", captions: ["one"], concepts: ["x"]),
                    PretrainingRecord(image: "b.jpg", captions: ["two", "three"], concepts: []),
                ])
    }

    @Test(arguments: [
        (#"[{"image": "a.jpg", "caption": "one"}, {"image": "b.jpg"}]"#, "record 1", "caption"),
        (
            #"[{"image": "a.jpg", "caption": "one"}, {"image": 7, "caption": "x"}]"#, "record 1",
            "image"
        ),
        (#"[{"image": "", "caption": "one"}]"#, "record 0", "image"),
        (#"[{"image": "a.jpg", "caption": " "}]"#, "record 0", "caption"),
        (#"[{"image": "a.jpg", "caption": []}]"#, "record 0", "caption"),
        (#"[{"image": "a.jpg", "caption": "x", "kwords": "dog"}]"#, "record 0", "kwords"),
        (#"[{"image": "a.jpg""#, "inside of an object", ""),
        (#"{"image": "a.jpg"}"#, "must be a list", ""),
        ("[]", "no record", ""),
    ]) func badAnnotationsAreNamed(_ text: String, _ place: String, _ field: String) throws {
        let path = try Self.file(text)
        let error = try #require(throws: AnnotationError.self) {
            try AnnotationFile.load(
                PretrainingRecord.self, files: [path], requiresConcepts: false)
        }
        #expect("\(error)".contains(path))
        #expect("\(error)".contains(place), "\(error)")
        #expect(field.isEmpty || "\(error)".contains("'\(field)'"), "\(error)")
    }

    @Test func missingConceptsAreAnErrorWhereNeeded() throws {
        let path = try Self.file(#"[{"image": "a.jpg", "caption": "one"}]"#)
        #expect(throws: AnnotationError.self) {
            try AnnotationFile.load(
                PretrainingRecord.self, files: [path], requiresConcepts: true)
        }
        #expect(throws: AnnotationError.self) {
            try AnnotationFile.load(
                PretrainingRecord.self, files: ["/no.json"], requiresConcepts: false)
        }
    }

    @Test func pathsResolve() {
        var paths = ImagePaths(
            dataDirectory: "/d", absolutePaths: .shortened,
            replacements: [("/old/", "/new/"), ("coco/", "c/")])
        #expect(paths.resolve("x/a.jpg") == "/d/x/a.jpg")
        #expect(paths.resolve("/data/user/data/coco/a.jpg") == "/d/coco/a.jpg")
        #expect(paths.resolve("/old/a.jpg") == "/new/a.jpg")
        #expect(paths.resolve("coco/a.jpg") == "c/a.jpg")
        #expect(paths.resolve("/a/b.jpg") == "/a/b.jpg")
        paths.absolutePaths = .kept
        #expect(paths.resolve("/data/user/data/coco/a.jpg") == "/data/user/data/coco/a.jpg")
        #expect(paths.resolve("/old/a.jpg") == "/new/a.jpg")
        paths.absolutePaths = .shortenedWhereMissing
        #expect(paths.resolve("/data/user/data/coco/a.jpg") == "/d/coco/a.jpg")
        #expect(paths.resolve("/proc/self/status") == "/proc/self/status")
    }

    /// Directory, image root, path, and what `os.path.join(directory, root, path)` of Python is.
    @Test(arguments: [
        ("/d", "r", "a.jpg", "/d/r/a.jpg"), ("/d/", "r/", "a.jpg", "/d/r/a.jpg"),
        ("/d", "", "a.jpg", "/d/a.jpg"), ("", "", "a.jpg", "a.jpg"), ("", "r", "a.jpg", "r/a.jpg"),
        ("/d", "/r", "a.jpg", "/r/a.jpg"), ("/d", "r", "/a/b/c/d/e.jpg", "/a/b/c/d/e.jpg"),
        ("/d", "/r/", "/e.jpg", "/e.jpg"), ("/d", ".", "../a.jpg", "/d/./../a.jpg"),
        (".", "r//s", "./a.jpg", "./r//s/./a.jpg"), ("d", "..", "a//b.jpg", "d/../a//b.jpg"),
    ]) func pathsJoinAsInPython(_ part: (String, String, String, String)) {
        let paths = ImagePaths(dataDirectory: part.0).inside(part.1)
        #expect(paths.resolve(part.2) == part.3)
    }

    @Test func samplerVisitsEveryRecordOnce() {
        let sampler = EpochSampler(count: 23, batchSize: 5, seed: 1)
        #expect(sampler.batchCount == 4)
        func batches(_ sampler: EpochSampler, epoch: Int) -> [[Int]] {
            let order = sampler.order(epoch: epoch)
            return (0..<sampler.batchCount).map { sampler.batch($0, of: order) }
        }
        let first = batches(sampler, epoch: 0)
        #expect(Set(first.flatMap { $0 }).count == 20)
        #expect(first == batches(sampler, epoch: 0))
        #expect(first != batches(sampler, epoch: 1))
        #expect(first != batches(EpochSampler(count: 23, batchSize: 5, seed: 2), epoch: 0))
        // What runs that were saved go on with.
        #expect(
            first[0]
                == {
                    var random = SeededGenerator(1, 0)
                    return Array(Array(0..<23).shuffled(using: &random).prefix(5))
                }())
        // A limit cuts epochs short; each has others of the records.
        let short = EpochSampler(count: 23, batchSize: 5, seed: 1, maxBatches: 2)
        #expect(short.batchCount == 2 && batches(short, epoch: 0) == Array(first.prefix(2)))
        #expect(batches(short, epoch: 1) == Array(batches(sampler, epoch: 1).prefix(2)))
        #expect(EpochSampler(count: 23, batchSize: 5, seed: 1, maxBatches: 9).batchCount == 4)
    }

    @Test(arguments: [1, 2, 4]) func loaderKeepsOrder(_ workers: Int) throws {
        let loader = PrefetchingLoader(3..<60, workers: workers, ahead: 4) { number -> Int in
            usleep(UInt32.random(in: 0...800))
            return number
        }
        var seen: [Int] = []
        while let batch = try loader.next() { seen.append(batch) }
        #expect(seen == Array(3..<60))
        #expect(try loader.next() == nil)
    }

    @Test func loaderPassesErrorsOnAtTheirPlace() throws {
        struct Broken: Error {}
        let loader = PrefetchingLoader(0..<4, workers: 2, ahead: 4) { number -> Int in
            if number == 2 { throw Broken() }
            return number
        }
        #expect(try loader.next() == 0)
        #expect(try loader.next() == 1)
        #expect(throws: Broken.self) { try loader.next() }
        #expect(try loader.next() == 3)
    }

    static func dataset(_ count: Int, broken: Set<Int> = []) throws -> (ImageTextDataset, URL) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for index in 0..<count {
            let image = RGBImage(
                width: 20 + index, height: 20, filledWith: UInt8(truncatingIfNeeded: 10 * index))
            try (broken.contains(index) ? Data("text".utf8) : ImageEncoder.png(image))
                .write(to: directory.appendingPathComponent("\(index).png"))
        }
        let vocabulary = directory.appendingPathComponent("vocab.txt")
        try "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb".write(
            to: vocabulary, atomically: true, encoding: .utf8)
        let pairs = (0..<count).map {
            ImageTextPair(
                image: "\($0).png", texts: ["a", "a b"], concepts: ["a", "b"], identity: $0 / 2)
        }
        var options = ImageTextOptions(
            transform: .training(
                .crop(RandomResizedCrop(side: 8, scale: 0.2...1)), flips: true,
                augmentation: RandAugment(keepsOverflows: false)))
        options.drawnConceptShare = 0.5
        return (
            ImageTextDataset(
                pairs: RecordList(pairs), paths: ImagePaths(dataDirectory: directory.path),
                tokenizer: try WordPieceTokenizer(vocabularyFile: vocabulary.path), options: options
            ),
            directory
        )
    }

    @Test func batchesDependOnSeedAndIndexAlone() throws {
        let (dataset, directory) = try Self.dataset(6)
        defer { try? FileManager.default.removeItem(at: directory) }
        _ = try dataset.inspect()
        func pixels(_ indices: [Int], _ seed: (UInt64, UInt64)) throws -> [Float] {
            try dataset.batch(indices, seed: seed).batch.images.pixels.array()
        }
        let whole = try pixels([0, 1, 2, 3], (1, 2))
        #expect(try Array(whole[(2 * 192)...]) == pixels([2, 3], (1, 2)))
        #expect(try pixels([0, 1, 2, 3], (1, 3)) != whole)
        let batch = try dataset.batch([0, 1, 2, 3], seed: (1, 2)).batch
        #expect(batch.count == 4 && batch.images.concepts?.length == 2)
    }

    /// Records of several files are read one by one, with what is wrong with one named at the start.
    @Test func recordsAreReadWhenAskedFor() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func file(_ name: String, _ text: String) throws -> String {
            let path = directory.appendingPathComponent(name).path
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
        let files = try [
            file(
                "a.json",
                #"[{"image": "a", "caption": "x"}, {"image": "b", "caption": ["y", "z"]}]"#),
            file("none.json", "[]"), file("c.json", #"[{"caption": "w", "image": "c"}]"#),
        ]
        let records = try RecordList<PretrainingRecord>(files: files, requiresConcepts: false)
        #expect(records.count == 3)
        #expect(try records.all().map(\.image) == ["a", "b", "c"])
        #expect(try records[2].captions == ["w"] && records[1].captions == ["y", "z"])
        #expect(
            try ImageTextPair.pairs(of: records).all().map(\.identity) == [0, 1, 2])
        func message(_ text: String, requiresConcepts: Bool = false) throws -> String {
            let bad = try file("bad.json", text)
            let error = #expect(throws: AnnotationError.self) {
                try RecordList<PretrainingRecord>(
                    files: [files[0], bad], requiresConcepts: requiresConcepts
                ).all()
            }
            return error.map { "\($0)" } ?? ""
        }
        #expect(
            try message(#"[{"image": "d", "caption": "x"}, {"image": "", "caption": "x"}]"#)
                .contains("bad.json', record 1 (counted from 0): 'image' must be a path"))
        #expect(try message(#"[{"image": "d", "caption": 3}]"#).contains("bad.json'"))
        #expect(
            try message(#"[{"image": "d", "caption": "x"}]"#, requiresConcepts: true)
                .contains("a.json', record 0 (counted from 0): 'kwords'"))
        #expect(throws: AnnotationError.empty(files: [files[1]])) {
            try RecordList<PretrainingRecord>(files: [files[1]], requiresConcepts: false)
        }
    }

    /// Captions of one image share a number: by image_id, else by path, phrases by file name.
    @Test func identitiesFollowTheImages() throws {
        let records = [("a.jpg", "7"), ("b.jpg", nil), ("c.jpg", "7"), ("b.jpg", nil)].map {
            RetrievalRecord(image: $0.0, captions: ["x"], imageID: $0.1, concepts: nil)
        }
        #expect(
            try ImageTextPair.pairs(of: RecordList(records)).all().map(\.identity) == [0, 1, 0, 1])
        let phrases = ["x/a.jpg", "y/a.jpg", "b.jpg"].map {
            ReferringRecord(image: $0, text: "x", referenceID: 1, concepts: nil)
        }
        #expect(
            try ImageTextPair.pairs(of: RecordList(phrases)).all().map(\.identity) == [0, 0, 1])
    }

    /// Left and right change places in the texts of mirrored images, where that is asked for.
    @Test(arguments: [true, false]) func textsFollowMirroredImages(_ swaps: Bool) throws {
        let (dataset, directory) = try Self.dataset(2)
        defer { try? FileManager.default.removeItem(at: directory) }
        var options = dataset.options
        options.swapsSides = swaps
        let mirrored = ImageTextDataset(
            pairs: RecordList([
                ImageTextPair(
                    image: "0.png", texts: ["The cat on the left, rightmost-left"], concepts: nil,
                    identity: 0)
            ]), paths: dataset.paths,
            tokenizer: try WordPieceTokenizer(
                vocabularyFile: directory.appendingPathComponent("vocab.txt").path),
            options: options)
        var random = SeededGenerator(1)
        let same = try mirrored.texts(of: 0, isMirrored: false, using: &random).text
        #expect(same == "the cat on the left rightmost left")
        let text = try mirrored.texts(of: 0, isMirrored: true, using: &random).text
        #expect(text == (swaps ? "the cat on the right leftmost right" : same))
    }

    /// Records of one image are taken together only where that is asked for.
    @Test(arguments: [true, false]) func repeatedImages(_ merges: Bool) throws {
        let (dataset, directory) = try Self.dataset(2)
        defer { try? FileManager.default.removeItem(at: directory) }
        var options = EvaluationOptions(side: 8)
        options.mergesRepeatedImages = merges
        let set = RetrievalEvaluationSet(
            records: [("0.png", ["a"]), ("1.png", ["b"]), ("0.png", ["c", "d"])].map {
                RetrievalRecord(image: $0.0, captions: $0.1, imageID: nil, concepts: [])
            }, paths: dataset.paths,
            tokenizer: try WordPieceTokenizer(
                vocabularyFile: directory.appendingPathComponent("vocab.txt").path),
            options: options)
        #expect(set.repeatedImages == 1)
        #expect(set.records.count == (merges ? 2 : 3))
        #expect(set.inputs.texts == (merges ? ["a", "c", "d", "b"] : ["a", "b", "c", "d"]))
        #expect(set.imageOfText == (merges ? [0, 0, 0, 1] : [0, 1, 2, 2]))
    }

    /// Phrases keep the order of their file, and a batch reads an image once.
    @Test func phrasesShareTheirImage() throws {
        let (dataset, directory) = try Self.dataset(2)
        defer { try? FileManager.default.removeItem(at: directory) }
        let set = ReferringEvaluationSet(
            records: [("0.png", "a"), ("1.png", "b"), ("0.png", "b a")].map {
                ReferringRecord(image: $0.0, text: $0.1, referenceID: 1, concepts: ["a"])
            },
            source: TaskSource(
                images: dataset.paths,
                tokenizer: try WordPieceTokenizer(
                    vocabularyFile: directory.appendingPathComponent("vocab.txt").path)),
            options: EvaluationOptions(side: 8))
        #expect(set.records.map(\.text) == ["a", "b", "b a"])
        let batch = try set.batch(0..<3).batch
        #expect(batch.images.count == 2)
        #expect(try batch.imageOfText.array(of: Int.self) == [0, 1, 0])
        #expect(batch.texts.count == 3 && batch.texts.length == 3)
        #expect(batch.images.concepts?.length == 55)
    }

    @Test func unreadableImagesAreReplacedAndCounted() throws {
        let (dataset, directory) = try Self.dataset(6, broken: [1])
        defer { try? FileManager.default.removeItem(at: directory) }
        let (batch, skipped) = try dataset.batch([0, 1], seed: (1, 1))
        #expect(batch.count == 2)
        #expect(skipped.count >= 1)
        #expect(skipped[0].reason.contains("1.png"))
        let (broken, other) = try Self.dataset(2, broken: [0, 1])
        defer { try? FileManager.default.removeItem(at: other) }
        let error = try #require(throws: ReplacementError.self) {
            try broken.batch([0], seed: (1, 1))
        }
        #expect(error.records.count == 101)
    }

    /// What is said of a batch is said of each sample: more broken images in it than one sample may
    /// draw are no reason to end.
    @Test func eachSampleHasReplacementsOfItsOwn() throws {
        let (dataset, directory) = try Self.dataset(160, broken: Set(0..<120))
        defer { try? FileManager.default.removeItem(at: directory) }
        let (batch, skipped) = try dataset.batch(Array(0..<120), seed: (1, 1))
        #expect(batch.count == 120)
        #expect(Set(skipped.map(\.index)).count == 120)
    }

    /// Workers that wait for room end with the loader, and who waits for a batch is let go.
    @Test func droppedLoaderEndsItsWorkers() throws {
        final class Witness: Sendable {}
        weak var witness: Witness?
        do {
            let held = Witness()
            witness = held
            let loader = PrefetchingLoader(0..<1000, workers: 3, ahead: 3) { number in
                withExtendedLifetime(held) { number }
            }
            #expect(try loader.next() == 0)
        }
        let patience = Date(timeIntervalSinceNow: 20)
        while witness != nil, Date() < patience { usleep(10_000) }
        #expect(witness == nil)
        let stuck = PrefetchingLoader(0..<2, workers: 1, ahead: 1) { number in
            if number == 0 { Thread.sleep(forTimeInterval: 0.5) }
            return number
        }
        Thread { stuck.stop() }.start()
        #expect(try stuck.next() == nil)
    }

    /// Files that are cut short are replaced in training unless it is told otherwise, and read in an
    /// evaluation, which learns of them.
    @Test func cutImagesAreReadInEvaluation() throws {
        let (dataset, directory) = try Self.dataset(3)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appendingPathComponent("1.png")
        let data = try Data(contentsOf: file)
        try data.prefix(data.count - 30).write(to: file)
        #expect(try dataset.batch([1], seed: (1, 1)).skipped.count == 1)
        var options = dataset.options
        options.acceptance.trainsOnTruncated = true
        let tokenizer = try WordPieceTokenizer(
            vocabularyFile: directory.appendingPathComponent("vocab.txt").path)
        let tolerant = ImageTextDataset(
            pairs: dataset.pairs, paths: dataset.paths, tokenizer: tokenizer, options: options)
        #expect(try tolerant.batch([1], seed: (1, 1)).skipped == [])
        var evaluation = EvaluationOptions(side: 8)
        let images = [0, 1].map { directory.path + "/\($0).png" }
        func read() throws -> [ImageError] {
            try ImageBatch.read(images, concepts: [[], []], tokenizer: tokenizer, evaluation)
                .damages
        }
        let damages = try read()
        #expect(damages.count == 1 && "\(damages)".contains(file.path))
        evaluation.acceptance.maxPixels = 1
        #expect(throws: ImageError.self) { try read() }
    }

    @Test func missingImagesAreListed() throws {
        let (dataset, directory) = try Self.dataset(3)
        defer { try? FileManager.default.removeItem(at: directory) }
        try FileManager.default.removeItem(at: directory.appendingPathComponent("2.png"))
        let error = try #require(throws: AnnotationError.self) {
            try dataset.inspect()
        }
        #expect(error == .missingImages(count: 1, examples: [directory.path + "/2.png"]))
        var paths = dataset.paths
        paths.allowsMissingImages = true
        let tolerant = ImageTextDataset(
            pairs: dataset.pairs, paths: paths, tokenizer: dataset.tokenizer,
            options: dataset.options)
        #expect(try !tolerant.inspect().isEmpty)
    }
}
