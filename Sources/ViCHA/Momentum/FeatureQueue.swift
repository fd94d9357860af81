// Shapes: B batch, E feature width, Q queue length.
import Torch

/// The queues of earlier momentum features.
public final class FeatureQueue {
    /// Image features as columns. `[E, Q]`
    public let images: Tensor
    /// Text features as columns. `[E, Q]`
    public let texts: Tensor
    /// Column that is written next. int64 `[1]`
    public let pointer: Tensor
    private let length: Int

    /// Declares `image_queue`, `text_queue` and `queue_ptr`, filled with random unit vectors.
    init(_ scope: ParameterScope, width: Int, length: Int) {
        self.length = length
        images = scope.buffer("image_queue", [width, length], .unitColumns)
        texts = scope.buffer("text_queue", [width, length], .unitColumns)
        pointer = scope.buffer("queue_ptr", [1], .zeros, dtype: .int64)
    }

    /// Replaces the oldest features with those of a batch. `[B, E]`
    /// - Throws: ``FeatureQueueError`` where the batch does not divide the queue.
    public func enqueue(images newImages: Tensor, texts newTexts: Tensor) throws {
        let batch = newImages.size(0)
        guard batch > 0, length % batch == 0 else {
            throw FeatureQueueError(batch: batch, length: length)
        }
        try withoutGradient {
            // Computed on the device: reading the pointer would wait for it.
            let columns = Tensor.range(0..<batch, device: pointer.device) + pointer
            try images.setColumns(columns, newImages.transposed(0, 1))
            try texts.setColumns(columns, newTexts.transposed(0, 1))
            try pointer.copy(from: (pointer + batch).modulo(length))
        }
    }
}

/// A batch that does not divide the queue.
public struct FeatureQueueError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Features that were to be enqueued.
    public let batch: Int
    /// Features that the queue holds.
    public let length: Int

    /// What happened, where, and what to do about it.
    public var description: String {
        "queue_size (\(length)) must be a multiple of the batch size of all processes (\(batch)); "
            + "change one of them in the configuration"
    }
}
