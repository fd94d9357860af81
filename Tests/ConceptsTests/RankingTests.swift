import Concepts
import Datasets
import Foundation
import Testing
import Text
import Torch

/// The best concepts of images.
@Suite struct RankingTests {
    /// More concepts than are compared at once, and more images: parts must join as if there were
    /// none.
    @Test(arguments: [ConceptRanking.Rounding.full, .official])
    func partsJoin(_ rounding: ConceptRanking.Rounding) throws {
        let generator = try Generator(seed: 3)
        let concepts = Tensor.normal([70_000, 8], generator: generator)
        let images = Tensor.normal([200, 8], generator: generator)
        let ranking = try ConceptRanking(
            concepts: concepts, count: 15, rounding: rounding, path: "concepts")
        let (numbers, scores) = try ranking(images)
        let dtype = rounding == .official ? DType.float16 : .float32
        let (a, b) = (
            images.to(dtype: dtype).normalized(), concepts.to(dtype: dtype).normalized()
        )
        let (wantedScores, _) = a.matmul(b.transposed(0, 1)).largest(15)
        #expect(
            try scores.array(of: Float.self)
                == wantedScores.to(dtype: .float32).array(of: Float.self))
        // Equal cosines may come in any order, so each number must lead to its score.
        let chosen = b.indexed(0, by: numbers.reshaped(-1)).reshaped(200, 15, 8)
        let again = a.unsqueezed(1).matmul(chosen.transposed(1, 2)).reshaped(-1)
        for (x, y) in zip(
            try again.to(dtype: .float32).array(of: Float.self),
            try scores.array(of: Float.self))
        { #expect(abs(x - y) < (rounding == .official ? 2e-3 : 1e-5)) }
        for row in 0..<200 {
            let row = try numbers.select(0, row).array(of: Int.self)
            #expect(Set(row).count == 15)
        }
    }

    @Test func wrongVocabulariesAreRefused() throws {
        #expect(throws: ConceptError.emptyVocabulary(path: "v")) {
            try ConceptRanking(concepts: .zeros([0, 4]), count: 1, path: "v")
        }
        #expect(throws: ConceptError.tooFewConcepts(path: "v", found: 3, wanted: 4)) {
            try ConceptRanking(concepts: .ones([3, 4]), count: 4, path: "v")
        }
    }

    @Test(arguments: [
        ("a photo of a {}.", "a photo of a dog."), ("{}", "dog"), ("{}s", "dogs"),
    ]) func templates(_ text: String, _ result: String) throws {
        #expect(try PromptTemplate(text)("dog") == result)
    }

    @Test(arguments: ["a photo", "{} and {}", ""]) func wrongTemplates(_ text: String) {
        #expect(throws: ConceptError.invalidTemplate(text)) { try PromptTemplate(text) }
    }
}
