/// A colour. [0, 1]
package struct RGB: Sendable, Equatable {
    package var red: Double
    package var green: Double
    package var blue: Double

    package init(_ red: Double, _ green: Double, _ blue: Double) {
        (self.red, self.green, self.blue) = (red, green, blue)
    }

    /// This colour moved towards another by a share of the way.
    package func mixed(with other: RGB, _ share: Double) -> RGB {
        func mix(_ a: Double, _ b: Double) -> Double { a + (b - a) * share }
        return RGB(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
    }

    package var luminance: Double { 0.3 * red + 0.59 * green + 0.11 * blue }
}
