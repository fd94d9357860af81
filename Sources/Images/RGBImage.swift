/// An image of 8-bit RGB pixels.
public struct RGBImage: Sendable, Equatable {
    /// Size. pixels
    public let width: Int
    /// Rows. pixels
    public let height: Int
    /// Row by row, three bytes a pixel.
    public var pixels: [UInt8]

    /// An image with given pixels.
    /// - Precondition: there are 3 · width · height of them.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == 3 * width * height, "\(width)×\(height) pixels wanted")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// An image of one colour.
    public init(width: Int, height: Int, filledWith value: UInt8) {
        self.init(
            width: width, height: height,
            pixels: Array(repeating: value, count: 3 * width * height))
    }

    /// A part of the image.
    /// - Precondition: the part lies inside.
    public func cropped(to box: PixelBox) -> RGBImage {
        precondition(
            box.left >= 0 && box.top >= 0 && box.left + box.width <= width
                && box.top + box.height <= height, "the crop lies outside the image")
        if box == PixelBox(left: 0, top: 0, width: width, height: height) { return self }
        var result: [UInt8] = []
        result.reserveCapacity(3 * box.width * box.height)
        for y in box.top..<box.top + box.height {
            let start = 3 * (y * width + box.left)
            result.append(contentsOf: pixels[start..<start + 3 * box.width])
        }
        return RGBImage(width: box.width, height: box.height, pixels: result)
    }

    /// The image mirrored left to right.
    public func flipped() -> RGBImage {
        var result = pixels
        for y in 0..<height {
            for x in 0..<width {
                let from = 3 * (y * width + x)
                let to = 3 * (y * width + width - 1 - x)
                for channel in 0..<3 { result[to + channel] = pixels[from + channel] }
            }
        }
        return RGBImage(width: width, height: height, pixels: result)
    }
}

/// A rectangle of pixels.
public struct PixelBox: Sendable, Equatable {
    /// Column of the left edge. pixels
    public var left: Int
    /// Row of the upper edge. pixels
    public var top: Int
    /// Columns. pixels
    public var width: Int
    /// Rows. pixels
    public var height: Int

    /// Makes a rectangle.
    public init(left: Int, top: Int, width: Int, height: Int) {
        self.left = left
        self.top = top
        self.width = width
        self.height = height
    }
}
