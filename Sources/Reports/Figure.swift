import Datasets
import Foundation
import Images

/// Images with what is said of them, as a part of a page.
public struct Figure {
    /// A line with a bar.
    public struct Bar {
        /// What the bar is of.
        public let name: String
        /// What stands beside the name.
        public let label: String
        /// Length. [0, 1]
        public let share: Double
        /// Whether it is what the truth says.
        public var isTrue = false

        /// Describes a line.
        public init(name: String, label: String, share: Double, isTrue: Bool = false) {
            self.name = name
            self.label = label
            self.share = share
            self.isTrue = isTrue
        }
    }

    /// Length of a full bar. pixels
    private static let barLength = 80.0

    /// Beside each other.
    public let images: [RGBImage]
    /// What is said of them.
    public let caption: String
    /// Below the caption.
    public var bars: [Bar] = []
    /// Whether the model is right, and how that is said; nil where nobody judges.
    public var verdict: (isRight: Bool, text: String)?

    /// Describes a figure.
    public init(
        images: [RGBImage], caption: String, bars: [Bar] = [],
        verdict: (isRight: Bool, text: String)? = nil
    ) {
        self.images = images
        self.caption = caption
        self.bars = bars
        self.verdict = verdict
    }

    /// As an element.
    /// - Throws: `ImageError`
    public func html() throws -> String {
        let elements = try images.map { try HTML.image($0) }.joined(separator: " ")
        let rows = bars.map { bar in
            let length = Int(Self.barLength * max(0, min(1, bar.share)))
            return "<tr\(bar.isTrue ? " class='true'" : "")><td>\(HTML.escaped(bar.name))</td>"
                + "<td>\(HTML.escaped(bar.label))</td>"
                + "<td><div style='width:\(length)px'></div></td></tr>"
        }
        let judged = verdict.map {
            " <span class='\($0.isRight ? "right" : "wrong")'>\(HTML.escaped($0.text))</span>"
        }
        let width = images.reduce(0) { $0 + $1.width + 12 }
        return "<figure style='width:\(max(width, 200))px'>\(elements)"
            + "<figcaption>\(HTML.escaped(caption))\(judged ?? "")</figcaption>"
            + "\(rows.isEmpty ? "" : "<table>\(rows.joined())</table>")</figure>"
    }
}

extension RGBImage {
    /// A file's image, of which a page tells something, as far as it can be read.
    /// - Throws: `ImageError`
    public static func shown(_ path: String, shortSide: Int? = nil) throws -> RGBImage {
        try ImageDecoder.decodeAvailable(
            path: path, shortSide: shortSide, limit: ImageAcceptance.possibleLimits.upperBound
        ).image
    }

    /// A file's image with a shorter side that suits a page.
    /// - Throws: `ImageError`
    public static func thumbnail(_ path: String, shortSide: Int = 160) throws -> RGBImage {
        let image = try shown(path, shortSide: shortSide)
        return min(image.width, image.height) > shortSide
            ? image.resized(shortSide: shortSide) : image
    }
}
