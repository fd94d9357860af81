import Drawing
import Images

/// What an object looks like.
public enum Shape: String, CaseIterable, Codable, Sendable {
    case circle, square, triangle, star, heart, cross
    case house, tree, car, fish, cup, flower

    /// Whether it is drawn of several parts.
    public var isCompound: Bool {
        switch self {
        case .circle, .square, .triangle, .star, .heart, .cross: false
        case .house, .tree, .car, .fish, .cup, .flower: true
        }
    }
}

/// The colour that an object is said to have.
public enum ObjectColor: String, CaseIterable, Codable, Sendable {
    case red, orange, yellow, green, blue, purple, pink, brown, black, white

    /// Red, green and blue of [0, 1], before each object's own variation.
    var rgb: RGB {
        switch self {
        case .red: RGB(0.86, 0.10, 0.12)
        case .orange: RGB(0.98, 0.55, 0.05)
        case .yellow: RGB(0.98, 0.88, 0.10)
        case .green: RGB(0.12, 0.62, 0.18)
        case .blue: RGB(0.12, 0.32, 0.88)
        case .purple: RGB(0.52, 0.14, 0.66)
        case .pink: RGB(1.00, 0.55, 0.74)
        case .brown: RGB(0.45, 0.26, 0.10)
        case .black: RGB(0.08, 0.08, 0.09)
        case .white: RGB(0.97, 0.97, 0.97)
        }
    }
}

/// How large an object is.
public enum ObjectSize: String, CaseIterable, Codable, Sendable {
    case small, medium, large

    /// Larger side of the object. share of the image's side
    var diameter: Double {
        switch self {
        case .small: 0.18
        case .medium: 0.28
        case .large: 0.42
        }
    }
}

/// How an object's surface is filled.
public enum Fill: String, CaseIterable, Codable, Sendable {
    case plain, striped, dotted
}

/// What lies behind the objects.
public enum Background: String, CaseIterable, Codable, Sendable {
    /// Gradients.
    case sky, sunset
    /// Noise.
    case sand, grass
    /// Textures.
    case bricks, tiles
}

/// An object of a scene. Lengths are shares of the image's side.
public struct SceneObject: Sendable, Equatable, Codable {
    /// What it is.
    public let shape: Shape
    /// The colour it is said to have.
    public let color: ObjectColor
    /// How large it is said to be.
    public let size: ObjectSize
    /// How its surface is filled.
    public let fill: Fill
    /// Centre, from the left edge.
    public let x: Double
    /// Centre, from the upper edge.
    public let y: Double
    /// Larger side as it is drawn, about that of `size`.
    public let diameter: Double
    /// Turn. radians
    public let rotation: Double
    /// Whether left and right are exchanged.
    public let isMirrored: Bool
    /// Makes the small variations of the drawing, such as the tone of the colour.
    let variation: UInt64
}

/// Objects over a background; later objects hide earlier ones.
public struct Scene: Sendable, Equatable, Codable {
    /// What lies behind the objects.
    public let background: Background
    /// 2 to 6 objects, the hindmost first.
    public let objects: [SceneObject]
    /// Makes the texture of the background.
    let variation: UInt64
}

/// A colour on a shape.
public struct Combination: Hashable, Sendable {
    /// The colour.
    public let color: ObjectColor
    /// The shape.
    public let shape: Shape

    /// The combinations that only the split for compositional generalisation shows: one colour of
    /// each shape, each colour at least once.
    public static let unseen = Set(
        Shape.allCases.enumerated().map { index, shape in
            Combination(
                color: ObjectColor.allCases[(3 * index + 1) % ObjectColor.allCases.count],
                shape: shape)
        })
}

extension SceneObject {
    /// Its colour and shape.
    public var combination: Combination { Combination(color: color, shape: shape) }
}
