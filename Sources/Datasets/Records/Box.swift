import Files

/// A rectangle in pixels, as RefCOCO and COCO write it.
public struct Box: Codable, Sendable, Equatable, JSONDescribed {
    /// As in "must be …".
    public static let jsonDescription = "a list of four numbers [x, y, width, height]"

    /// Left edge.
    public let x: Double
    /// Upper edge.
    public let y: Double
    /// Columns.
    public let width: Double
    /// Rows.
    public let height: Double

    /// Makes a rectangle.
    public init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// Reads `[x, y, width, height, …]`; what follows is left alone.
    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        x = try container.decode(Double.self)
        y = try container.decode(Double.self)
        width = try container.decode(Double.self)
        height = try container.decode(Double.self)
    }

    /// Writes `[x, y, width, height]`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for value in [x, y, width, height] { try container.encode(value) }
    }

    /// Whether a part of the rectangle lies in an image of so many pixels.
    public func hasArea(withinWidth imageWidth: Int, height imageHeight: Int) -> Bool {
        min(x + width, Double(imageWidth)) > max(x, 0)
            && min(y + height, Double(imageHeight)) > max(y, 0)
    }

    /// Intersection over union as the evaluations of RefCOCO+ compute it: of pixels, with the last
    /// column and row inside, so that boxes share nothing unless they share two of each. [0, 1]
    public func pixelOverlap(with other: Box) -> Double {
        let columns = min(x + width, other.x + other.width) - max(x, other.x) - 1
        let rows = min(y + height, other.y + other.height) - max(y, other.y) - 1
        let shared = columns > 0 && rows > 0 ? (columns + 1) * (rows + 1) : 0
        return shared / (width * height + other.width * other.height - shared)
    }

    /// Intersection over union of the areas. [0, 1]
    public func overlap(with other: Box) -> Double {
        let columns = min(x + width, other.x + other.width) - max(x, other.x)
        let rows = min(y + height, other.y + other.height) - max(y, other.y)
        let shared = max(0, columns) * max(0, rows)
        return shared / (width * height + other.width * other.height - shared)
    }
}
