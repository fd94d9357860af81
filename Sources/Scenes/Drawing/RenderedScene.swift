import Drawing
import Images

/// A scene as pixels, with where its objects can be seen.
public struct RenderedScene: Sendable {
    /// The square image.
    public let image: RGBImage
    /// The visible part of each object, in the order of the scene.
    public let boxes: [PixelBox]
    /// How much of each object other objects leave visible. (0, 1]
    public let visibleShares: [Double]

    /// Draws a scene.
    ///
    /// - Parameters:
    ///   - scene: what is drawn
    ///   - side: of the image. pixels
    /// - Throws: ``DrawingError``
    public init(_ scene: Scene, side: Int) throws {
        let canvas = Canvas(side: side)
        BackgroundDrawing(background: scene.background, variation: scene.variation).draw(on: canvas)
        var coverages: [[Float]] = []
        for object in scene.objects {
            ObjectDrawing(object: object).draw(on: canvas)
            let own = Canvas(side: side)
            ObjectDrawing(object: object).draw(on: own)
            coverages.append(try own.coverage())
        }
        image = try canvas.image()
        var boxes: [PixelBox] = []
        var shares: [Double] = []
        var free = [Float](repeating: 1, count: side * side)
        for coverage in coverages.reversed() {
            let visible = zip(coverage, free).map { $0 * $1 }
            boxes.append(Self.bounds(of: visible, side: side))
            shares.append(Double(visible.reduce(0, +) / max(1e-6, coverage.reduce(0, +))))
            for index in free.indices { free[index] *= 1 - coverage[index] }
        }
        self.boxes = boxes.reversed()
        visibleShares = shares.reversed()
    }

    /// The smallest box around all pixels of which at least a quarter is covered.
    private static func bounds(of coverage: [Float], side: Int) -> PixelBox {
        var (left, top, right, bottom) = (side, side, 0, 0)
        for y in 0..<side {
            for x in 0..<side where coverage[y * side + x] >= 0.25 {
                left = min(left, x)
                right = max(right, x + 1)
                top = min(top, y)
                bottom = y + 1
            }
        }
        return PixelBox(
            left: min(left, right), top: min(top, bottom), width: max(0, right - left),
            height: max(0, bottom - top))
    }
}
