import Foundation

/// The random part of an image that training sees (Szegedy et al. 2015, as in torchvision).
public struct RandomResizedCrop: Sendable, Equatable {
    /// Side of the result. pixels
    public var side: Int
    /// Share of the image's area.
    public var scale: ClosedRange<Double>
    /// Width to height.
    public var ratio: ClosedRange<Double> = 3.0 / 4.0...4.0 / 3.0

    /// Crops of a share of the area, resized to a square.
    public init(side: Int, scale: ClosedRange<Double>) {
        self.side = side
        self.scale = scale
    }

    /// Draws the part of an image of a size.
    public func box(width: Int, height: Int, using random: inout SeededGenerator) -> PixelBox {
        let area = Double(width * height)
        for _ in 0..<10 {
            let target = area * random.uniform(scale)
            let aspect = exp(random.uniform(log(ratio.lowerBound)...log(ratio.upperBound)))
            let w = Int((target * aspect).squareRoot().rounded(.toNearestOrEven))
            let h = Int((target / aspect).squareRoot().rounded(.toNearestOrEven))
            if (1...width).contains(w), (1...height).contains(h) {
                return PixelBox(
                    left: random.index(below: width - w + 1),
                    top: random.index(below: height - h + 1), width: w, height: h)
            }
        }
        let aspect = Double(width) / Double(height)
        var (w, h) = (width, height)
        if aspect < ratio.lowerBound {
            h = min(height, max(1, Int((Double(w) / ratio.lowerBound).rounded(.toNearestOrEven))))
        } else if aspect > ratio.upperBound {
            w = min(width, max(1, Int((Double(h) * ratio.upperBound).rounded(.toNearestOrEven))))
        }
        return PixelBox(left: (width - w) / 2, top: (height - h) / 2, width: w, height: h)
    }

    /// The drawn part in the wanted size.
    public func callAsFunction(_ image: RGBImage, using random: inout SeededGenerator) -> RGBImage {
        let box = box(width: image.width, height: image.height, using: &random)
        return image.resized(from: box, width: side, height: side)
    }
}
