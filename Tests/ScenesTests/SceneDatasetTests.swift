import Datasets
import Foundation
import Images
import Testing
import Text

@testable import Scenes

@Suite struct SceneDatasetTests {
    static func temporaryDirectory() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    }

    /// One data set that several tests read.
    private static let made: Result<String, any Error> = Result {
        let directory = temporaryDirectory()
        _ = try SceneDataset(
            .init(images: 240, side: 96, seed: 3, fillsConcepts: true), directory: directory
        )
        .write()
        return directory
    }

    private static func files(of directory: String) throws -> [String: Data] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: directory)
        return Dictionary(
            uniqueKeysWithValues: names.compactMap { name in
                FileManager.default.contents(atPath: directory + "/" + name).map { (name, $0) }
            })
    }

    @Test func filesDependOnTheOptionsAlone() throws {
        func files(seed: UInt64, workers: Int) throws -> [String: Data] {
            let directory = Self.temporaryDirectory()
            defer { try? FileManager.default.removeItem(atPath: directory) }
            _ = try SceneDataset(
                .init(images: 60, side: 48, seed: seed, fillsConcepts: true), directory: directory
            ).write(workers: workers)
            return try Self.files(of: directory)
        }
        let one = try files(seed: 5, workers: 1)
        #expect(one.count > 60)
        #expect(try files(seed: 5, workers: 4) == one)
        let other = try files(seed: 6, workers: 1)
        #expect(other["pretrain.json"] != one["pretrain.json"])
        #expect(other["vocab.txt"] == one["vocab.txt"])
    }

    @Test func directoriesAreMadeWholeAndKept() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let options = SceneDataset.Options(images: 40, side: 32, fillsConcepts: false)
        let made = try SceneDataset(options, directory: directory).write()
        #expect(made.isNew)
        let again = try SceneDataset(options, directory: directory + "/").write()
        #expect(!again.isNew && again.summary == made.summary)
        var others = options
        others.seed = 1
        let other = #expect(throws: SceneDatasetError.self) {
            try SceneDataset(others, directory: directory).write()
        }
        #expect("\(try #require(other))".contains("seed 1"))
        let foreign = FileManager.default.temporaryDirectory.path
        #expect(throws: SceneDatasetError.exists(path: foreign)) {
            try SceneDataset(options, directory: foreign).write()
        }
        let beside = try FileManager.default.contentsOfDirectory(
            atPath: (directory as NSString).deletingLastPathComponent)
        #expect(!beside.contains { $0.contains((directory as NSString).lastPathComponent + ".") })
        #expect(throws: SceneDatasetError.self) {
            try SceneDataset(.init(images: 10, fillsConcepts: false), directory: directory).write()
        }
    }

    // MARK: Records

    /// The images that a file's records name, read by the loader of its task.
    private static func images<Record: AnnotationRecord>(
        _ file: String, _ image: (Record) -> [String]
    ) throws -> [String] {
        let records = try AnnotationFile.load(
            Record.self, files: [try made.get() + "/" + file], requiresConcepts: true)
        return records.flatMap(image)
    }

    private static func images(of split: SceneSplit) throws -> [String] {
        let name = split.rawValue
        let dev = split == .validation ? "dev" : name
        var images =
            try Self.images("vqa_\(name).json") { (r: QuestionRecord) in [r.image] }
            + Self.images("ve_\(dev).json") { (r: EntailmentRecord) in [r.image + ".jpg"] }
            + Self.images("nlvr_\(dev).json") { (r: PairRecord) in r.images }
            + Self.images("retrieval_\(name).json") { (r: RetrievalRecord) in [r.image] }
        if split != .unseen {
            images += try Self.images("refcoco+_\(name).json") { (r: ReferringRecord) in [r.image] }
        }
        if split == .train {
            images += try Self.images("vg_qa.json") { (r: QuestionRecord) in [r.image] }
            let paths = ImagePaths(dataDirectory: "", absolutePaths: .shortened)
            images += try Self.images("pretrain.json") { (r: PretrainingRecord) in
                [paths.resolve(r.image)]
            }
        }
        return images
    }

    @Test func everyFileIsReadAndNoImageIsInTwoSplits() throws {
        let directory = try Self.made.get()
        var seen = Set<String>()
        for split in SceneSplit.allCases {
            let images = Set(try Self.images(of: split))
            #expect(images.isDisjoint(with: seen))
            seen.formUnion(images)
            for image in images {
                let decoded = try ImageDecoder.decode(path: directory + "/" + image)
                #expect(decoded.width == 96)
            }
        }
        #expect(seen.count == 240)
        #expect(seen.contains { $0.hasSuffix(".png") } && seen.contains { $0.hasSuffix(".jpg") })
        // The same image does not stand under two names either.
        let files = try Self.files(of: directory).filter { $0.key.hasPrefix("images/") }
        #expect(Set(files.values).count == files.count)
    }

    @Test func questionsHaveTenAnswersThatTheListHolds() throws {
        let directory = try Self.made.get()
        let list = Set(
            try AnnotationFile.load([String].self, file: directory + "/answer_list.json"))
        let train = try AnnotationFile.load(
            QuestionRecord.self, files: [directory + "/vqa_train.json"], requiresConcepts: true)
        #expect(train.allSatisfy { $0.answers?.count == 10 })
        #expect(train.allSatisfy { list.isSuperset(of: $0.answers ?? []) })
        let disagreeing = train.filter { Set($0.answers ?? []).count > 1 }.count
        #expect((0.2...0.7).contains(Double(disagreeing) / Double(train.count)))
        let test = try AnnotationFile.load(
            QuestionRecord.self, files: [directory + "/vqa_test.json"], requiresConcepts: true)
        #expect(test.allSatisfy { $0.answers == nil })
        let truth = try AnswerAnnotations(file: directory + "/vqa_test_annotations.json")
        #expect(truth.annotations.map(\.questionID) == test.map(\.questionID))
        #expect(Set(truth.annotations.map(\.answerType)) == ["yes/no", "number", "other"])
        let questions = try AnnotationFile.load(
            QuestionFile.self, file: directory + "/vqa_test_questions.json")
        #expect(questions.questions.map(\.question) == test.map(\.question))
        let yesNo = truth.annotations.filter { $0.answerType == "yes/no" }
        let yes = yesNo.filter { $0.commonAnswer == "yes" }.count
        #expect((0.2...0.8).contains(Double(yes) / Double(yesNo.count)))
    }

    @Test func labelsAreBalanced() throws {
        let directory = try Self.made.get()
        let statements = try AnnotationFile.load(
            EntailmentRecord.self, files: [directory + "/ve_train.json"], requiresConcepts: true)
        for label in EntailmentLabel.allCases {
            let share = Double(statements.count { $0.label == label }) / Double(statements.count)
            #expect(abs(share - 1 / 3) < 0.02)
        }
        let pairs = try AnnotationFile.load(
            PairRecord.self, files: [directory + "/nlvr_train.json"], requiresConcepts: true)
        #expect(pairs.count { $0.isTrue } * 2 == pairs.count)
        // A sentence stands with true and with false pairs, so that it does not give the label away.
        let labels = Dictionary(grouping: pairs) { $0.identifier?.split(separator: "-")[1] }
        #expect(labels.values.allSatisfy { Set($0.map(\.isTrue)).count == 2 })
    }

    @Test func referencesHaveBoxesAndProposals() throws {
        let directory = try Self.made.get() + "/refcoco+"
        let index = try ReferenceIndex(directory: directory)
        let detections = try DetectionFile.load(directory + "/dets.json")
        let scenes = try AnnotationFile.load(
            [GroundTruth].self, file: try Self.made.get() + "/scenes.json")
        let boxes = Dictionary(uniqueKeysWithValues: scenes.map { ($0.id, $0.boxes) })
        var splits = Set<String>()
        for reference in index.references.values {
            splits.insert(reference.split)
            let box = try #require(index.boxes[reference.referenceID])
            #expect(boxes[reference.imageID]?.contains(box) == true)
            #expect(!reference.sentences.isEmpty)
            guard reference.split != "train" else { continue }
            let proposals = try #require(detections[reference.imageID])
            #expect(proposals.contains { $0.overlap(with: box) > 0.5 })
            let wrong = proposals.filter { proposal in
                boxes[reference.imageID]?.allSatisfy { $0.overlap(with: proposal) < 0.4 } == true
            }
            #expect(!wrong.isEmpty)
        }
        #expect(splits == ["train", "val", "testA", "testB"])
        let records = try AnnotationFile.load(
            ReferringRecord.self, files: [directory + "_test.json"], requiresConcepts: true)
        for record in records {
            let id = try #require(record.referenceID)
            let reference = try #require(index.references[id])
            #expect(reference.sentences.contains { $0.text == record.text })
            #expect(index.images[reference.imageID]?.fileName == record.image)
        }
    }

    private struct GroundTruth: Decodable {
        let id: Int
        let boxes: [Box]
    }

    /// Stated in `Documentation/scenes.md`: below one in a hundred in the evaluation splits.
    @Test func captionsOfEvaluationSplitsFitNoOtherImage() throws {
        let options = SceneDataset.Options(images: 4000, fillsConcepts: false)
        let images = SceneTests.scenes(150).enumerated().map { index, scene in
            SceneImage(
                id: index + 1, split: .test, path: "\(index).jpg", scene: scene, boxes: [],
                concepts: nil)
        }
        let texts = SceneTexts(options: options)
        func share(isDistinct: Bool) -> Double {
            let captions = texts.captions(of: images, isDistinct: isDistinct).enumerated()
                .flatMap { index, list in list.map { (index, $0) } }
            let fitting = captions.filter {
                SceneTexts.fitsAnother($0.1, than: $0.0, of: images.map(\.scene))
            }
            return Double(fitting.count) / Double(captions.count)
        }
        #expect(share(isDistinct: true) < 0.01)
        #expect(share(isDistinct: false) > 0.1)
    }

    @Test func theVocabularyHoldsTheWordsOfTheTexts() throws {
        let directory = try Self.made.get()
        let tokenizer = try WordPieceTokenizer(vocabularyFile: directory + "/vocab.txt")
        #expect(tokenizer.special.mask == 103 && tokenizer.special.cls == 101)
        #expect(tokenizer.vocabularySize <= 512)
        let records = try AnnotationFile.load(
            PretrainingRecord.self, files: [directory + "/pretrain.json"], requiresConcepts: true)
        let words = records.flatMap(\.captions).flatMap {
            CaptionCleaning.caption($0).split(separator: " ").map(String.init)
        }
        let spelled = words.filter { tokenizer.encode($0).count > 2 }
        #expect(Double(spelled.count) < 0.01 * Double(words.count), "\(Set(spelled))")
        #expect(!tokenizer.encode("zyx").contains(tokenizer.special.unknown))
    }
}
