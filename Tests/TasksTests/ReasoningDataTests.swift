import Batches
import Foundation
import Images
import Testing
import Text
import Torch

@testable import Datasets
@testable import Tasks
@testable import ViCHA

/// Questions and sentences as models get them, and how answers are compared.
@Suite struct ReasoningDataTests {
    private let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent(UUID().uuidString)
    private let tokenizer: WordPieceTokenizer

    init() throws {
        try FileManager.default.createDirectory(
            at: directory.appendingPathComponent("vg"), withIntermediateDirectories: true)
        let vocabulary = directory.appendingPathComponent("vocab.txt")
        try "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nleft\nright".write(
            to: vocabulary, atomically: true, encoding: .utf8)
        tokenizer = try WordPieceTokenizer(vocabularyFile: vocabulary.path)
    }

    private func image(_ name: String, _ value: UInt8) throws {
        try ImageEncoder.png(RGBImage(width: 8, height: 8, filledWith: value))
            .write(to: directory.appendingPathComponent(name))
    }

    private func file(_ text: String) throws -> String {
        let path = directory.appendingPathComponent("records.json")
        try text.write(to: path, atomically: true, encoding: .utf8)
        return path.path
    }

    private func ids(_ tokens: TokenBatch?) throws -> [Int] {
        try #require(tokens).inputIDs.array()
    }

    private var options: ImageTextOptions {
        ImageTextOptions(transform: .evaluation(side: 8))
    }

    /// Each question's image comes from the directory of its data set, and answers are weighed.
    @Test func questionsOfBothDataSets() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try image("1.png", 0)
        try image("vg/1.png", 255)
        let all = ImagePaths(dataDirectory: directory.path)
        let dataset = QuestionDataset(
            records: [
                QuestionRecord(
                    image: "1.png", question: "A b?", questionID: 1, answers: ["a", "b", "a", "a"],
                    concepts: ["a"]),
                QuestionRecord(
                    image: "1.png", source: .visualGenome, question: "b", questionID: 2,
                    answers: ["b"], concepts: ["b", "b"]),
            ],
            paths: QuestionImagePaths(visualQuestions: all, visualGenome: all.inside("vg")),
            tokenizer: tokenizer, endMark: "[SEP]", options: options)
        _ = try dataset.inspect()
        let batch = try dataset.batch([0, 1], seed: (0, 0)).batch
        let pixels: [Float] = try batch.images.pixels.array()
        #expect(pixels[0] < 0 && pixels[192] > 0)
        #expect(try ids(batch.questions) == [2, 5, 6, 2, 6, 0])
        #expect(try ids(batch.answers) == [2, 5, 3, 2, 6, 3, 2, 6, 3])
        #expect(try batch.questionOfAnswer.array(of: Int.self) == [0, 0, 1])
        #expect(try batch.weights.array(of: Float.self) == [0.75, 0.25, 0.5])
        var evaluation = EvaluationOptions(side: 8)
        evaluation.padsToLength = false
        let test = try dataset.batch(0..<2, evaluation)
        #expect(try test.images.pixels.array(of: Float.self) == pixels)
        #expect(try ids(test.questions) == ids(batch.questions))
        #expect(test.images.concepts?.length == 3)
    }

    /// An image that cannot be read is replaced with its sentence, its other image and its label.
    @Test func sentencesKeepTheirPairs() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, value) in [("a", 0), ("b", 255), ("c", 255), ("d", 0)] {
            try image("\(name).png", UInt8(value))
        }
        try Data("text".utf8).write(to: directory.appendingPathComponent("e.png"))
        let pairs = [("a", "b", "a", true, "dev-1-0"), ("c", "d", "b", false, "dev-1-1")]
        let records = (pairs + [("a", "e", "a a", true, "dev-2-0")]).map {
            PairRecord(
                images: [$0.0 + ".png", $0.1 + ".png"], sentence: $0.2, isTrue: $0.3,
                leftConcepts: ["a"], rightConcepts: ["b", "b"], identifier: $0.4)
        }
        let dataset = SentenceDataset(
            sentences: records.map { ClassifiedSentence($0) },
            paths: ImagePaths(dataDirectory: directory.path), tokenizer: tokenizer,
            options: options)
        #expect(dataset.sentences.map(\.group) == ["dev-1", "dev-1", "dev-2"])
        let (batch, skipped) = try dataset.batch([0, 1, 2], seed: (5, 0))
        #expect(skipped.count >= 1 && skipped[0].reason.contains("e.png"))
        let labels: [Int] = try batch.targets.array()
        #expect(labels[0...1] == [1, 0])
        #expect(batch.images.count == 2 && batch.images[1].count == 3)
        let sides: [[Float]] = try batch.images.map { try $0.pixels.array() }
        for row in 0..<3 {
            let (left, right) = (sides[0][row * 192], sides[1][row * 192])
            // Dark left and bright right is the true sentence.
            #expect((left < 0) == (labels[row] == 1) && (right < 0) == (left > 0))
        }
        #expect(try ids(batch.images[0].concepts) == [2, 5, 2, 5, 2, 5])
        #expect(try ids(batch.images[1].concepts) == [2, 6, 6, 2, 6, 6, 2, 6, 6])
        #expect(throws: ImageError.self) { try dataset.batch(2..<3, EvaluationOptions(side: 8)) }
    }

    /// The sides of a mirrored image change places in its sentence, where that is asked for.
    @Test func sentencesFollowMirroredImages() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try image("a.jpg", 0)
        func sides(_ swaps: Bool) throws -> Set<Int> {
            var options = ImageTextOptions(
                transform: .training(.whole(side: 8), flips: true, augmentation: nil))
            options.swapsSides = swaps
            let dataset = SentenceDataset(
                sentences: [
                    ClassifiedSentence(
                        EntailmentRecord(
                            image: "a", sentence: "Left", label: .entailment, concepts: nil))
                ], paths: ImagePaths(dataDirectory: directory.path), tokenizer: tokenizer,
                options: options)
            return Set(
                try (0..<20).map { try ids(dataset.batch([0], seed: ($0, 0)).batch.texts)[1] })
        }
        #expect(try sides(false) == [7])
        #expect(try sides(true) == [7, 8])
    }

    private func annotation(_ question: Int, _ answers: [String]) -> AnswerAnnotations.Annotation {
        .init(
            questionID: question, imageID: 0, questionType: "what is", answerType: "other",
            commonAnswer: nil,
            answers: answers.enumerated().map { .init(answer: $1, answerID: $0 + 1) })
    }

    /// An answer counts by how many of the other annotators gave it.
    @Test func answersAreRightInPart() throws {
        let ten = ["red", "red", "red", "red"] + Array(repeating: "blue", count: 6)
        for (answer, accuracy) in [("blue", 100.0), ("Red.", 100), ("pink", 0)] {
            let found = try AnswerAccuracy([1: answer], [annotation(1, ten)])
            #expect(abs(found.overall - accuracy) < 1e-9, "\(answer)")
        }
        // Two of ten: a third or two thirds of the way, by who is left out.
        let two = ["a b", "a b"] + (0..<8).map { "x\($0)" }
        let found = try AnswerAccuracy(
            [1: "A the b"], [annotation(1, ["b", "b"] + two.dropFirst(2))])
        #expect(abs(found.overall - 100 * (2 * 1 / 3.0 + 8 * 2 / 3.0) / 10) < 1e-9)
        let error = try #require(throws: AnnotationError.self) {
            try AnswerAccuracy([2: "a"], [annotation(1, ten), annotation(2, ten)])
        }
        #expect(error == .unansweredQuestions(count: 1, example: 1))
    }

    @Test func accuracyOfRecordsAndItsBaseline() throws {
        let records = ["yes", "yes", "2", "red"].map {
            QuestionRecord(
                image: "a", question: "Is it so?", questionID: nil,
                answers: Array(repeating: $0, count: 4), concepts: nil)
        }
        let found = try AnswerAccuracy(["yes", "no", "two", "red"], records)
        #expect(found.overall == 75)
        #expect(found.byAnswerType == ["yes/no": 50, "number": 100, "other": 100])
        #expect(found.byQuestionType == ["is it": 75])
        let baseline = try AnswerAccuracy.commonest(AnswerAccuracy.annotations(of: records))
        #expect(baseline.answer == "yes" && baseline.accuracy.overall == 50)
    }

    @Test func resultsAreWrittenOrAnErrorNamesTheFile() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("result.json").path
        try AnswerResult.write([AnswerResult(questionID: 7, answer: "a/b")], to: path)
        #expect(
            try String(contentsOfFile: path, encoding: .utf8)
                == #"[{"answer":"a/b","question_id":7}]"#)
        let missing = directory.path + "/none/result.json"
        let error = try #require(throws: (any Error).self) {
            try AnswerResult.write([], to: missing)
        }
        #expect("\(error)".contains(missing))
    }

    @Test(arguments: [
        (#"[{"image": "a", "sentence": "b", "label": "perhaps"}]"#, "'perhaps'"),
        (#"[{"image": "a", "sentence": " ", "label": "neutral"}]"#, "'sentence'"),
    ]) func badSentencesAreNamed(_ text: String, _ part: String) throws {
        let path = try file(text)
        let error = try #require(throws: AnnotationError.self) {
            try AnnotationFile.load(
                EntailmentRecord.self, files: [path], requiresConcepts: false)
        }
        #expect("\(error)".contains(path) && "\(error)".contains(part), "\(error)")
    }

    @Test(arguments: [
        (#"[{"images": ["a"], "sentence": "b", "label": "True"}]"#, "two paths"),
        (#"[{"images": ["a", "b"], "sentence": "b", "label": "true"}]"#, "'true'"),
        (#"[{"images": ["a", "b"], "sentence": "b", "label": true}]"#, "'label'"),
    ]) func badPairsAreNamed(_ text: String, _ part: String) throws {
        let path = try file(text)
        let error = try #require(throws: AnnotationError.self) {
            try AnnotationFile.load(PairRecord.self, files: [path], requiresConcepts: false)
        }
        #expect("\(error)".contains(path) && "\(error)".contains(part), "\(error)")
    }
}
