/// What is done to an image before a model sees it.
public enum ImageTransform: Sendable, Equatable {
    /// What an image is cut to.
    public enum Framing: Sendable, Equatable {
        /// A random part, resized.
        case crop(RandomResizedCrop)
        /// The whole image, resized to a square.
        case whole(side: Int)
    }

    /// Cut, then a flip for one in two and RandAugment where they are on.
    case training(Framing, flips: Bool, augmentation: RandAugment?)
    /// Resize to the square.
    case evaluation(side: Int)

    /// Side of the result. pixels
    public var side: Int {
        switch self {
        case .training(.crop(let crop), _, _): crop.side
        case .training(.whole(let side), _, _), .evaluation(let side): side
        }
    }

    /// The image in the model's size, and whether it was mirrored left to right.
    public func callAsFunction(_ image: RGBImage, using random: inout SeededGenerator) -> (
        image: RGBImage, isMirrored: Bool
    ) {
        switch self {
        case .evaluation(let side): return (image.resized(width: side, height: side), false)
        case .training(let framing, let flips, let augmentation):
            var image =
                switch framing {
                case .crop(let crop): crop(image, using: &random)
                case .whole(let side): image.resized(width: side, height: side)
                }
            let isMirrored = flips && random.uniform() < 0.5
            if isMirrored { image = image.flipped() }
            return (augmentation?(image, using: &random) ?? image, isMirrored)
        }
    }
}
