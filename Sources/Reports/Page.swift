import Files
import Foundation

/// A page that refers to nothing outside itself.
public struct Page {
    /// Stands above everything.
    public let title: String
    /// What stands below the title, as HTML.
    public var body: String

    private static let (start, end) = ("<main>", "</main>")

    /// Describes a page.
    public init(title: String, body: String) {
        self.title = title
        self.body = body
    }

    /// Reads a page that ``write(to:)`` has written, to be made a part of another.
    /// - Throws: ``PageError``, and what reading a file throws
    public init(reading path: String) throws {
        let html = try String(contentsOfFile: path, encoding: .utf8)
        guard let title = Self.text(of: html, "<title>", "</title>"),
            let body = Self.text(of: html, Self.start, Self.end)
        else { throw PageError.notOurs(path: path) }
        self.init(title: title, body: body)
    }

    private static func text(of html: String, _ start: String, _ end: String) -> String? {
        guard let first = html.range(of: start),
            let last = html.range(of: end, range: first.upperBound..<html.endIndex)
        else { return nil }
        return String(html[first.upperBound..<last.lowerBound])
    }

    /// Writes the page, in a directory that is made where it is not there.
    /// - Throws: `FileWritingError`
    public func write(to path: String) throws {
        let directory = path.parentDirectory
        if !directory.isEmpty { try makeDirectory(directory) }
        let html = """
            <!doctype html><html lang='en'><meta charset='utf-8'>
            <meta name='generator' content='\(MarkedFile.mark)'><title>\(HTML.escaped(title))</title>
            <style>\(Self.style)</style><h1>\(HTML.escaped(title))</h1>
            \(Self.start)\(body)\(Self.end)</html>

            """
        try writeAtomically(Data(html.utf8), to: path)
    }

    /// One style for all pages, so that parts of them can stand on one.
    private static let style = """
        body{font:15px sans-serif;max-width:1080px;margin:2em auto;padding:0 1em;color:#222}
        table{border-collapse:collapse;margin:.4em 0}td,th{padding:.25em .8em;text-align:right}
        th:first-child,td:first-child{text-align:left}tr+tr td{border-top:1px solid #ddd}
        .words td,.words th{text-align:left}.chance td{color:#888}
        .gallery{display:flex;flex-wrap:wrap;gap:1.4em}figure{margin:0}
        figure img{border:4px solid transparent;margin-left:-4px}figure img.own{border-color:#0a7}
        figcaption{color:#444;font-size:13px;overflow-wrap:anywhere}
        figure table{font-size:13px;margin:.2em 0}figure td{padding:.1em .6em .1em 0}
        figure tr+tr td{border:0}figure td:last-child{text-align:left}figure td{white-space:nowrap}
        figure td div{background:#9bc;height:.6em}figure tr.true div{background:#0a7}
        .right{color:#0a7}.wrong{color:#c33}del{color:#999}pre{font-size:12px;white-space:pre-wrap}
        """
}

/// Why a page cannot be used.
public enum PageError: Error, CustomStringConvertible {
    case notOurs(path: String)

    /// Which page cannot be taken over, and how to get it anew.
    public var description: String {
        switch self {
        case .notOurs(let path):
            "'\(path)' is no page of this program; delete it, and the step that writes it is done again"
        }
    }
}

extension RandomAccessCollection where Index == Int {
    /// Some elements at even distances, so that nobody has picked them.
    public func evenly(_ wanted: Int) -> [Element] {
        let shown = Swift.min(wanted, count)
        return (0..<shown).map { self[startIndex + ($0 * count + count / 2) / shown] }
    }
}
