// Shapes: B batch, S side of the images.
import Torch

/// A batch of images with their visual concepts.
public struct ImageBatch: TensorBatch {
    /// Normalised pixels. `[B, 3, S, S]`
    public let pixels: Tensor
    /// nil for a model without concepts.
    public let concepts: TokenBatch?

    /// Images, and the concepts of each.
    public init(pixels: Tensor, concepts: TokenBatch?) {
        self.pixels = pixels
        self.concepts = concepts
    }

    /// Number of images.
    public var count: Int { pixels.size(0) }

    /// The same with each tensor changed.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> ImageBatch {
        try ImageBatch(pixels: change(pixels), concepts: concepts?.map(change))
    }

    /// One image for each index. int64 `[n]`
    public func indexed(by rows: Tensor) -> ImageBatch { map { $0.indexed(0, by: rows) } }
}

/// A batch of pairs of an image and a text, several of which may be of one image.
public struct ImageTextBatch: TensorBatch {
    /// The image of each pair.
    public let images: ImageBatch
    /// The caption or phrase of each pair.
    public let texts: TokenBatch
    /// Which image each is: equal numbers, equal images. int64 `[B]`
    public let identities: Tensor

    /// Pairs in the order of their rows.
    public init(images: ImageBatch, texts: TokenBatch, identities: Tensor) {
        self.images = images
        self.texts = texts
        self.identities = identities
    }

    /// Number of pairs.
    public var count: Int { texts.count }

    /// The same with each tensor changed.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> ImageTextBatch {
        try ImageTextBatch(
            images: images.map(change), texts: texts.map(change), identities: change(identities))
    }
}
