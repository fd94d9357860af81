import Batches
import Configuration
import Foundation
import Testing
import Torch

@testable import Tasks
@testable import ViCHA

/// Classification, text assignment and question answering beyond what the recorded cases fix.
@Suite struct ReasoningTests {
    private func configuration(_ compatibility: Compatibility = .corrected) -> ModelConfiguration {
        var c = tinyConfiguration()
        (c.alignsHiddenStates, c.maskedImage) = (false, nil)
        (c.text.layers, c.text.fusionLayer) = (4, 2)
        c.compatibility = compatibility
        return c
    }

    private func batch(_ kind: ClassificationModel.Kind, _ c: ModelConfiguration) throws
        -> ClassificationBatch
    {
        let batch = try tinyBatch(c)
        return ClassificationBatch(
            images: (0..<kind.imagesPerSentence).map { number in
                ImageBatch(
                    pixels: batch.images.pixels * Double(1 - 2 * number),
                    concepts: batch.images.concepts)
            }, texts: batch.texts, targets: Tensor([1, 0, 1, 1]))
    }

    private func difference(_ a: Tensor?, _ b: Tensor?) throws -> Double {
        try (#require(a) - #require(b)).abs().maximum().item()
    }

    // MARK: Classification

    /// Without distillation there is no momentum model, and a checkpoint with one is taken all the same.
    @Test(arguments: [ClassificationModel.Kind.entailment, .imagePair])
    func modelsWithoutDistillationHaveNoMomentumModel(_ kind: ClassificationModel.Kind) throws {
        let c = configuration()
        let whole = try ClassificationModel(c, kind, distills: true, seed: 1)
        let half = try ClassificationModel(c, kind, distills: false, seed: 2)
        #expect(half.store.entries.allSatisfy { !$0.key.contains("_m.") })
        let report = try half.load(whole.store.state)
        #expect(report.initialized == [] && report.unused.allSatisfy { $0.contains("_m.") })
        let batch = try batch(kind, c)
        #expect(try difference(whole.logits(batch), half.logits(batch)) == 0)
        #expect(half.logits(batch).shape == [4, kind.classNames.count])
    }

    /// Left and right image are told apart, and each counts.
    @Test func bothImagesAreLookedAt() throws {
        let c = configuration()
        let model = try ClassificationModel(c, .imagePair, distills: false, seed: 1)
        let pair = try batch(.imagePair, c)
        func logits(_ order: [Int]) -> Tensor {
            model.logits(
                ClassificationBatch(
                    images: order.map { pair.images[$0] }, texts: pair.texts,
                    targets: pair.targets))
        }
        for order in [[1, 0], [0, 0], [1, 1]] {
            #expect(try difference(logits(order), logits([0, 1])) > 1e-5, "\(order)")
        }
    }

    /// A weight with two names is one tensor, saved under both.
    @Test func pairsOfLayersShareKeysAndValues() throws {
        let store = try ClassificationModel(configuration(), .imagePair, distills: false).store
        func tensor(_ layer: Int, _ part: String) -> Tensor? {
            store["text_encoder.encoder.layer.\(layer).crossattention.self.\(part).weight"]
        }
        for part in ["key", "value"] {
            for first in [2, 4] {
                let (a, b) = (try #require(tensor(first, part)), tensor(first + 1, part))
                #expect(try a.isSame(as: #require(b)))
            }
            #expect(try !#require(tensor(2, part)).isSame(as: #require(tensor(4, part))))
        }
        #expect(try !#require(tensor(2, "query")).isSame(as: #require(tensor(3, "query"))))
        #expect(tensor(6, "key") == nil)
    }

    /// The momentum branch of NLVR2 has the online image encoder only in the official code.
    @Test(arguments: Compatibility.allCases)
    func momentumBranchHasItsOwnImages(_ compatibility: Compatibility) throws {
        let c = configuration(compatibility)
        let batch = try batch(.imagePair, c)
        func loss(changing prefix: String) throws -> Double {
            let model = try ClassificationModel(c, .imagePair, distills: true, seed: 1)
            try withoutGradient {
                for entry in model.store.entries where entry.key.hasPrefix(prefix) {
                    try entry.tensor.copy(from: entry.tensor * 3 + 0.1)
                }
            }
            return try model.loss(batch, alpha: 0.5).item()
        }
        let plain = try loss(changing: "nothing")
        let changed = try loss(changing: "visual_encoder_m.")
        #expect((plain == changed) == (compatibility == .official), "\(plain) \(changed)")
        #expect(try loss(changing: "text_encoder_m.") != plain)
    }

    // MARK: Checkpoints

    /// From pretraining each fusion layer goes to both places of its pair; a momentum model that text assignment
    /// does not save becomes a copy where that is corrected.
    @Test(arguments: Compatibility.allCases)
    func pairsStartFromPretraining(_ compatibility: Compatibility) throws {
        var pretraining = tinyConfiguration()
        (pretraining.text.layers, pretraining.text.fusionLayer) = (4, 2)
        let pretrained = try PretrainingModel(pretraining, seed: 5).store
        let assignment = try TextAssignmentModel(configuration(compatibility), seed: 6)
        let report = try assignment.load(pretrained.state)
        #expect(report.initialized == ["ta_head.weight", "ta_head.bias"])
        for (layer, source) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)] {
            let name = "encoder.layer.\(layer).output.dense.weight"
            #expect(
                try difference(
                    assignment.store["text_encoder.\(name)"],
                    pretrained["text_encoder.bert.encoder.layer.\(source).output.dense.weight"])
                    == 0)
        }
        let model = try ClassificationModel(
            configuration(compatibility), .imagePair, distills: true, seed: 7)
        let handed = try model.load(assignment.store.state)
        #expect(handed.initialized.contains("cls_head.0.weight"))
        let key = "encoder.layer.3.attention.self.query.weight"
        let apart = try difference(
            model.store["text_encoder.\(key)"], model.store["text_encoder_m.\(key)"])
        #expect((apart == 0) == (compatibility == .corrected))
        // Straight from pretraining, with a momentum model.
        let direct = try ClassificationModel(
            configuration(compatibility), .imagePair, distills: true, seed: 8)
        #expect(
            try direct.load(pretrained.state).initialized.allSatisfy { $0.hasPrefix("cls_head") })
        #expect(throws: StateDictionaryError.self) { try direct.load(["nonsense": .zeros([1])]) }
    }

    @Test func decoderStartsAsTheFusionLayers() throws {
        var pretraining = tinyConfiguration()
        (pretraining.text.layers, pretraining.text.fusionLayer) = (4, 2)
        let pretrained = try PretrainingModel(pretraining, seed: 5).store
        let model = try QuestionAnsweringModel(configuration(), distills: true, seed: 6)
        #expect(try model.load(pretrained.state).initialized == [])
        for (name, source) in [
            ("text_decoder.bert.encoder.layer.1.", "text_encoder.bert.encoder.layer.3."),
            ("text_encoder.encoder.layer.3.", "text_encoder.bert.encoder.layer.3."),
            ("text_decoder_m.bert.encoder.layer.0.", "text_encoder_m.bert.encoder.layer.2."),
        ] {
            let part = "crossattention.self.key.weight"
            #expect(try difference(model.store[name + part], pretrained[source + part]) == 0)
        }
        #expect(
            try difference(
                model.store["text_decoder.cls.predictions.bias"],
                pretrained["text_encoder.cls.predictions.bias"]) == 0)
        // Its own checkpoint is taken as it is.
        let again = try QuestionAnsweringModel(configuration(), distills: true, seed: 7)
        #expect(try again.load(model.store.state).initialized == [])
    }

    // MARK: Text assignment

    /// Two thirds of the texts have their own image, half of those first; the others never do, and an
    /// image never stands in both places.
    @Test func assignmentsAreDrawnAsDescribed() throws {
        let rows = 600
        let generator = try Generator(seed: 3)
        let uniform = Tensor.uniform([2, rows], generator: generator)
        let others = Tensor.zeros([rows, rows]).drawnColumns(
            2, noise: .uniform([rows, rows], generator: generator),
            excluding: Tensor.identity(rows).to(dtype: .bool))
        let drawn = TextAssignment(
            others: others, keepsOwn: uniform.select(0, 0), isFirst: uniform.select(0, 1))
        let (first, second, labels) = (
            try drawn.first.array(of: Int.self), try drawn.second.array(of: Int.self),
            try drawn.labels.array(of: Int.self)
        )
        for row in 0..<rows {
            #expect((first[row] == row) == (labels[row] == 0))
            #expect((second[row] == row) == (labels[row] == 1))
            #expect(first[row] != second[row])
        }
        let counts = (0..<3).map { label in labels.count { $0 == label } }
        #expect(counts.allSatisfy { abs($0 - 200) < 50 }, "\(counts)")
    }

    // MARK: Questions

    private func questions(_ c: ModelConfiguration) throws -> QuestionBatch {
        let batch = try tinyBatch(c)
        return QuestionBatch(
            images: batch.images, questions: batch.texts,
            answers: Self.answers, questionOfAnswer: Tensor([0, 0, 1, 3]),
            weights: Tensor([0.6, 0.4, 1, 0.5] as [Float]))
    }

    /// Four answers of one to three words, 150 being the end.
    private static let answers = TokenBatch(
        inputIDs: Tensor(
            [
                101, 110, 150, 0, 0, 101, 111, 112, 150, 0, 101, 110, 113, 150, 0, 101, 111, 112,
                114, 150,
            ],
            shape: [4, 5]),
        attentionMask: Tensor(
            [1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1], shape: [4, 5]))

    /// The official code never passes its share of the momentum model on.
    @Test(arguments: Compatibility.allCases)
    func answersAreDistilledOnlyWhenCorrected(_ compatibility: Compatibility) throws {
        let c = configuration(compatibility)
        func loss(_ alpha: Double) throws -> Double {
            try QuestionAnsweringModel(c, distills: true, seed: 1)
                .loss(questions(c), alpha: alpha).item()
        }
        #expect(try (loss(0) == loss(0.4)) == (compatibility == .official))
    }

    /// Log-likelihood of an answer, token by token, without any shortcut.
    private func likelihood(
        _ tokens: [Int], _ part: QuestionAnsweringModel.Part, _ questions: EncodedQuestions,
        _ question: Int
    ) throws -> (first: Double, whole: Double) {
        try withInferenceMode { try likelihoodOfTokens(tokens, part, questions, question) }
    }

    private func likelihoodOfTokens(
        _ tokens: [Int], _ part: QuestionAnsweringModel.Part, _ questions: EncodedQuestions,
        _ question: Int
    ) throws -> (first: Double, whole: Double) {
        let keyValues = part.decoder.keyValues(
            of: questions.hiddenStates.slice(0, question..<question + 1),
            attentionMask: questions.attentionMask.slice(0, question..<question + 1))
        let scores = try (1..<tokens.count).map { length in
            let ids = Tensor(Array(tokens.prefix(length)), shape: [1, length])
            let states = part.decoder.hiddenStates(
                TokenBatch(inputIDs: ids, attentionMask: .ones([1, length], dtype: .int64)),
                keyValues)
            return try Double(
                part.decoder.logits(states.select(1, length - 1)).logSoftmax(dimension: 1)
                    .array(of: Float.self)[tokens[length]])
        }
        return (scores[0], scores.reduce(0, +))
    }

    /// Ranking gives the softmax of the likelihoods; the official one counts the first token twice.
    @Test(arguments: Compatibility.allCases)
    func answersAreRankedByLikelihood(_ compatibility: Compatibility) throws {
        let c = configuration(compatibility)
        let model = try QuestionAnsweringModel(c, distills: false, seed: 1)
        let (answerer, batch) = (model.answerer, try questions(c))
        let encoded = answerer.encode(batch.images, batch.questions)
        let ranked = try answerer.rank(encoded, AnswerList(Self.answers), candidates: 99)
        let ids = try Self.answers.inputIDs.array(of: Int.self)
        for question in 0..<4 {
            let scores = try (0..<4).map { answer in
                let tokens = ids[answer * 5..<answer * 5 + 5].filter { $0 != 0 }
                let found = try likelihood(Array(tokens), answerer.part, encoded, question)
                return found.whole + (compatibility == .official ? found.first : 0)
            }
            let total = scores.reduce(0) { $0 + exp($1) }
            #expect(ranked[question].map(\.number).sorted() == [0, 1, 2, 3])
            for answer in ranked[question] {
                #expect(abs(answer.probability - exp(scores[answer.number]) / total) < 1e-5)
            }
            #expect(
                ranked[question].map(\.probability)
                    == ranked[question].map(\.probability).sorted(by: >))
        }
        // Fewer candidates: those with the likeliest first token.
        let few = try answerer.rank(encoded, AnswerList(Self.answers), candidates: 2)
        #expect(
            few.allSatisfy {
                $0.count == 2 && abs($0[0].probability + $0[1].probability - 1) < 1e-6
            })
    }

    /// Written greedily, each word is the likeliest; beams find what is at least as likely; probabilities
    /// are those of the whole answers.
    @Test func answersAreWritten() throws {
        let c = configuration()
        let answerer = try QuestionAnsweringModel(c, distills: false, seed: 1).answerer
        let batch = try questions(c)
        let encoded = answerer.encode(batch.images, batch.questions)
        var writing = QuestionAnswerer.Writing(start: 101, end: 150, vocabularySize: 200)
        writing.maxTokens = 3
        for question in 0..<4 {
            // What follows the start, by hand, decides which token is the end mark.
            writing.beams = 1
            writing.end = 199
            let free = try answerer.write(encoded, question: question, writing)
            #expect(free.count == 1 && free[0].tokens.count == 3)
            let cut = try likelihood([101] + free[0].tokens, answerer.part, encoded, question)
            #expect(abs(log(free[0].probability) - cut.whole) < 1e-4)
            writing.end = free[0].tokens[1]
            let greedy = try answerer.write(encoded, question: question, writing)[0]
            #expect(
                greedy.tokens == (free[0].tokens[0] == writing.end ? [] : [free[0].tokens[0]]))
            writing.beams = 4
            let beams = try answerer.write(encoded, question: question, writing)
            #expect(beams.count == 4)
            #expect(beams[0].probability >= greedy.probability * 0.9999)
            #expect(Set(beams.map(\.tokens)).count == 4)
            for text in beams where text.tokens.count < 3 {
                let whole = try likelihood(
                    [101] + text.tokens + [writing.end], answerer.part, encoded, question)
                #expect(abs(log(text.probability) - whole.whole) < 1e-4)
            }
        }
    }

    @Test func decoderNeedsFusionLayers() {
        var c = configuration()
        c.text.fusionLayer = c.text.layers
        #expect(throws: ConfigurationKeyError.self) {
            _ = try QuestionAnsweringModel(c, distills: false)
        }
    }
}
