import Datasets
import Drawing
import Foundation
import Images
import Reports
import Training

/// Phrases with their images, heat maps and boxes, as a part of a page.
struct GroundingPage {
    /// Longer side of an image. pixels
    private static let side = 240
    private static let (truth, chosen) = (RGB(0.1, 0.8, 0.2), RGB(0.95, 0.2, 0.2))

    let evaluation: GroundingEvaluation
    let paths: ImagePaths

    /// The same as ``table`` to read, and what is odd about the files.
    var lines: [String] {
        var lines = zip(evaluation.accuracy, evaluation.chance).map { accuracy, chance in
            String(
                format: "%@: %.1f %% right (a random box: %.1f %%)", accuracy.split,
                100 * accuracy.share, 100 * chance.share)
        }
        lines.append(
            String(
                format: "the map is hottest inside the true box for %.1f %% of the phrases",
                100 * evaluation.pointing))
        if evaluation.withoutDetections > 0 {
            lines.append(
                "\(evaluation.withoutDetections) phrases have no box to choose from: det_file has none "
                    + "in their image")
        }
        if evaluation.truthsOutside > 0 {
            lines.append(
                "\(evaluation.truthsOutside) phrases have a true box without area in their image, which "
                    + "nothing can find: check the annotations and the sizes in instances.json")
        }
        if evaluation.detectionsOutside > 0 {
            lines.append(
                "\(evaluation.detectionsOutside) boxes of det_file have no area in their image: check "
                    + "that it was made for these images")
        }
        return lines
    }

    /// Right boxes of each split, beside those of a random choice.
    var table: String {
        let rows = zip(evaluation.accuracy, evaluation.chance).map { accuracy, chance in
            [accuracy.split, percentage(accuracy.share), percentage(chance.share)]
        }
        return HTML.table([["", "right box", "a random box"]] + rows)
            + "<p>The map is hottest inside the true box for \(percentage(evaluation.pointing)) of "
            + "the phrases.</p>"
    }

    /// - Throws: `ImageError`, `TorchError`
    func gallery() throws -> String {
        "<p>The true box is green, the chosen one red.</p>"
            + HTML.gallery(try evaluation.examples.map(figure))
    }

    private func figure(_ example: GroundingEvaluation.Example) throws -> String {
        let original = try RGBImage.shown(paths.resolve(example.record.image))
        let scale = Double(Self.side) / Double(max(original.width, original.height))
        let resized = original.resized(
            width: max(1, Int(Double(original.width) * scale)),
            height: max(1, Int(Double(original.height) * scale)))
        let finding = example.finding
        func boxed(_ image: RGBImage) -> RGBImage {
            var image = image
            if let box = finding.box { image.outline(box, scale: scale, Self.chosen, inset: 2) }
            image.outline(finding.truth, scale: scale, Self.truth, inset: 0)
            return image
        }
        let heat = try HeatMapImage.overlay(
            example.heat, on: resized, label: example.record.text)
        let isRight = finding.overlap >= GroundingEvaluation.leastOverlap
        let point = finding.pointsAtTruth ? "hottest on it" : "hottest elsewhere"
        return try Figure(
            images: [boxed(resized), boxed(heat)], caption: example.record.text,
            verdict: (isRight, "\(isRight ? "right box" : "wrong box"), \(point)")
        ).html()
    }
}

extension RGBImage {
    /// Draws the outline of a box of the image before it was scaled.
    fileprivate mutating func outline(_ box: Box, scale: Double, _ color: RGB, inset: Int) {
        // Cut before it becomes a whole number, which a box far outside would be too large for; just
        // outside the image there is nothing to see of an edge either.
        func place(_ position: Double, _ size: Int) -> Int {
            position.isNaN ? -4 : Int(max(-4, min(Double(size + 4), position * scale)))
        }
        let (left, top) = (place(box.x, width) + inset, place(box.y, height) + inset)
        let (right, bottom) = (
            place(box.x + box.width, width) - 1 - inset,
            place(box.y + box.height, height) - 1 - inset
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
