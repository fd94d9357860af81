/// What is done to a picture before a model sees it.
public enum ImageTransform: Sendable, Equatable {
    /// Random resized crop, then a flip for one in two and RandAugment where they are on.
    case training(crop: RandomResizedCrop, flips: Bool, augmentation: RandAugment?)
    /// Resize to the square.
    case evaluation(side: Int)

    /// Side of the result. pixels
    public var side: Int {
        switch self {
        case .training(let crop, _, _): crop.side
        case .evaluation(let side): side
        }
    }

    /// The picture in the model's size.
    public func callAsFunction(_ image: RGBImage, using random: inout SeededGenerator) -> RGBImage {
        switch self {
        case .evaluation(let side): return image.resized(width: side, height: side)
        case .training(let crop, let flips, let augmentation):
            var image = crop(image, using: &random)
            if flips, random.uniform() < 0.5 { image = image.flipped() }
            return augmentation?(image, using: &random) ?? image
        }
    }
}
