import Drawing
import Files
import Foundation
import Images
import Torch

/// Heat maps laid over an image, side by side, each with what it is of.
public struct HeatMapImage {
    /// Longer side of a panel. pixels
    private static let side = 320
    private static let labelHeight = 28
    private static let gap = 6
    /// Panels of a row.
    private static let columns = 4

    private let original: RGBImage
    private var panels: [(label: String, image: RGBImage)] = []

    /// Begins with the image alone.
    public init(_ image: RGBImage, label: String) {
        let scale = Double(Self.side) / Double(max(image.width, image.height))
        original = image.resized(
            width: max(1, Int(Double(image.width) * scale)),
            height: max(1, Int(Double(image.height) * scale)))
        panels = [(label, original)]
    }

    /// Adds a panel, whose coldest and hottest points get the ends of the colours.
    ///
    /// - Parameters:
    ///   - label: what the map is of
    ///   - heat: `[g, g]`
    public mutating func add(_ label: String, heat: Tensor) throws {
        panels.append((label, try Self.overlay(heat, on: original, label: label)))
    }

    /// An image with a heat map over it. `[g, g]`
    /// - Throws: ``HeatMapError`` for a map that is not finite, `TorchError`
    public static func overlay(_ heat: Tensor, on image: RGBImage, label: String) throws -> RGBImage
    {
        let (width, height) = (image.width, image.height)
        let values = try heat.to(dtype: .float32).to(device: .cpu)
            .reshaped(1, 1, heat.size(0), heat.size(1))
            .resizedBicubic(height: height, width: width).contiguous().array(of: Float.self)
        guard values.allSatisfy(\.isFinite) else {
            throw HeatMapError.notFinite(label: label)
        }
        let bottom = values.min() ?? 0
        let range = max((values.max() ?? 0) - bottom, .leastNormalMagnitude)
        var pixels = image.pixels
        for (index, value) in values.enumerated() {
            let share = Double((value - bottom) / range)
            let color = color(share)
            // Cold places keep their image in grey, so that colours mean heat alone.
            let place = 3 * index
            let grey =
                0.3 * Double(pixels[place]) + 0.59 * Double(pixels[place + 1])
                + 0.11 * Double(pixels[place + 2])
            let opacity = 0.15 + 0.55 * share
            for (channel, part) in [color.red, color.green, color.blue].enumerated() {
                let mixed = (1 - opacity) * grey + opacity * 255 * part
                pixels[place + channel] = UInt8(max(0, min(255, mixed)))
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// From dark blue over red to yellow.
    private static func color(_ share: Double) -> RGB {
        let stops = [
            RGB(0.05, 0.03, 0.3), RGB(0.55, 0.05, 0.45), RGB(0.95, 0.35, 0.1), RGB(1, 0.95, 0.3),
        ]
        let position = share * Double(stops.count - 1)
        let first = min(stops.count - 2, Int(position))
        return stops[first].mixed(with: stops[first + 1], position - Double(first))
    }

    /// The panels in rows.
    /// - Throws: `DrawingError`
    public func image() throws -> RGBImage {
        let columns = min(Self.columns, panels.count)
        let rows = (panels.count + columns - 1) / columns
        let (cellWidth, cellHeight) = (
            original.width + Self.gap, original.height + Self.labelHeight + Self.gap
        )
        let (width, height) = (columns * cellWidth + Self.gap, rows * cellHeight + Self.gap)
        let canvas = Canvas(width: width, height: height)
        canvas.rectangle(0, 0, Double(width), Double(height))
        canvas.fill(RGB(1, 1, 1))
        func origin(_ number: Int) -> (x: Int, y: Int) {
            (
                Self.gap + number % columns * cellWidth, Self.gap + number / columns * cellHeight
            )
        }
        for (number, panel) in panels.enumerated() {
            let (x, y) = origin(number)
            canvas.text(
                panel.label, left: Double(x), right: Double(x + original.width),
                baseline: Double(y + Self.labelHeight - 9), size: 16, RGB(0.1, 0.1, 0.1))
        }
        var result = try canvas.image()
        for (number, panel) in panels.enumerated() {
            let (x, y) = origin(number)
            for row in 0..<panel.image.height {
                let target = 3 * ((y + Self.labelHeight + row) * width + x)
                let source = 3 * row * panel.image.width
                result.pixels.replaceSubrange(
                    target..<target + 3 * panel.image.width,
                    with: panel.image.pixels[source..<source + 3 * panel.image.width])
            }
        }
        return result
    }

    /// - Throws: `DrawingError`, `ImageError`, `FileWritingError`
    public func write(to path: String) throws {
        try writeAtomically(ImageEncoder.png(image(), software: MarkedFile.mark), to: path)
    }
}

/// Why a heat map cannot be drawn.
public enum HeatMapError: Error, Equatable, Sendable, CustomStringConvertible {
    case notFinite(label: String)

    /// Of what the map is, and where to look.
    public var description: String {
        switch self {
        case .notFinite(let label):
            "the heat map of '\(label)' is not finite; is the checkpoint of a run that diverged?"
        }
    }
}
