import Batches
import Testing
import Torch

/// Batches that worker threads make.
@Suite struct BatchTests {
    @Test func textsAreFilledUp() throws {
        let texts: [[Int64]] = [[2, 8], [2, 5, 8]]
        let batch = TokenBatch(texts, pad: 7)
        #expect(batch.count == 2 && batch.length == 3)
        #expect(try batch.inputIDs.array(of: Int.self) == [2, 8, 7, 2, 5, 8])
        #expect(try batch.attentionMask.array(of: Int.self) == [1, 1, 0, 1, 1, 1])
        let long = TokenBatch(texts, pad: 7, padding: .length(4))
        #expect(try long.inputIDs.array(of: Int.self) == [2, 8, 7, 7, 2, 5, 8, 7])
        // Longer texts are not cut: that is for the tokenizer to do.
        #expect(TokenBatch(texts, pad: 7, padding: .length(2)).length == 3)
        #expect(TokenBatch([], pad: 7).inputIDs.shape == [0, 0])
        #expect(try batch.cut(to: 2).inputIDs.array(of: Int.self) == [2, 8, 2, 5])
    }

    /// One function names the tensors of a batch: what goes through it reaches all of them.
    @Test func everyTensorIsMapped() throws {
        let tokens = TokenBatch([[1, 2], [3]], pad: 0)
        let batch = ImageTextBatch(
            images: ImageBatch(pixels: .ones([2, 3, 4, 4]), concepts: tokens), texts: tokens,
            identities: Tensor([5, 6]))
        var count = 0
        let moved = batch.map {
            count += 1
            return $0.indexed(0, by: Tensor([1]))
        }
        #expect(count == 6 && moved.count == 1)
        #expect(try moved.identities.array(of: Int.self) == [6])
        #expect(try moved.images.concepts?.inputIDs.array(of: Int.self) == [3, 0])
        #expect(moved.images.pixels.shape == [1, 3, 4, 4])
        // Without a GPU nothing is pinned, and nothing is copied.
        let pinned = batch.pinned(for: .cpu).to(device: .cpu)
        #expect(pinned.images.pixels.isSame(as: batch.images.pixels))
    }

    @Test func tensorsAreWrittenInPlace() throws {
        let tensor = try Tensor([2, 2]) { (buffer: UnsafeMutableBufferPointer<Float>) in
            for place in buffer.indices { buffer[place] = Float(place) }
        }
        #expect(try tensor.array(of: Float.self) == [0, 1, 2, 3])
        struct Failure: Error {}
        #expect(throws: Failure.self) {
            _ = try Tensor([1]) { (_: UnsafeMutableBufferPointer<Int64>) in throw Failure() }
        }
    }
}
