import Batches
import Files
import Foundation
import Tasks
import Testing
import Text
import Torch

@testable import Datasets

/// Annotation files as people have them, which every command reads the same way.
@Suite struct OutsideFilesTests {
    private static func write(_ bytes: Data) throws -> String {
        let path = NSTemporaryDirectory() + UUID().uuidString + ".json"
        try bytes.write(to: URL(fileURLWithPath: path))
        return path
    }

    private static func write(_ text: String) throws -> String { try write(Data(text.utf8)) }

    private static let records = """
        [{"image": "a.jpg", "caption": ["A cup"], "kwords": ["cup"], "sim": NaN},
         {"image": "a.jpg", "image": "b.jpg", "caption": "A \\ud83d cup", "kwords": ["cup"]}]
        """

    private static func utf16(_ text: String) -> Data {
        Data([0xff, 0xfe] + text.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] })
    }

    /// Numbers that are none, half surrogates, names given twice, byte order marks, UTF-16.
    @Test(arguments: [
        Data(records.utf8), Data([0xef, 0xbb, 0xbf] + records.utf8), utf16(records),
        Data(records.replacing("\n", with: "\r\n").utf8),
    ]) func everyReaderReadsTheSame(_ bytes: Data) throws {
        let path = try Self.write(bytes)
        let loaded = try AnnotationFile.load(
            PretrainingRecord.self, files: [path], requiresConcepts: true)
        #expect(loaded.map(\.image) == ["a.jpg", "b.jpg"])
        #expect(loaded.map(\.captions) == [["A cup"], ["A \u{fffd} cup"]])
        let file = try RecordFile(path: path)
        for (index, record) in loaded.enumerated() {
            #expect(try file[index].imageNames() == [record.image])
            #expect(try file[index].texts("caption") == record.captions)
        }
        var texts: [String] = []
        try JSONFile.readTexts(path: path, field: "caption") { texts.append($0) }
        #expect(texts == loaded.flatMap(\.captions))
    }

    @Test func everyReaderRefusesTheSame() throws {
        let path = try Self.write("[{\"image\": \"a.jpg\", \"caption\": \"x\"},\n ]")
        for read in [
            { _ = try AnnotationFile.load([PretrainingRecord].self, file: path) },
            { _ = try RecordFile(path: path) },
            { try JSONFile.readTexts(path: path, field: "caption") { _ in } },
            { try JSONFile.readNumberLists(path: path) { _, _ in } },
        ] {
            let error = try #require(throws: AnnotationError.self) { try read() }
            #expect("\(error)".contains(path) && "\(error)".contains("line 1"), "\(error)")
        }
    }

    @Test(arguments: [
        (
            #"[{"image": "a", "dataset": "okvqa", "question": "Q?", "question_id": 0}]"#,
            "record 0 (counted from 0): 'dataset' must be vqa or vg (Visual Genome), not the text 'okvqa'"
        ),
        (
            #"[{"image": "a", "dataset": "vqa", "question": "Q?", "answer": {"x": 1}}]"#,
            "'answer' must be a text or a list of texts, not an object"
        ),
        (
            #"[{"image": "a", "dataset": "vqa", "question": "Q?", "question_id": "7"}]"#,
            "'question_id' must be a whole number, not the text '7'"
        ),
        (
            #"[{"image": "a", "dataset": "vqa", "question": "Q?", "answer": ["a", 2]}]"#,
            "'answer[1]' must be a text, not the number 2"
        ),
    ]) func questionsAreNamed(_ text: String, _ problem: String) throws {
        let path = try Self.write(text)
        let error = try #require(throws: AnnotationError.self) {
            try AnnotationFile.load(QuestionRecord.self, files: [path], requiresConcepts: false)
        }
        #expect("\(error)".contains(path) && "\(error)".hasSuffix(problem), "\(error)")
    }

    @Test(arguments: [
        (
            #"{"images": [], "annotations": [{"id": 3, "image_id": 1, "category_id": 2}], "categories": []}"#,
            "record 0 of 'annotations' (counted from 0): 'bbox' is missing; a list of four numbers"
        ),
        (
            #"{"images": [], "annotations": [{"id": 3, "image_id": 1, "category_id": 2, "bbox": [1, 2]}], "categories": []}"#,
            "'bbox' must be a list of four numbers [x, y, width, height], not a list of 2"
        ),
        (
            #"{"images": [], "annotations": [{"id": 3, "image_id": 1, "category_id": 2, "bbox": [1, 2, NaN, 4]}], "categories": []}"#,
            "'bbox[2]' must be a number, not NaN"
        ),
        (#"{"annotations": []}"#, "'images' is missing"),
    ]) func instancesAreNamed(_ text: String, _ problem: String) throws {
        let path = try Self.write(text)
        let error = try #require(throws: AnnotationError.self) {
            try AnnotationFile.load(ReferenceIndex.Instances.self, file: path)
        }
        #expect("\(error)".contains(path) && "\(error)".contains(problem), "\(error)")
        #expect(!"\(error)".contains("CodingKeys"))
    }

    /// The last of a name that is there twice counts, but two names of one image are an error.
    @Test func detectionsOfOneImage() throws {
        let box = "[[1, 2, 3, 4, 0.5]]"
        #expect(
            try DetectionFile.load(Self.write(#"{"3401": [], "3401": \#(box), "7": []}"#))[3401]?
                .count
                == 1)
        for (text, part) in [
            (#"{"3401": \#(box), "03401": []}"#, "'3401'"), (#"{"x": []}"#, "'x'"),
        ] {
            let path = try Self.write(text)
            let error = try #require(throws: AnnotationError.self) { try DetectionFile.load(path) }
            #expect("\(error)".contains(part) && "\(error)".contains(path), "\(error)")
        }
    }

    // MARK: Identity

    private static let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")

    @Test func imagesThatDifferInNormalisation() throws {
        let names = [Self.composed + ".png", Self.decomposed + ".png"]
        let records = names.map {
            RetrievalRecord(image: $0, captions: ["x"], imageID: nil, concepts: [])
        }
        #expect(try ImageTextPair.pairs(of: RecordList(records)).all().map(\.identity) == [0, 1])
        let vocabulary = try Self.write("[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nx\r\n")
        var options = EvaluationOptions(side: 8)
        options.mergesRepeatedImages = true
        let set = RetrievalEvaluationSet(
            records: records, paths: .unchanged,
            tokenizer: try WordPieceTokenizer(vocabularyFile: vocabulary), options: options)
        #expect(set.records.count == 2 && set.repeatedImages == 0)
        let paths = ImagePaths(
            dataDirectory: "/d", replacements: [(from: Self.composed, to: "other")])
        #expect(paths.resolve(names[0]) == "other.png")
        #expect(ExactString(paths.resolve(names[1])) == ExactString("/d/" + names[1]))
        // A name is only that of the record's own field, too.
        let file = try RecordFile(
            path: Self.write("[{\"\(Self.decomposed)\": 1, \"\(Self.composed)\": \"a\"}]"))
        #expect(try file[0].text(Self.composed) == "a")
    }

    @Test func answersThatDifferInNormalisation() throws {
        let record = QuestionRecord(
            image: "a", question: "Q", questionID: nil,
            answers: [Self.composed, Self.decomposed, Self.composed, "\u{212a}"], concepts: nil)
        let weighed = WeightedAnswers(record)
        #expect(weighed.weights == [0.5, 0.25, 0.25])
        #expect(
            ExactString(AnswerAccuracy.commonest([Self.composed, Self.decomposed]))
                == ExactString(Self.decomposed))
    }

    private func accuracy(_ answer: String, _ given: [String], ids: [Int]? = nil) throws -> Double {
        let annotation = AnswerAnnotations.Annotation(
            questionID: 0, imageID: 0, questionType: "q", answerType: "other", commonAnswer: nil,
            answers: given.enumerated().map { .init(answer: $1, answerID: ids?[$0] ?? $0 + 1) })
        return try AnswerAccuracy([0: answer], [annotation]).overall
    }

    /// What the official script counts.
    @Test func accuracyComparesCodePoints() throws {
        let nine = Array(repeating: "οδος", count: 9) + ["zzz"]
        #expect(try accuracy("ΟΔΟΣ", nine) == 100)
        #expect(try accuracy("ΟΔΟΣ", nine.map { $0 == "zzz" ? $0 : "οδοσ" }) == 0)
        let decomposed = Array(repeating: Self.decomposed, count: 9) + ["zzz"]
        #expect(try accuracy(Self.decomposed, decomposed) == 100)
        #expect(try accuracy(Self.composed, decomposed) == 0)
        for space in ["\u{1c}", "\u{85}", "\u{a0}", "\u{3000}", "\r\n", "\n", "\t"] {
            #expect(try accuracy("x\(space)y", ["x y", "x y", "x y", "x y"]) == 100, "\(space)")
        }
        #expect(try accuracy("x\u{200b}y", ["x y", "x y", "x y", "x y"]) == 0)
        // Three of seven agree: two of three for each of them, all for the others.
        let seven = ["a b", "a b", "a b", "c", "d", "e", "f"]
        #expect(abs(try accuracy("b", seven.map { $0 == "a b" ? "b" : $0 }) - 600 / 7.0) < 1e-9)
    }

    /// An answer is within reach where choosing it would count.
    @Test func answersOutOfReachAreThoseThatScoreNothing() throws {
        func annotation(_ answers: [String]) -> AnswerAnnotations.Annotation {
            .init(
                questionID: 0, imageID: 0, questionType: "", answerType: "", commonAnswer: nil,
                answers: answers.enumerated().map { .init(answer: $1, answerID: $0) })
        }
        for (answers, choice, isReached) in [
            // Digits and articles are normalised in predictions, punctuation on both sides.
            (["2", "2", "zzz"], "Two", true), (["cat", "cat", "dog"], "the cat", true),
            (["e;g", "e;g", "x"], "e;g", true), (["Cat", "Cat", "x"], "cat", false),
            // Where all agree, their answer is compared as it is.
            (["a cat", "a cat"], "a cat", false), (["x"], "y", false),
        ] {
            let count = AnswerAccuracy.outOfReach([annotation(answers)], of: ["no", choice])
            #expect(count == (isReached ? 0 : 1), "\(answers) \(choice)")
            let scored = try accuracy(choice, answers)
            #expect((scored > 0) == isReached, "\(answers) \(choice): \(scored)")
        }
    }

    @Test func oneAnnotatorAgreesWithNobody() throws {
        #expect(try accuracy("yes", ["yes"]) == 0)
        // Annotators are told apart by number and answer alone.
        #expect(try accuracy("yes", ["yes", "yes", "yes"], ids: [1, 1, 1]) == 0)
        #expect(try accuracy("yes", ["yes", "yes", "yes", "yes"]) == 100)
    }

    @Test func marksOfAnswersAreCodePoints() {
        // A mark with an accent on it is still that mark.
        #expect(
            ExactString(AnswerNormalization.punctuation("a,\u{301}b")) == ExactString("a \u{301}b"))
        #expect(
            AnswerNormalization.punctuation("1,000 a,\u{301}b").unicodeScalars.elementsEqual(
                "1000 a\u{301}b".unicodeScalars))
        #expect(AnswerNormalization.prediction("Two\r\nAN cats") == "2 cats")
    }
}
