import Foundation
import Images

/// A picture with its concepts, best first, as a part of a page.
struct PictureWithConcepts {
    /// Shorter side on a page. pixels
    private static let side = 240

    let path: String
    let concepts: [(name: String, score: Float)]

    /// Bars show cosines as shares of the best one's.
    func figure() throws -> String {
        let image = try ImageDecoder.decode(path: path).resized(shortSide: Self.side)
        let rows = concepts.map { name, score in
            let share = score / max(concepts[0].score, 1e-6)
            return "<tr><td>\(HTML.escaped(name))</td><td>\(String(format: "%.3f", score))</td>"
                + "<td><div style='width:\(Int(80 * max(0, min(1, share))))px'></div></td></tr>"
        }
        return """
            <figure><img alt='' src='\(try HTML.source(image))'>
            <figcaption>\(HTML.escaped(path))</figcaption><table>\(rows.joined())</table></figure>
            """
    }

    /// CSS of the figures, which stand in an element of the class `concepts`.
    static let style = """
        .concepts{display:flex;flex-wrap:wrap;gap:2em}.concepts figure{margin:0;width:\(side)px}
        .concepts img{max-width:100%}.concepts figcaption{color:#666;font-size:12px}
        .concepts figcaption{overflow-wrap:anywhere}.concepts td{padding:.1em .6em .1em 0}
        .concepts td div{background:#0a7;height:.6em}
        """
}
