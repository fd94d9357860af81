import Images

/// How an image becomes the square of numbers that a CLIP model sees.
public struct CLIPImagePreparation: Sendable, Equatable {
    /// What of the image is kept.
    public enum Resizing: Sendable, Equatable {
        /// The middle, after the short side got this length. pixels
        case shortSide(Int)
        /// All of it: the long side gets the length of the square, and the rest is filled.
        case longSide
        /// All of it, stretched to the square.
        case bothSides
    }

    /// Side of the square. pixels
    public var side: Int
    /// What of the image is kept.
    public var resizing: Resizing
    /// How it is resized.
    public var interpolation = RGBImage.Interpolation.bicubic
    /// All three colours of the rest that an image does not fill.
    public var fill: UInt8 = 0
    /// How pixels become numbers.
    public var normalization = PixelNormalization.clip

    /// OpenAI's preparation.
    public init(side: Int) {
        self.side = side
        resizing = .shortSide(side)
    }

    /// The square that the model sees of an image.
    public func square(of image: RGBImage) -> RGBImage {
        switch resizing {
        case .shortSide(let length):
            image.centerSquare(side: side, shortSide: length, interpolation)
        case .longSide:
            image.resized(longSide: side, interpolation).padded(to: side, filledWith: fill)
        case .bothSides: image.resized(width: side, height: side, interpolation)
        }
    }

    /// Normalised, in the order channel, row, column. `[3, side, side]`
    public func callAsFunction(_ image: RGBImage) -> [Float] { normalization(square(of: image)) }
}
