import Foundation
import Images

/// Results of a search as a page that refers to nothing outside itself.
struct ResultPage {
    /// A result.
    enum Result {
        case image(path: String, score: Float)
        case text(String, score: Float)
    }

    /// Shorter side of a picture. pixels
    private static let side = 200

    let title: String
    var picture: String?
    let results: [Result]

    /// - Throws: `ImageError`
    func html() throws -> String {
        """
        <!doctype html><html lang='en'><meta charset='utf-8'><title>\(HTML.escaped(title))</title>
        <style>body{font:15px sans-serif;margin:2em;color:#222}figure{margin:0}
        .results{display:flex;flex-wrap:wrap;gap:1em}figcaption{color:#666;font-size:12px;\
        max-width:\(Self.side)px;overflow-wrap:anywhere}td{padding:.2em .8em}</style>
        <h1>\(HTML.escaped(title))</h1>
        \(try picture.map { try Self.image($0) } ?? "")
        <div class='results'>\(try results.map(Self.element).joined(separator: "\n"))</div>
        </html>
        """
    }

    private static func image(_ path: String) throws -> String {
        let image = try ImageDecoder.decode(path: path).resized(shortSide: side)
        return "<img alt='' src='\(try HTML.source(image))'>"
    }

    private static func element(_ result: Result) throws -> String {
        switch result {
        case .image(let path, let score):
            "<figure>\(try image(path))<figcaption>\(String(format: "%.3f", score)) "
                + "\(HTML.escaped(path))</figcaption></figure>"
        case .text(let text, let score):
            "<table><tr><td>\(String(format: "%.3f", score))</td>"
                + "<td>\(HTML.escaped(text))</td></tr></table>"
        }
    }
}
