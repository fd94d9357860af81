import Datasets
import Drawing
import Foundation
import Images
import Training

/// Phrases with their pictures, heat maps and boxes, as a page that refers to nothing outside itself.
struct GroundingPage {
    /// Longer side of a picture. pixels
    private static let side = 240
    private static let (truth, chosen) = (RGB(0.1, 0.8, 0.2), RGB(0.95, 0.2, 0.2))

    let title: String
    let examples: [GroundingEvaluation.Example]
    let paths: ImagePaths

    /// - Throws: `ImageError`, `TorchError`
    func html() throws -> String {
        """
        <!doctype html><html lang='en'><meta charset='utf-8'><title>\(HTML.escaped(title))</title>
        <style>body{font:15px sans-serif;margin:2em;color:#222}figure{margin:0 0 1em}
        .results{display:flex;flex-wrap:wrap;gap:1.2em}figcaption{color:#444;font-size:13px}
        </style><h1>\(HTML.escaped(title))</h1>
        <p>The true box is green, the chosen one red. Phrases at even distances through the set.</p>
        <div class='results'>\(try examples.map(element).joined(separator: "\n"))</div></html>
        """
    }

    private func element(_ example: GroundingEvaluation.Example) throws -> String {
        let original = try ImageDecoder.decode(path: paths.resolve(example.record.image))
        let scale = Double(Self.side) / Double(max(original.width, original.height))
        let picture = original.resized(
            width: max(1, Int(Double(original.width) * scale)),
            height: max(1, Int(Double(original.height) * scale)))
        let finding = example.finding
        func boxed(_ image: RGBImage) -> RGBImage {
            var image = image
            if let box = finding.box { image.outline(box, scale: scale, Self.chosen, inset: 2) }
            image.outline(finding.truth, scale: scale, Self.truth, inset: 0)
            return image
        }
        let heat = try HeatMapPicture.picture(
            picture, under: example.heat, label: example.record.text)
        let images = try [boxed(picture), boxed(heat)].map {
            "<img alt='' src='\(try HTML.source($0))'>"
        }
        let verdict =
            finding.overlap >= GroundingEvaluation.leastOverlap ? "right box" : "wrong box"
        let point = finding.pointsAtTruth ? "hottest on it" : "hottest elsewhere"
        return "<figure>\(images.joined(separator: " "))<figcaption>"
            + "\(HTML.escaped(example.record.text)): \(verdict), \(point)</figcaption></figure>"
    }
}

extension RGBImage {
    /// Draws the outline of a box of the picture before it was scaled.
    fileprivate mutating func outline(_ box: Box, scale: Double, _ color: RGB, inset: Int) {
        let (left, top) = (Int(box.x * scale) + inset, Int(box.y * scale) + inset)
        let (right, bottom) = (
            Int((box.x + box.width) * scale) - 1 - inset,
            Int((box.y + box.height) * scale) - 1 - inset
        )
        let bytes = [color.red, color.green, color.blue].map { UInt8(255 * $0) }
        for y in max(0, top)...max(0, top, min(height - 1, bottom)) {
            for x in max(0, left)...max(0, left, min(width - 1, right))
            where x < left + 2 || x > right - 2 || y < top + 2 || y > bottom - 2 {
                guard x < width, y < height else { continue }
                let place = 3 * (y * width + x)
                pixels.replaceSubrange(place..<place + 3, with: bytes)
            }
        }
    }
}
