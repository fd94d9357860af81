import Foundation
import Torch

/// Position embeddings of patch grids.
public enum PositionEmbedding {
    /// A learned position embedding for another number of patches: the grid part is resized
    /// bicubically, the class slot stays.
    ///
    /// - Parameters:
    ///   - embedding: `[1, 1 + g·g, D]`
    ///   - grid: patches along a side of the new image
    /// - Returns: `[1, 1 + grid·grid, D]`
    public static func resized(_ embedding: Tensor, grid: Int) -> Tensor {
        let old = Int(Double(embedding.size(1) - 1).squareRoot().rounded())
        if old == grid { return embedding }
        let width = embedding.size(2)
        let image = embedding.slice(1, 1...).reshaped(1, old, old, width).permuted(0, 3, 1, 2)
        let patches = image.resizedBicubic(height: grid, width: grid)
            .permuted(0, 2, 3, 1).reshaped(1, grid * grid, width)
        return .concatenated([embedding.slice(1, 0..<1), patches], dimension: 1)
    }

    /// The fixed sine-cosine table of a square grid, with a row of zeros for the class token
    /// (He et al. 2022): the first half of a row encodes the column, the second half the row.
    ///
    /// - Returns: `[1, 1 + grid·grid, width]`
    public static func sineCosine(width: Int, grid: Int) -> Tensor {
        let quarter = width / 4
        var table = [Float](repeating: 0, count: (1 + grid * grid) * width)
        for row in 0..<grid {
            for column in 0..<grid {
                let start = (1 + row * grid + column) * width
                for (half, position) in [column, row].enumerated() {
                    for i in 0..<quarter {
                        let frequency = 1 / pow(10000, Double(i) / Double(quarter))
                        let angle = Double(position) * frequency
                        table[start + half * 2 * quarter + i] = Float(sin(angle))
                        table[start + half * 2 * quarter + quarter + i] = Float(cos(angle))
                    }
                }
            }
        }
        return Tensor(table, shape: [1, 1 + grid * grid, width])
    }
}
