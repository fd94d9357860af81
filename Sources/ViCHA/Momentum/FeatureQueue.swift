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
    /// Which image each column belongs to, where that is kept. int64 `[1, Q]`
    public let identities: Tensor?
    private let length: Int

    /// An identity that no image has: of features that were never enqueued.
    static let nobody = -100.0

    /// Declares `image_queue` and `text_queue`, filled with random unit vectors, `queue_ptr`, and with
    /// `keepsIdentities` `idx_queue`.
    public init(_ scope: ParameterScope, width: Int, length: Int, keepsIdentities: Bool = false) {
        self.length = length
        images = scope.buffer("image_queue", [width, length], .unitColumns)
        texts = scope.buffer("text_queue", [width, length], .unitColumns)
        identities =
            keepsIdentities
            ? scope.buffer("idx_queue", [1, length], .constant(Self.nobody), dtype: .int64) : nil
        pointer = scope.buffer("queue_ptr", [1], .zeros, dtype: .int64)
    }

    /// Replaces the oldest features with those of a batch.
    ///
    /// A feature that is not finite is left out, so that a step that diverges does not spoil what
    /// later steps are compared with.
    /// - Throws: ``FeatureQueueError`` where the batch does not divide the queue.
    public func enqueue(_ features: MomentumFeatures) throws {
        let batch = features.images.size(0)
        guard batch > 0, length % batch == 0 else {
            throw FeatureQueueError(batch: batch, length: length)
        }
        try withoutGradient {
            // Computed on the device: reading the pointer would wait for it.
            let columns = Tensor.range(0..<batch, device: pointer.device) + pointer
            for (queue, features) in [(images, features.images), (texts, features.texts)] {
                let new = features.transposed(0, 1).to(dtype: queue.dtype)
                let old = queue.indexed(1, by: columns)
                try queue.setColumns(columns, .where(new.isFinite(), new, old))
            }
            if let identities, let newIdentities = features.identities {
                try identities.setColumns(columns, newIdentities.unsqueezed(0))
            }
            try pointer.copy(from: (pointer + batch).modulo(length))
        }
    }
}

/// What the momentum model makes of a batch, for the queue.
public struct MomentumFeatures: Sendable {
    /// Normalised, without gradient. `[B, E]`
    public let images: Tensor
    /// Normalised, without gradient. `[B, E]`
    public let texts: Tensor
    /// The image of each row, where that is kept. int64 `[B]`
    public let identities: Tensor?

    /// Features of a batch.
    public init(images: Tensor, texts: Tensor, identities: Tensor? = nil) {
        self.images = images
        self.texts = texts
        self.identities = identities
    }
}

/// A batch that does not divide the queue.
public struct FeatureQueueError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Features that were to be enqueued.
    public let batch: Int
    /// Features that the queue holds.
    public let length: Int

    /// Both sizes, and what to change.
    public var description: String {
        "queue_size (\(length)) must be a multiple of the batch size of all processes (\(batch)); "
            + "change one of them in the configuration"
    }
}
