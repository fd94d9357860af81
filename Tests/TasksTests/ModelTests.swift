import Batches
import Configuration
import Foundation
import Testing
import Torch

@testable import Tasks
@testable import ViCHA

/// A model of a few thousand weights.
func tinyConfiguration() -> ModelConfiguration {
    var c = ModelConfiguration()
    c.usesConcepts = true
    c.vision.imageSize = 32
    c.vision.patchSize = 8
    c.vision.width = 24
    c.vision.depth = 4
    c.vision.heads = 2
    c.text.hiddenSize = 24
    c.text.encoderWidth = 24
    c.text.intermediateSize = 48
    c.text.attentionHeads = 2
    c.text.layers = 4
    c.text.fusionLayer = 3
    c.text.vocabularySize = 200
    c.text.maxPositions = 32
    c.embedDim = 12
    c.queueSize = 8
    c.decoderWidth = 24
    c.decoderHeads = 2
    c.decoderDepth = 1
    c.alignsHiddenStates = true
    c.alignedLayers = 2
    c.conceptLayers = 1
    c.maskedImage = .unimodal
    return c
}

/// The special tokens of ``tinyBatch(_:rows:conceptPadding:)``.
let tinySpecial = SpecialTokens(pad: 0, cls: 101, mask: 103)

func tinyBatch(_ c: ModelConfiguration, rows: Int = 4, conceptPadding: Int = 0) throws
    -> ImageTextBatch
{
    let generator = try Generator(seed: 1)
    func tokens(_ length: Int, padding: Int) -> TokenBatch {
        let ids = Tensor.integers(in: 104..<200, [rows, length], generator: generator)
        let zeros = Tensor.zeros([rows, padding], dtype: .int64)
        return TokenBatch(
            inputIDs: .concatenated([ids, zeros], dimension: 1),
            attentionMask: .concatenated(
                [.ones([rows, length], dtype: .int64), zeros], dimension: 1))
    }
    let side = c.vision.imageSize
    let pixels = Tensor.normal([rows, 3, side, side], generator: generator)
    let texts = tokens(7, padding: 1)
    return ImageTextBatch(
        images: ImageBatch(
            pixels: pixels,
            concepts: c.usesConcepts ? tokens(5, padding: conceptPadding) : nil), texts: texts,
        identities: .range(0..<rows))
}

@Suite struct ModelTests {
    func losses(
        _ c: ModelConfiguration, _ batch: ImageTextBatch? = nil, backward: Bool = false
    ) throws -> (PretrainingLosses, PretrainingModel) {
        let model = try PretrainingModel(c, seed: 3)
        let batch = try batch ?? tinyBatch(c)
        let draws = PretrainingDraws(
            for: batch, c, special: tinySpecial, generator: try Generator(seed: 2))
        let losses = try model.losses(batch, draws, alpha: 0.3)
        if backward { try losses.total.backward() }
        return (losses, model)
    }

    @Test(arguments: MaskedImageObjective.allCases.map(Optional.some) + [nil], [true, false])
    func everyVariantTrains(_ maskedImage: MaskedImageObjective?, _ usesConcepts: Bool) throws {
        var c = tinyConfiguration()
        c.maskedImage = maskedImage
        c.usesConcepts = usesConcepts
        let (losses, model) = try losses(c, backward: true)
        #expect(try losses.total.item().isFinite)
        #expect((losses.mae == nil) == (maskedImage == nil))
        for entry in model.store.parameters {
            #expect(entry.tensor.gradient != nil, "\(entry.key)")
        }
        for entry in model.store.entries where entry.role == .frozenParameter {
            #expect(entry.tensor.gradient == nil, "\(entry.key)")
        }
    }

    @Test func checkpointingChangesNothing() throws {
        var c = tinyConfiguration()
        let (plain, a) = try losses(c, backward: true)
        c.checkpointsBlocks = true
        let (saving, b) = try losses(c, backward: true)
        #expect(try plain.total.item() == saving.total.item())
        for (x, y) in zip(a.store.parameters, b.store.parameters) {
            let difference = try #require(x.tensor.gradient) - #require(y.tensor.gradient)
            #expect(try difference.abs().maximum().item() < 1e-5, "\(x.key)")
        }
    }

    @Test func dropoutIsReplayable() throws {
        let c = tinyConfiguration()
        let batch = try tinyBatch(c)
        func run(_ seed: UInt64?) throws -> Double {
            let model = try PretrainingModel(c, seed: 3)
            let draws = PretrainingDraws(
                for: batch, c, special: tinySpecial, generator: try Generator(seed: 2))
            return try model.losses(
                batch, draws, alpha: 0.3, dropout: seed.map { try Generator(seed: $0) }
            ).total.item()
        }
        #expect(try run(1) == run(1))
        #expect(try run(1) != run(2))
        #expect(try run(nil) != run(1))
    }

    /// Losses change neither weights nor momentum model nor queue; the trainer does.
    @Test func lossesChangeNothing() throws {
        let c = tinyConfiguration()
        let model = try PretrainingModel(c, seed: 3)
        try withoutGradient { try model.temperature.copy(from: .full([], 0.9)) }
        let before = try model.store.entries.map {
            try $0.tensor.to(dtype: .float32).array(of: Float.self)
        }
        let batch = try tinyBatch(c)
        let draws = PretrainingDraws(
            for: batch, c, special: tinySpecial, generator: try Generator(seed: 2))
        let losses = try model.losses(batch, draws, alpha: 0.3)
        for (entry, values) in zip(model.store.entries, before) {
            let now = try entry.tensor.to(dtype: .float32).array(of: Float.self)
            #expect(now == values, "\(entry.key)")
        }
        try model.queue.enqueue(losses.features)
        #expect(try model.queue.pointer.item() == Double(batch.count))
        try model.limitTemperature()
        #expect(try abs(model.temperature.item() - 0.5) < 1e-6)
    }

    @Test func momentumModelFollows() throws {
        let (_, model) = try losses(tinyConfiguration())
        let online = try #require(model.store["visual_encoder.blocks.0.attn.qkv.weight"])
        let momentum = try #require(model.store["visual_encoder_m.blocks.0.attn.qkv.weight"])
        #expect(try online.array(of: Float.self) == momentum.array(of: Float.self))
        try withoutGradient { try online.copy(from: online + 1.0) }
        try model.teacher.update()
        let moved = try (online - momentum).mean().item()
        #expect(abs(moved - 0.995) < 1e-4)
        #expect(MomentumTeacher.onlineKey(of: "kw_proj_m.weight") == "kw_proj.weight")
        #expect(MomentumTeacher.onlineKey(of: "kw_proj.weight") == nil)
    }

    @Test func queueWrapsAndRefusesOddBatches() throws {
        let store = try ParameterStore()
        let queue = FeatureQueue(store.root, width: 2, length: 4)
        for value in [1.0, 2.0, 3.0] {
            try queue.enqueue(
                MomentumFeatures(images: .full([2, 2], value), texts: .full([2, 2], -value)))
        }
        #expect(try queue.images.array(of: Float.self) == [3, 3, 2, 2, 3, 3, 2, 2])
        #expect(try queue.texts.array(of: Float.self) == [-3, -3, -2, -2, -3, -3, -2, -2])
        #expect(try queue.pointer.item() == 2)
        try queue.enqueue(MomentumFeatures(images: .full([2, 2], .nan), texts: .full([2, 2], 7)))
        #expect(try queue.images.array(of: Float.self) == [3, 3, 2, 2, 3, 3, 2, 2])
        #expect(try queue.texts.array(of: Float.self) == [-3, -3, 7, 7, -3, -3, 7, 7])
        #expect(throws: FeatureQueueError(batch: 3, length: 4)) {
            try queue.enqueue(MomentumFeatures(images: .ones([3, 2]), texts: .ones([3, 2])))
        }
    }

    @Test func hardNegativesFollowTheSimilarities() throws {
        let generator = try Generator(seed: 4)
        let logits = Tensor([9, 0, 1.1, 0, 9, 0, 0, 0, 9] as [Float], shape: [3, 3])
        var counts = [[Int]](repeating: [0, 0, 0], count: 3)
        let rounds = 2000
        for _ in 0..<rounds {
            let drawn = ImageTextMatching.negatives(
                .drawn(noise: .uniform([2, 3, 3], generator: generator)), imageToText: logits,
                textToImage: logits)
            for (row, column) in try drawn.texts.array(of: Int.self).enumerated() {
                counts[row][column] += 1
            }
        }
        for row in 0..<3 { #expect(counts[row][row] == 0) }
        // e^1.1 / (1 + e^1.1) = 0.75
        #expect(abs(Double(counts[0][2]) / Double(rounds) - 0.75) < 0.05)
        #expect(abs(Double(counts[1][0]) / Double(rounds) - 0.5) < 0.05)
    }

    /// Whatever ids the vocabulary gives the special tokens.
    @Test(arguments: [tinySpecial, SpecialTokens(pad: 7, cls: 3, mask: 150)])
    func maskingFollowsItsRates(_ special: SpecialTokens) throws {
        let generator = try Generator(seed: 5)
        let ids = Tensor.concatenated(
            [
                .full([200, 1], Double(special.cls), dtype: .int64),
                .integers(in: 110..<149, [200, 20], generator: generator),
                .full([200, 3], Double(special.pad), dtype: .int64),
            ], dimension: 1)
        let masked = MaskedTokens(
            ids, .init(shape: ids.shape, probability: 0.15, vocabulary: 200, generator: generator),
            special: special)
        let (before, after) = (try ids.array(of: Int.self), try masked.inputIDs.array(of: Int.self))
        let positions = try masked.positions.array(of: Int.self)
        #expect(abs(Double(positions.count) / 4000 - 0.15) < 0.02)
        #expect(positions.allSatisfy { before[$0] >= 110 })
        #expect(try masked.targets.array(of: Int.self) == positions.map { before[$0] })
        let share =
            Double(positions.filter { after[$0] == special.mask }.count) / Double(positions.count)
        #expect(abs(share - 0.8) < 0.06)
        for index in before.indices where !positions.contains(index) {
            #expect(before[index] == after[index])
        }
    }

    @Test func noMaskedTokenGivesNoLoss() throws {
        let loss = MaskedLanguageModeling.loss(
            .zeros([0, 7]), momentumLogits: .zeros([0, 7]), targets: .zeros([0], dtype: .int64),
            alpha: 0.4)
        #expect(try loss.item() == 0)
    }

    /// `compatibility`: gradients of the hierarchical loss reach both sides only when corrected.
    @Test func hierarchicalGradientsFlowBothWaysWhenCorrected() throws {
        func gradient(_ compatibility: Compatibility) throws -> [Float] {
            let generator = try Generator(seed: 6)
            let image = Tensor.normal([3, 4], generator: generator)
            let text = Tensor.normal([3, 4], generator: generator)
            try image.setRequiresGradient(true)
            try HierarchicalAlignment.loss(
                image: [image], text: [text], weights: [1], temperature: .full([], 0.5),
                compatibility: compatibility
            ).backward()
            return try #require(image.gradient).array(of: Float.self)
        }
        let generator = try Generator(seed: 6)
        let image = Tensor.normal([3, 4], generator: generator)
        let text = Tensor.normal([3, 4], generator: generator)
        try image.setRequiresGradient(true)
        let logits = image.matmul(text.transposed(0, 1)) / 0.5
        let targets = Tensor.range(0..<3)
        try ((crossEntropy(logits, targets) + crossEntropy(logits.transposed(0, 1), targets)) / 2)
            .backward()
        let full = try #require(image.gradient).array(of: Float.self)
        for (found, expected) in zip(try gradient(.corrected), full) {
            #expect(abs(found - expected) < 1e-5)
        }
        #expect(try zip(gradient(.official), full).contains { abs($0 - $1) > 1e-3 })
    }

    /// `compatibility`: padding of concepts changes the result only in the official setting.
    @Test func conceptPaddingMattersOnlyInOfficial() throws {
        func features(_ compatibility: Compatibility, padding: Int) throws -> [Float] {
            var c = tinyConfiguration()
            c.compatibility = compatibility
            let model = try PretrainingModel(c, seed: 3)
            let batch = try tinyBatch(c, conceptPadding: padding)
            return try model.retrieval.encode(batch.images)
                .features.array(of: Float.self)
        }
        let corrected = zip(
            try features(.corrected, padding: 0), try features(.corrected, padding: 3))
        #expect(corrected.allSatisfy { abs($0 - $1) < 1e-5 })
        let official = zip(try features(.official, padding: 0), try features(.official, padding: 3))
        #expect(official.contains { abs($0 - $1) > 1e-3 })
    }

    @Test func impossibleConfigurationsAreNamed() throws {
        func key(_ change: (inout ModelConfiguration) -> Void) throws -> String {
            var c = tinyConfiguration()
            change(&c)
            return try #require(throws: ConfigurationKeyError.self) {
                try c.validate(for: .pretraining)
            }.key
        }
        #expect(try key { $0.vision.imageSize = 30 } == "image_res")
        #expect(try key { $0.vision.heads = 5 } == "vision_width")
        #expect(try key { $0.text.encoderWidth = 5 } == "bert_config.encoder_width")
        #expect(
            try key { ($0.alignedLayers, $0.compatibility) = (9, .corrected) } == "num_hidden_align"
        )
        // As in the official code, which cuts the list of image layers alone.
        #expect(
            try key { ($0.alignedLayers, $0.text.fusionLayer) = (9, 2) } == "num_hidden_align")
        #expect(try key { $0.layerWeights = [1] } == "ita_hidden_weights")
        #expect(try key { $0.maskRatio = 0 } == "mask_ratio")
        #expect(try key { $0.text.fusionLayer = 9 } == "bert_config.fusion_layer")
        try tinyConfiguration().validate(for: .pretraining)
    }

    @Test func otherResolutionsLoadByResizingPositions() throws {
        let small = try PretrainingModel(tinyConfiguration(), seed: 1)
        var c = tinyConfiguration()
        c.vision.imageSize = 48
        let large = try PretrainingModel(c, seed: 2)
        let report = try large.load(small.store.state)
        #expect(report.initialized.isEmpty)
        #expect(large.store["visual_encoder.pos_embed"]?.shape == [1, 37, 24])
        var wider = tinyConfiguration()
        wider.embedDim = 16
        let error = try #require(throws: StateDictionaryError.self) {
            try PretrainingModel(wider).load(small.store.state)
        }
        #expect("\(error)".contains("vision_proj.weight (model [16, 24], file [12, 24])"))
    }

    @Test func encodersTakeForeignWeights() throws {
        let model = try PretrainingModel(tinyConfiguration(), seed: 1)
        let bert = Dictionary(
            uniqueKeysWithValues: model.store.entries.filter {
                $0.key.hasPrefix("text_encoder.bert.")
            }
            .map {
                (
                    "bert." + $0.key.dropFirst("text_encoder.bert.".count),
                    Tensor.full($0.tensor.shape, 0.5).to(dtype: $0.tensor.dtype)
                )
            })
        // Cross-attention is no part of a BERT, and a head for masked words need not be.
        let report = try model.store.load(bert: bert.filter { !$0.key.contains("crossattention") })
        #expect(report.taken.contains("kw_encoder_m.encoder.layer.0.output.dense.weight"))
        #expect(
            try model.store["kw_encoder.embeddings.word_embeddings.weight"]?.mean().item() == 0.5)
        let donor = try PretrainingModel(tinyConfiguration(), seed: 2)
        let prefix = "visual_encoder."
        var vision: [String: Tensor] = ["head.weight": .ones([5, 24])]
        for entry in donor.store.entries where entry.key.hasPrefix(prefix) {
            vision[String(entry.key.dropFirst(prefix.count))] = entry.tensor
        }
        try model.load(imageEncoder: vision)
        for key in ["visual_encoder", "visual_encoder_m"].map({ $0 + ".blocks.1.mlp.fc2.weight" }) {
            let expected = try #require(donor.store["visual_encoder.blocks.1.mlp.fc2.weight"])
            #expect(try model.store[key]?.array(of: Float.self) == expected.array(of: Float.self))
        }
        #expect(throws: StateDictionaryError.self) { try model.store.load(bert: ["x": .ones([1])]) }
        #expect(throws: StateDictionaryError.self) {
            try model.load(imageEncoder: ["cls_token": .ones([1, 1, 24])])
        }
    }

    /// Tensors of a BERT that fills a model, with its head.
    private func bert(for model: PretrainingModel) -> [String: Tensor] {
        var bert: [String: Tensor] = [:]
        for entry in model.store.entries where entry.key.hasPrefix("text_encoder.") {
            if case .alias = entry.role { continue }
            let name = entry.key.dropFirst("text_encoder.".count)
            if !name.contains("crossattention") { bert[String(name)] = entry.tensor.cloned() }
        }
        return bert
    }

    /// A BERT that lacks a part would leave random weights in its place without a word.
    @Test(arguments: [
        ("layer.1.", "encoder.layer.1.output.dense.weight"),
        ("position_embeddings", "embeddings.position_embeddings.weight"),
        ("attention.self.value.bias", "encoder.layer.0.attention.self.value.bias"),
        ("cls.predictions.transform.dense", "cls.predictions.transform.dense.weight"),
    ]) func incompleteTextEncodersAreRefused(_ part: String, _ name: String) throws {
        let model = try PretrainingModel(tinyConfiguration(), seed: 1)
        let whole = bert(for: model)
        try model.store.load(bert: whole)
        let cut = whole.filter { !$0.key.contains(part) }
        #expect(cut.count < whole.count)
        let error = try #require(throws: StateDictionaryError.self) {
            try StateDictionaryError.naming("some/model.safetensors") {
                try model.store.load(bert: cut)
            }
        }
        #expect(error.missing.contains(name), "\(error.missing)")
        #expect("\(error)".contains("'some/model.safetensors'"))
    }

    /// DistilBERT has the embeddings under the same names and the layers under others.
    @Test func textEncodersWithOtherNamesAreRefused() throws {
        let model = try PretrainingModel(tinyConfiguration(), seed: 1)
        var other: [String: Tensor] = [:]
        for (key, tensor) in bert(for: model) where !key.hasPrefix("cls.") {
            other[
                key.replacing("bert.encoder.layer", with: "transformer.layer")
                    .replacing("attention.self.query", with: "attention.q_lin")] = tensor
        }
        #expect(other["bert.embeddings.word_embeddings.weight"] != nil)
        let error = try #require(throws: StateDictionaryError.self) {
            try model.store.load(bert: other)
        }
        #expect(error.missing.contains("encoder.layer.0.attention.self.query.weight"))
        #expect(!error.missing.contains { $0.hasPrefix("embeddings.") })
    }

    /// Weights that nothing can be trained from name themselves.
    @Test func encodersThatAreNotFiniteAreRefused() throws {
        let model = try PretrainingModel(tinyConfiguration(), seed: 1)
        var broken = bert(for: model)
        let text = "bert.embeddings.word_embeddings.weight"
        broken[text] = broken[text].map { .full($0.shape, .nan) }
        let error = try #require(throws: StateDictionaryError.self) {
            try model.store.load(bert: broken)
        }
        // In all places that it would have filled.
        #expect(error.notFinite.contains("text_encoder." + text))
        #expect(error.notFinite.allSatisfy { $0.hasSuffix("embeddings.word_embeddings.weight") })
        var image: [String: Tensor] = [:]
        for entry in model.store.entries where entry.key.hasPrefix("visual_encoder.") {
            image[String(entry.key.dropFirst("visual_encoder.".count))] = entry.tensor.cloned()
        }
        try model.load(imageEncoder: image)
        image["norm.bias"] = image["norm.bias"].map { .full($0.shape, .infinity) }
        let other = try #require(throws: StateDictionaryError.self) {
            try model.load(imageEncoder: image)
        }
        #expect(other.notFinite.contains("visual_encoder.norm.bias"))
    }

    /// A wrongly sized tensor names itself, both sizes and its file.
    @Test func wronglySizedTextEncodersAreRefused() throws {
        let model = try PretrainingModel(tinyConfiguration(), seed: 1)
        var wrong = bert(for: model)
        wrong["bert.embeddings.word_embeddings.weight"] = .zeros([7, 3])
        let error = try #require(throws: StateDictionaryError.self) {
            try StateDictionaryError.naming("some/model.safetensors") {
                try model.store.load(bert: wrong)
            }
        }
        let text = "\(error)"
        #expect(text.contains("word_embeddings.weight") && text.contains("[7, 3]"))
        #expect(text.contains("'some/model.safetensors'"))
    }
}
