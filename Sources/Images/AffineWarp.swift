import Foundation

/// A map of the plane: x′ = a·x + b·y + c, y′ = d·x + e·y + f.
struct AffineMap: Sendable, Equatable {
    var (a, b, c, d, e, f): (Double, Double, Double, Double, Double, Double)

    /// Coefficients are rounded to single precision, as the official code passes them.
    init(_ a: Double, _ b: Double, _ c: Double, _ d: Double, _ e: Double, _ f: Double) {
        (self.a, self.b, self.c) = (Double(Float(a)), Double(Float(b)), Double(Float(c)))
        (self.d, self.e, self.f) = (Double(Float(d)), Double(Float(e)), Double(Float(f)))
    }

    private init(exactly a: Double, _ b: Double, _ c: Double, _ d: Double, _ e: Double, _ f: Double)
    {
        (self.a, self.b, self.c, self.d, self.e, self.f) = (a, b, c, d, e, f)
    }

    static func == (l: AffineMap, r: AffineMap) -> Bool {
        (l.a, l.b, l.c) == (r.a, r.b, r.c) && (l.d, l.e, l.f) == (r.d, r.e, r.f)
    }

    /// A rotation about the centre, counter-clockwise on the screen.
    static func rotation(degrees: Double, width: Int, height: Int) -> AffineMap {
        let angle = degrees * .pi / 180
        let (alpha, beta) = (cos(angle), sin(angle))
        let (x, y) = (Double(width) / 2, Double(height) / 2)
        return AffineMap(
            exactly: alpha, beta, (1 - alpha) * x - beta * y, -beta, alpha,
            beta * x + (1 - alpha) * y)
    }

    var inverse: AffineMap {
        let determinant = a * e - b * d
        let scale = determinant == 0 ? 0 : 1 / determinant
        let (ia, ib, id, ie) = (e * scale, -b * scale, -d * scale, a * scale)
        return AffineMap(exactly: ia, ib, -ia * c - ib * f, id, ie, -id * c - ie * f)
    }
}

extension RGBImage {
    /// The image under an affine map with bilinear interpolation in OpenCV's fixed-point
    /// arithmetic: positions in 1/32 pixel, weights of 15 bits.
    func warped(_ map: AffineMap, fill: UInt8 = 128) -> RGBImage {
        let inverse = map.inverse
        let precision = 1024.0
        let columnSteps = (0..<width).map { x -> (Int, Int) in
            (
                Int((inverse.a * Double(x) * precision).rounded(.toNearestOrEven)),
                Int((inverse.d * Double(x) * precision).rounded(.toNearestOrEven))
            )
        }
        var result = RGBImage(width: width, height: height, filledWith: fill)
        for y in 0..<height {
            let startX =
                Int(((inverse.b * Double(y) + inverse.c) * precision).rounded(.toNearestOrEven))
                + 16
            let startY =
                Int(((inverse.e * Double(y) + inverse.f) * precision).rounded(.toNearestOrEven))
                + 16
            for x in 0..<width {
                let sourceX = (startX + columnSteps[x].0) >> 5
                let sourceY = (startY + columnSteps[x].1) >> 5
                let (left, top) = (sourceX >> 5, sourceY >> 5)
                if left < -1 || top < -1 || left >= width || top >= height { continue }
                let (fx, fy) = (sourceX & 31, sourceY & 31)
                let weights = (
                    (32 - fx) * (32 - fy) * 32, fx * (32 - fy) * 32, (32 - fx) * fy * 32,
                    fx * fy * 32
                )
                for channel in 0..<3 {
                    func value(_ x: Int, _ y: Int) -> Int {
                        x >= 0 && x < width && y >= 0 && y < height
                            ? Int(pixels[3 * (y * width + x) + channel]) : Int(fill)
                    }
                    let sum =
                        weights.0 * value(left, top) + weights.1 * value(left + 1, top)
                        + weights.2 * value(left, top + 1) + weights.3 * value(left + 1, top + 1)
                    result.pixels[3 * (y * width + x) + channel] = UInt8((sum + (1 << 14)) >> 15)
                }
            }
        }
        return result
    }
}
