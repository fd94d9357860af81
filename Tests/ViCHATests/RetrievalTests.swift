import Testing
import Torch

@testable import ViCHA

@Suite struct RetrievalTests {
    private struct Encoded {
        let scorer: RetrievalScorer
        let images: EncodedImages
        let texts: EncodedTexts
    }

    /// Four images and four texts of a random model.
    private func encoded(_ compatibility: Compatibility) throws -> Encoded {
        var c = tinyConfiguration()
        c.compatibility = compatibility
        let scorer = try PretrainingModel(c, seed: 3).retrieval
        let batch = try tinyBatch(c, conceptPadding: 2)
        return Encoded(
            scorer: scorer, images: scorer.encode(images: batch.images, concepts: batch.concepts),
            texts: scorer.encode(texts: batch.captions))
    }

    /// Keys and values that all texts of an image share give what each pair alone gives.
    @Test(arguments: Compatibility.allCases)
    func matchingScoresAreThoseOfEachPair(_ compatibility: Compatibility) throws {
        let e = try encoded(compatibility)
        let scores = try RetrievalScores(matching: e.images, e.texts, by: e.scorer, candidates: 4)
        for image in 0..<4 {
            for text in 0..<4 {
                let logit = try withInferenceMode {
                    let memory = e.scorer.encoders.text.memory(
                        of: e.images.hiddenStates.slice(0, image..<image + 1),
                        mask: e.images.attentionMask?.slice(0, image..<image + 1))
                    let fused = e.scorer.encoders.text.fuse(
                        e.texts.hiddenStates.slice(0, text..<text + 1),
                        attentionMask: e.texts.attentionMask.slice(0, text..<text + 1),
                        memory: memory)
                    return try e.scorer.matchingHead(fused.select(1, 0)).array(of: Float.self)[1]
                }
                #expect(abs(scores.imageToText[image][text] - logit) < 1e-5)
                #expect(abs(scores.textToImage[text][image] - logit) < 1e-5)
            }
        }
    }

    @Test func onlyTheBestCandidatesAreScored() throws {
        let e = try encoded(.corrected)
        let similarities = try RetrievalScores(similaritiesOf: e.images, e.texts)
        let scores = try RetrievalScores(matching: e.images, e.texts, by: e.scorer, candidates: 2)
        for (rows, by) in [
            (scores.imageToText, similarities.imageToText),
            (scores.textToImage, similarities.textToImage),
        ] {
            for (row, similarity) in zip(rows, by) {
                let best = similarity.indices.sorted { similarity[$0] > similarity[$1] }.prefix(2)
                #expect(row.indices.filter { row[$0] != -100 } == best.sorted())
            }
        }
        // More candidates than there are is no error.
        let all = try RetrievalScores(matching: e.images, e.texts, by: e.scorer, candidates: 99)
        #expect(!all.imageToText.joined().contains(-100))
    }

    @Test func recallCountsTheFirstResults() {
        // Texts 0 and 1 belong to image 0, text 2 to image 1.
        let metrics = RetrievalMetrics(
            imageToText: [[0.1, 0.9, 0.5], [0.7, 0.6, 0.2]],
            textToImage: [[0.1, 0.7], [0.9, 0.6], [0.5, 0.2]], imageOfText: [0, 0, 1])
        #expect(metrics.textRecall == [50, 100, 100])
        #expect(abs(metrics.imageRecall[0] - 100 / 3) < 1e-9)
        #expect(metrics.imageRecall[1...] == [100, 100])
        #expect(abs(metrics.mean - (250.0 / 3 + 700.0 / 9) / 2) < 1e-9)
        // Of equal scores the later one stands first.
        let tied = RetrievalMetrics(
            imageToText: [[0], [0]], textToImage: [[0.5, 0.5]], imageOfText: [0])
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
        let images = try tinyBatch(c).images
        let mask = PatchMask(
            noise: .uniform([4, c.vision.patchCount], generator: try Generator(seed: 5)), ratio: 0.5
        )
        let pictures = try #require(model.restoredImages(images, mask))
        let original = try images.array(of: Float.self)
        let masked = try pictures.masked.contiguous().array(of: Float.self)
        let restored = try pictures.restored.contiguous().array(of: Float.self)
        #expect(masked.count { $0 == 0 } * 2 == masked.count)
        for index in masked.indices where masked[index] != 0 {
            #expect(masked[index] == original[index] && restored[index] == original[index])
        }
        // A perfect prediction gives the image back.
        let decoder = try #require(model.decoder)
        let perfect = try decoder.pictures(of: decoder.target(images, mask), images, mask)
            .restored.contiguous().array(of: Float.self)
        #expect(zip(perfect, original).allSatisfy { abs($0 - $1) < 1e-4 })
        #expect(zip(restored, original).contains { $0 != $1 })
        #expect(!restored.contains { !$0.isFinite })
        var other = c
        other.maskedImage = nil
        #expect(try PretrainingModel(other).restoredImages(images, mask) == nil)
    }
}
