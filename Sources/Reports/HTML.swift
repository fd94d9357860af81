import Foundation
import Images

/// Pieces of pages that refer to nothing outside themselves.
public enum HTML {
    /// An image as an element.
    /// - Throws: `ImageError`
    public static func image(_ image: RGBImage, isOwn: Bool = false, title: String = "") throws
        -> String
    {
        let source = try ImageEncoder.jpeg(image, quality: 88).base64EncodedString()
        return "<img\(isOwn ? " class='own'" : "") alt='\(attribute(title))' "
            + "title='\(attribute(title))' src='data:image/jpeg;base64,\(source)'>"
    }

    /// A table whose first row is its head. Cells are texts.
    public static func table(_ rows: [[String]], class name: String = "", chance: Int? = nil)
        -> String
    {
        let lines = rows.enumerated().map { number, row in
            let cell = number == 0 ? "th" : "td"
            return "<tr\(number == chance ? " class='chance'" : "")>"
                + row.map { "<\(cell)>\(escaped($0))</\(cell)>" }.joined() + "</tr>"
        }
        return "<table\(name.isEmpty ? "" : " class='\(name)'")>\(lines.joined())</table>"
    }

    /// Figures beside and below each other.
    public static func gallery(_ figures: [String]) -> String {
        "<div class='gallery'>\(figures.joined(separator: "\n"))</div>"
    }

    /// Text with the characters replaced that mean something in a page.
    public static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
    }

    private static func attribute(_ text: String) -> String {
        escaped(text).replacingOccurrences(of: "'", with: "&#39;")
    }
}
