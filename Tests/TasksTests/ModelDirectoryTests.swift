import Batches
import Configuration
import Datasets
import Files
import Foundation
import Images
import Testing
import Text
import Torch
import Training

@testable import Tasks
@testable import ViCHA

/// Model directories, as training writes them and commands open them.
@Suite struct ModelDirectoryTests {
    private let directory = NSTemporaryDirectory() + UUID().uuidString
    private static let words =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "ball", "yes", "no"]

    /// A directory with an untrained model of questions.
    private func made(_ words: [String] = words) throws -> QuestionAnsweringConfiguration {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        var configuration = QuestionAnsweringConfiguration()
        configuration.settings.model = tinyConfiguration()
        configuration.settings.model.maskedImage = nil
        configuration.settings.model.alignsHiddenStates = false
        configuration.settings.model.usesConcepts = false
        configuration.settings.conceptTokens = 16
        (configuration.settings.trainFiles, configuration.settings.readsConcepts) = (["a"], false)
        let source = directory + "/words.txt"
        try words.joined(separator: "\n").write(
            toFile: source, atomically: true, encoding: .utf8)
        let tokenizer = try WordPieceTokenizer(vocabularyFile: source)
        let task = try TaskRun<QuestionAnsweringTask>(
            configuration,
            model: QuestionAnsweringTask.model(
                configuration, isTrained: true, seed: 7, device: .cpu),
            dataset: QuestionDataset(
                records: [], paths: .init(visualQuestions: .unchanged, visualGenome: .unchanged),
                tokenizer: tokenizer, endMark: "[SEP]",
                options: ImageTextOptions(configuration.settings)))
        for (name, contents) in try task.companions() {
            try contents.write(to: URL(fileURLWithPath: directory + "/" + name))
        }
        try task.configurationText().write(
            toFile: directory + "/config.yaml", atomically: true, encoding: .utf8)
        try writeSafetensors(
            task.store.state, to: RunDirectory.checkpoint("last", in: directory))
        return configuration
    }

    private func remove() { try? FileManager.default.removeItem(atPath: directory) }

    private func open() throws -> TrainedModel<QuestionAnsweringTask> {
        try TrainedModel(ModelDirectory(directory))
    }

    private var image: RGBImage {
        RGBImage(width: 20, height: 12, pixels: (0..<720).map { UInt8($0 % 251) })
    }

    /// Nothing but the directory is named, and one image and one question are enough.
    @Test func oneDirectoryIsEnough() throws {
        defer { remove() }
        let configuration = try made()
        let trained = try open()
        #expect(trained.configuration.settings.model == configuration.settings.model)
        #expect(trained.report.initialized == [])
        #expect(!trained.model.store.entries.contains { $0.key.contains("_m.") })
        let whole = try QuestionAnsweringModel(
            configuration.settings.model, distills: true, seed: 7)
        for entry in trained.model.store.entries {
            let wanted = try #require(whole.store[entry.key])
            #expect(
                try entry.tensor.array(of: Float.self) == wanted.array(of: Float.self),
                "\(entry.key)")
        }
        let ranked = try trained.rank(["yes", "no", "a red ball"], for: "A ball?", about: image)
        #expect(Set(ranked.map(\.text)) == ["yes", "no", "a red ball"])
        #expect(abs(ranked.map(\.probability).reduce(0, +) - 1) < 1e-5)
        #expect(try trained.answer("A ball?", about: image, beams: 2).count == 2)
        #expect(throws: PredictionError.noWord(kind: "question", text: "?!")) {
            try trained.answer("?!", about: image)
        }
    }

    /// The best epoch's weights are taken where there are any.
    @Test func bestWeightsComeFirst() throws {
        defer { remove() }
        _ = try made()
        #expect(try ModelDirectory(directory).weights.hasSuffix("checkpoint_last.safetensors"))
        try FileManager.default.copyItem(
            atPath: RunDirectory.checkpoint("last", in: directory),
            toPath: RunDirectory.checkpoint("best", in: directory))
        #expect(try ModelDirectory(directory).weights.hasSuffix("checkpoint_best.safetensors"))
        let file = RunDirectory.checkpoint("last", in: directory)
        #expect(ModelDirectory(checkpoint: file).vocabularyFile == directory + "/vocab.txt")
        let error = try #require(throws: ModelDirectoryError.self) {
            try ModelDirectory(directory + "/none")
        }
        #expect("\(error)".contains("/none/checkpoint_best.safetensors"), "\(error)")
    }

    /// A model of another task is refused by both names, before its weights are looked at.
    @Test func modelsOfOtherTasksAreRefused() throws {
        defer { remove() }
        _ = try made()
        let error = try #require(throws: ModelDirectoryError.self) {
            try TrainedModel<GroundingTask>(ModelDirectory(directory))
        }
        #expect(
            "\(error)".contains("trained for question answering")
                && "\(error)".contains("one for retrieval or grounding or pretraining"), "\(error)")
        try "{\"task\": 3}".write(
            toFile: directory + "/model.json", atomically: true, encoding: .utf8)
        let malformed = try #require(throws: ModelDirectoryError.self) { try open() }
        #expect("\(malformed)".contains("model.json"), "\(malformed)")
        // Weights of other programs say nothing, and are taken as they are.
        try FileManager.default.removeItem(atPath: directory + "/model.json")
        #expect(throws: Never.self) { try open() }
    }

    /// What is no number is not the best answer.
    @Test func probabilitiesThatAreNoNumbersAreRefused() throws {
        defer { remove() }
        _ = try made()
        let file = RunDirectory.checkpoint("last", in: directory)
        var tensors = try SafetensorsFile(path: file).tensors()
        let name = "text_decoder.cls.predictions.transform.dense.weight"
        tensors[name] = try #require(tensors[name]) * Double.nan
        try writeSafetensors(tensors, to: file)
        let trained = try open()
        #expect(throws: ScoreError.self) {
            try trained.rank(["yes", "no"], for: "A ball?", about: image)
        }
    }

    @Test func aMissingVocabularyIsSaid() throws {
        defer { remove() }
        let configuration = try made()
        try FileManager.default.removeItem(atPath: directory + "/vocab.txt")
        #expect(throws: ModelDirectoryError.noVocabulary(directory: directory)) { try open() }
        let trained = try TrainedModel<QuestionAnsweringTask>(
            ModelDirectory(directory), configuration, vocabulary: directory + "/words.txt")
        #expect(trained.tokenizer.vocabularySize == Self.words.count)
    }

    /// Padding, class token and end mark have the ids of the vocabulary, wherever they stand in it.
    @Test func specialTokensAreThoseOfTheVocabulary() throws {
        defer { remove() }
        let shuffled = Array(Self.words.reversed())
        _ = try made(shuffled)
        let trained = try open()
        let batch = trained.tokenizer.batch(["a", "a red ball"])
        let (pad, cls) = (shuffled.firstIndex(of: "[PAD]"), shuffled.firstIndex(of: "[CLS]"))
        let ids: [Int] = try batch.inputIDs.array()
        #expect(ids[0] == cls && ids[2] == pad && ids[3] == pad && ids[4] == cls)
        #expect(try batch.attentionMask.array(of: Int.self) == [1, 1, 0, 0, 1, 1, 1, 1])
        let special = SpecialTokens(trained.tokenizer.special)
        let masked = MaskedTokens(
            batch.inputIDs,
            .init(
                select: .ones([2, 4], dtype: .bool), mask: .ones([2, 4], dtype: .bool),
                randomize: .zeros([2, 4], dtype: .bool), randomIDs: .zeros([2, 4], dtype: .int64)),
            special: special)
        let mask = try #require(shuffled.firstIndex(of: "[MASK]"))
        #expect(
            try masked.inputIDs.array(of: Int.self)
                == [ids[0], mask, ids[2], ids[3], ids[4], mask, mask, mask])
        #expect(try trained.answer("a red ball", about: image, beams: 1).count == 1)
    }

    /// What a file lacks is initialised where nothing was before; what it has is never drawn.
    @Test func onlyMissingWeightsAreInitialised() throws {
        let c = tinyConfiguration()
        let pretrained = try PretrainingModel(c, seed: 5)
        var other = c
        (other.maskedImage, other.alignsHiddenStates) = (nil, false)
        let model = try ClassificationModel(other, .entailment, distills: true, seed: nil)
        let report = try model.load(pretrained.store.state)
        #expect(report.initialized.allSatisfy { $0.hasPrefix("cls_head") })
        for entry in model.store.entries {
            let values: [Float] = try entry.tensor.to(dtype: .float32).array()
            #expect(values.allSatisfy { $0.isFinite && abs($0) < 100 }, "\(entry.key)")
        }
        let head: [Float] = try #require(model.store["cls_head.0.weight"]).array()
        #expect(Set(head).count > 10)
    }
}
