import Batches
import Configuration
import Testing
import Torch

@testable import Tasks
@testable import ViCHA

@Suite struct RetrievalTests {
    private struct Encoded {
        let scorer: RetrievalScorer
        let images: EncodedImages
        let texts: EncodedTexts
        let lengths: [Int]

        var similarities: Tensor { images.features.matmul(texts.features.transposed(0, 1)) }

        /// Every image with its pairs, two texts at a time.
        func scores(candidates: Int) throws -> RetrievalScores {
            let candidates = try RetrievalCandidates(similarities, count: candidates)
            var scores = RetrievalScores(candidates)
            for (image, rows) in candidates.pairsOfImage.enumerated() {
                scores.add(
                    image: image, texts: rows,
                    logits: try scorer.matchingLogits(
                        images, image: image, texts, rows: rows, lengths: lengths, partSize: 2))
            }
            return scores
        }
    }

    /// Four images and four texts of a random model.
    private func encoded(_ compatibility: Compatibility) throws -> Encoded {
        var c = tinyConfiguration()
        c.compatibility = compatibility
        let scorer = try PretrainingModel(c, seed: 3).retrieval
        let batch = try tinyBatch(c, conceptPadding: 2)
        // Texts of 2, 4, 6 and 7 tokens.
        let places = Tensor.range(0..<8).unsqueezed(0)
        let ends = Tensor([2, 4, 6, 7]).unsqueezed(1)
        let mask = (places - ends).isLess(than: 0).to(dtype: .int64)
        let texts = scorer.encode(
            TokenBatch(
                inputIDs: batch.texts.inputIDs * mask, attentionMask: mask))
        return Encoded(
            scorer: scorer, images: scorer.encode(batch.images),
            texts: texts, lengths: try texts.attentionMask.sum(1).array(of: Int.self))
    }

    /// What is no number is neither smaller nor larger than another, and would count as found.
    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func scoresThatAreNotFiniteAreNotMeasured(_ value: Float) throws {
        var scores = [Float](repeating: 0.5, count: 9)
        let good = Tensor(scores, shape: [3, 3])
        #expect(
            try RetrievalMetrics(similarities: good, imageOfText: [0, 1, 2]).textRecall[0] < 100)
        scores[5] = value
        let bad = Tensor(scores, shape: [3, 3])
        #expect(throws: ScoreError.self) {
            try RetrievalMetrics(similarities: bad, imageOfText: [0, 1, 2])
        }
        #expect(throws: ScoreError.self) {
            try RetrievalMetrics(imageToText: good, textToImage: bad, imageOfText: [0, 1, 2])
        }
        var matching = RetrievalScores(try RetrievalCandidates(good, count: 3))
        matching.add(image: 1, texts: [0, 2], logits: [1, value])
        let error = try #require(throws: ScoreError.self) {
            try RetrievalMetrics(matching, imageOfText: [0, 1, 2])
        }
        #expect("\(error)".contains("image 1 and text 2"), "\(error)")
    }

    /// Keys and values that all texts of an image share, and texts without their padding, give what
    /// each pair alone gives.
    @Test(arguments: Compatibility.allCases)
    func matchingScoresAreThoseOfEachPair(_ compatibility: Compatibility) throws {
        let e = try encoded(compatibility)
        let scores = try e.scores(candidates: 4)
        #expect(Set(e.lengths).count > 1)
        for image in 0..<4 {
            for text in 0..<4 {
                let logit = try withInferenceMode {
                    let keyValues = e.scorer.encoders.text.keyValues(
                        of: e.images.hiddenStates.slice(0, image..<image + 1),
                        mask: e.images.attentionMask?.slice(0, image..<image + 1))
                    let fused = e.scorer.encoders.text.fuse(
                        e.texts.hiddenStates.slice(0, text..<text + 1),
                        attentionMask: e.texts.attentionMask.slice(0, text..<text + 1),
                        keyValues: keyValues)
                    return try e.scorer.matchingHead(fused.select(1, 0)).array(of: Float.self)[1]
                }
                for (entries, item) in [
                    (scores.textsOfImage[image], text), (scores.imagesOfText[text], image),
                ] {
                    let entry = try #require(entries.first { $0.item == item })
                    #expect(abs(entry.score - logit) < 1e-5)
                }
            }
        }
    }

    @Test func onlyTheBestCandidatesAreScored() throws {
        let e = try encoded(.corrected)
        let scores = try e.scores(candidates: 2)
        for (entries, by) in [
            (scores.textsOfImage, e.similarities),
            (scores.imagesOfText, e.similarities.transposed(0, 1)),
        ] {
            for (row, entries) in entries.enumerated() {
                let similarity = try by.select(0, row).contiguous().array(of: Float.self)
                let best = similarity.indices.sorted { similarity[$0] > similarity[$1] }.prefix(2)
                #expect(entries.map { Int($0.item) }.sorted() == best.sorted())
            }
        }
        // More candidates than there are is no error.
        #expect(try e.scores(candidates: 99).textsOfImage.allSatisfy { $0.count == 4 })
        #expect(try e.scores(candidates: 0).textsOfImage.allSatisfy(\.isEmpty))
    }

    /// What was scored ranks by its score, the rest behind it as the official matrices have it: equal
    /// scores of -100, of which the later stand first.
    @Test func candidatesRankAsInAWholeMatrix() throws {
        let similarities = Tensor(
            [0.9, 0.1, 0.2, 0.8, 0.3, 0.7, 0.6, 0.5, 0.4] as [Float], shape: [3, 3])
        let candidates = try RetrievalCandidates(similarities, count: 1)
        var scores = RetrievalScores(candidates)
        var forward = [Float](repeating: RetrievalScores.excluded, count: 9)
        var backward = forward
        for (image, rows) in candidates.pairsOfImage.enumerated() {
            let logits = rows.map { Float(image * 3 + $0) }
            scores.add(image: image, texts: rows, logits: logits)
            for (text, logit) in zip(rows, logits) {
                if candidates.textsOfImage[image].contains(text) {
                    forward[image * 3 + text] = logit
                }
                if candidates.imagesOfText[text].contains(image) {
                    backward[text * 3 + image] = logit
                }
            }
        }
        for imageOfText in [[0, 1, 2], [2, 0, 1], [1, 1, 0]] {
            let whole = try RetrievalMetrics(
                imageToText: Tensor(forward, shape: [3, 3]),
                textToImage: Tensor(backward, shape: [3, 3]), imageOfText: imageOfText)
            #expect(try RetrievalMetrics(scores, imageOfText: imageOfText) == whole)
        }
    }

    @Test func recallCountsTheFirstResults() throws {
        // Texts 0 and 1 belong to image 0, text 2 to image 1.
        let metrics = try RetrievalMetrics(
            similarities: Tensor([0.1, 0.9, 0.5, 0.7, 0.6, 0.2] as [Float], shape: [2, 3]),
            imageOfText: [0, 0, 1])
        #expect(metrics.textRecall == [50, 100, 100])
        #expect(abs(metrics.imageRecall[0] - 100 / 3) < 1e-9)
        #expect(metrics.imageRecall[1...] == [100, 100])
        #expect(abs(metrics.mean - (250.0 / 3 + 700.0 / 9) / 2) < 1e-9)
        // Of equal scores the later one stands first.
        let tied = try RetrievalMetrics(
            imageToText: .zeros([2, 1]), textToImage: .full([1, 2], 0.5), imageOfText: [0])
        #expect(tied.imageRecall == [0, 100, 100])
    }

    @Test func chanceIsThatOfARandomOrder() {
        let chance = RetrievalMetrics(chanceFor: [1, 2])
        #expect(abs(chance.textRecall[0] - 50) < 1e-9)
        #expect(chance.textRecall[1] == 100 && chance.imageRecall == [50, 100, 100])
        // 5 of 20 texts: 1 − C(19, 5) / C(20, 5) for an image with one text.
        let many = RetrievalMetrics(chanceFor: Array(repeating: 1, count: 20))
        #expect(abs(many.textRecall[1] - 25) < 1e-9 && abs(many.imageRecall[1] - 25) < 1e-9)
    }

    @Test func restoredImagesKeepWhatWasLeft() throws {
        let c = tinyConfiguration()
        let model = try PretrainingModel(c, seed: 3)
        let images = try tinyBatch(c).images.pixels
        let mask = PatchMask(
            noise: .uniform([4, c.vision.patchCount], generator: try Generator(seed: 5)), ratio: 0.5
        )
        let shown = try #require(model.restoredImages(images, mask))
        let original = try images.array(of: Float.self)
        let masked = try shown.masked.contiguous().array(of: Float.self)
        let restored = try shown.restored.contiguous().array(of: Float.self)
        #expect(masked.count { $0 == 0 } * 2 == masked.count)
        for index in masked.indices where masked[index] != 0 {
            #expect(masked[index] == original[index] && restored[index] == original[index])
        }
        // A perfect prediction gives the image back.
        let decoder = try #require(model.parts.decoder)
        let perfect = try decoder.images(of: decoder.target(images, mask), images, mask)
            .restored.contiguous().array(of: Float.self)
        #expect(zip(perfect, original).allSatisfy { abs($0 - $1) < 1e-4 })
        #expect(zip(restored, original).contains { $0 != $1 })
        #expect(!restored.contains { !$0.isFinite })
        var other = c
        other.maskedImage = nil
        #expect(try PretrainingModel(other).restoredImages(images, mask) == nil)
    }
}

/// Fine-tuning for retrieval, beyond what the recorded cases show.
@Suite struct RetrievalModelTests {
    private func configuration() -> ModelConfiguration {
        var c = tinyConfiguration()
        c.maskedImage = nil
        c.alignsHiddenStates = false
        return c
    }

    private func batch(_ c: ModelConfiguration, _ identities: [Int]) throws -> ImageTextBatch {
        let batch = try tinyBatch(c, rows: identities.count)
        return ImageTextBatch(
            images: batch.images, texts: batch.texts,
            identities: Tensor(identities))
    }

    /// Of a batch that shows one image alone nothing is a negative: only the positives count.
    @Test func oneImageHasNoNegatives() throws {
        let c = configuration()
        let noise = Tensor.uniform([2, 4, 4], generator: try Generator(seed: 7))
        var logits: Tensor?
        let losses = try RetrievalModel(c, seed: 3).losses(
            batch(c, [5, 5, 5, 5]), .drawn(noise: noise), alpha: 0
        ) { logits = $0 }
        let positives = try #require(logits).slice(0, 0..<4)
        let expected = try crossEntropy(positives, .ones([4], dtype: .int64)).item()
        #expect(abs(try losses.itm.item() - expected) < 1e-6)
    }

    /// Negatives are of other images, however alike the same image's are.
    @Test func negativesAreOfOtherImages() throws {
        let identities = Tensor([1, 1, 2, 2])
        let matches = identities.unsqueezed(1).equals(identities.unsqueezed(0))
        let similarities = matches.to(dtype: .float32) * 50
        for seed in 0..<5 {
            let noise = Tensor.uniform([2, 4, 4], generator: try Generator(seed: UInt64(seed)))
            let chosen = ImageTextMatching.negatives(
                .drawn(noise: noise), imageToText: similarities, textToImage: similarities,
                matches: matches)
            for list in [chosen.images, chosen.texts] {
                let numbers = try list.array(of: Int.self)
                #expect(numbers[0] >= 2 && numbers[1] >= 2 && numbers[2] < 2 && numbers[3] < 2)
            }
        }
    }

    /// What a pretraining checkpoint becomes: everything of the task is taken, only the identities of
    /// the queue are new, and only pretraining's own parts are left.
    @Test func pretrainingWeightsAreTaken() throws {
        var c = tinyConfiguration()
        c.alignsHiddenStates = true
        c.alignedLayers = 1
        let pretrained = try PretrainingModel(c, seed: 5)
        var other = configuration()
        other.vision.imageSize = 2 * c.vision.imageSize + 3
        let model = try RetrievalModel(other, seed: 6)
        let report = try model.load(pretrained.store.state)
        #expect(report.initialized == ["idx_queue"])
        #expect(
            report.unused.allSatisfy { key in
                (WeightMapping.pretrainingOnly + WeightMapping.languageHeads)
                    .contains(where: key.hasPrefix)
            })
        for (key, momentum) in [
            ("text_encoder.encoder.layer.0.output.dense.weight", "text_encoder.bert."),
            ("text_encoder_m.embeddings.LayerNorm.weight", "text_encoder_m.bert."),
        ] {
            let source = momentum + key.split(separator: ".").dropFirst().joined(separator: ".")
            let (found, expected) = (
                try #require(model.store[key]), try #require(pretrained.store[source])
            )
            #expect(try (found - expected).abs().maximum().item() == 0)
        }
        // A fine-tuned checkpoint is taken as it is.
        let again = try RetrievalModel(other, seed: 7)
        #expect(try again.load(model.store.state).initialized.isEmpty)
        // Something else is refused by name.
        let error = try #require(throws: StateDictionaryError.self) {
            try again.load(["visual_encoder.cls_token": .zeros([1, 1, 4]), "foo": .zeros([1])])
        }
        #expect(error.unexpected == ["foo"] && !error.missing.isEmpty)
    }

    /// What only training compares with is neither built for an evaluation nor missed in a checkpoint.
    @Test func evaluationNeedsNeitherQueueNorTeacher() throws {
        let c = configuration()
        let trained = try RetrievalModel(c, seed: 6)
        var other = c
        other.queueSize *= 2
        let model = try RetrievalModel(other, isTrained: false, seed: 7)
        #expect(model.store.entries.allSatisfy { MomentumTeacher.onlineKey(of: $0.key) == nil })
        #expect(model.store["image_queue"] == nil)
        let whole = trained.store.state
        let bare = whole.filter {
            MomentumTeacher.onlineKey(of: $0.key) == nil && !$0.key.contains("queue")
        }
        #expect(bare.count < whole.count)
        for weights in [whole, bare] {
            #expect(try model.load(weights).initialized.isEmpty)
            let (found, expected) = (
                try #require(model.store["itm_head.weight"]),
                try #require(trained.store["itm_head.weight"])
            )
            #expect(try (found - expected).abs().maximum().item() == 0)
        }
        #expect(throws: StateDictionaryError.self) { try trained.load(bare) }
    }

    /// Maps of tokens add up to the map of the text, padding has none, and phrases of one image can
    /// share it.
    @Test(arguments: [HeatMapper.Attention.matching(layer: 3), .contrastive(block: 1)])
    func heatMapsOfSharedImages(_ attention: HeatMapper.Attention) throws {
        let c = configuration()
        let model = try RetrievalModel(c, seed: 3)
        let mapper = model.heatMapper
        let batch = try batch(c, [0, 1, 2, 3])
        let rows = Tensor([2, 0, 2, 1])
        let shared = try mapper(
            batch.images, batch.texts, imageOfText: rows,
            attention)
        let alone = try mapper(
            batch.images.indexed(by: rows), batch.texts, attention)
        #expect(shared.shape == [4, c.vision.grid, c.vision.grid])
        #expect(try (shared - alone).abs().maximum().item() < 1e-6)
        #expect(try alone.maximum().item() > 0)
        let tokens = try mapper.tokenMaps(
            batch.images, batch.texts, attention)
        if case .matching = attention {
            #expect(tokens.size(1) == 8)
            #expect(try tokens.select(1, 7).abs().maximum().item() == 0)
        }
        // Nothing is left behind for the optimizer.
        #expect(model.store.parameters.allSatisfy { $0.tensor.gradient == nil })
        for wrong in [HeatMapper.Attention.matching(layer: 0), .contrastive(block: 9)] {
            #expect(throws: ConfigurationKeyError.self) { try mapper.check(wrong) }
        }
    }
}
