import Foundation
import Images

/// Results of a search as a page.
struct ResultPage {
    /// A result.
    enum Result {
        case image(path: String, score: Float)
        case text(String, score: Float)
    }

    let title: String
    var query: String?
    let results: [Result]

    /// - Throws: `ImageError`
    func page() throws -> Page {
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
