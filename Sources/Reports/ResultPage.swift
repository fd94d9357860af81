import Foundation
import Images

/// Results of a search as a page.
public struct ResultPage {
    /// A result.
    public enum Result {
        case image(path: String, score: Float)
        case text(String, score: Float)
    }

    /// What was looked for.
    public let title: String
    /// An image that was looked for, nil for a text.
    public var query: String?
    /// Best first.
    public let results: [Result]

    /// Describes a page.
    public init(title: String, query: String? = nil, results: [Result]) {
        self.title = title
        self.query = query
        self.results = results
    }

    /// With an image of each result.
    /// - Throws: `ImageError`
    public func page() throws -> Page {
        Page(
            title: title,
            body: (try query.map { try HTML.image(.thumbnail($0, shortSide: Self.side)) } ?? "")
                + HTML.gallery(try results.map(Self.element)))
    }

    /// Shorter side of an image. pixels
    private static let side = 200

    private static func element(_ result: Result) throws -> String {
        switch result {
        case .image(let path, let score):
            try Figure(
                images: [.thumbnail(path, shortSide: side)],
                caption: String(format: "%.3f ", score) + path
            ).html()
        case .text(let text, let score):
            "<table><tr><td>\(String(format: "%.3f", score))</td>"
                + "<td>\(HTML.escaped(text))</td></tr></table>"
        }
    }
}
