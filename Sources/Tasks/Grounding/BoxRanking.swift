import Datasets
import Foundation
import Torch

/// Chooses the box that holds most heat for its size (Yu et al. 2018; the official
/// `grounding_eval`).
public struct BoxRanking {
    /// Power of the area that a box's heat is divided by.
    public static let areaExponent = 0.5

    /// Sums of heat of all pixels above and to the left. `[height + 1, width + 1]`
    private let sums: [Double]
    private let width: Int
    private let height: Int
    /// Where it is hottest. pixels
    public let hottest: (x: Int, y: Int)

    /// Brings a heat map to the size of its image.
    ///
    /// - Parameters:
    ///   - heat: `[g, g]` on the CPU
    ///   - width: of the image. pixels
    ///   - height: of the image. pixels
    /// - Throws: `TorchError`
    public init(heat: Tensor, width: Int, height: Int) throws {
        let pixels = try heat.reshaped(1, 1, heat.size(0), heat.size(1))
            .resizedBicubic(height: height, width: width).contiguous().array(of: Float.self)
        var sums = [Double](repeating: 0, count: (width + 1) * (height + 1))
        for y in 0..<height {
            var row = 0.0
            for x in 0..<width {
                row += Double(pixels[y * width + x])
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row
            }
        }
        self.sums = sums
        self.width = width
        self.height = height
        let place = pixels.indices.max { pixels[$0] < pixels[$1] } ?? 0
        hottest = (place % max(1, width), place / max(1, width))
    }

    /// Heat of a box over the root of its area; 0 for one outside the image.
    public func score(_ box: Box) -> Double {
        // Cut before it becomes a whole number, which a box far outside would be too large for.
        func clamped(_ position: Double, _ size: Int) -> Int {
            position.isNaN ? 0 : Int(max(0, min(Double(size), position)))
        }
        let (left, right) = (clamped(box.x, width), clamped(box.x + box.width, width))
        let (top, bottom) = (clamped(box.y, height), clamped(box.y + box.height, height))
        guard left < right, top < bottom else { return 0 }
        func sum(_ y: Int, _ x: Int) -> Double { sums[y * (width + 1) + x] }
        let heat = sum(bottom, right) - sum(top, right) - sum(bottom, left) + sum(top, left)
        return heat / pow(box.width * box.height, Self.areaExponent)
    }

    /// The number of the best box with a positive score, the first of equal ones; nil where no box
    /// has any heat.
    public func best(of boxes: [Box]) -> Int? {
        var best: (number: Int, score: Double)?
        for (number, box) in boxes.enumerated() {
            let score = score(box)
            if score > best?.score ?? 0 { best = (number, score) }
        }
        return best?.number
    }
}
