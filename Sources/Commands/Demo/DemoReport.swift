import Foundation
import Images
import Torch

/// The page that the demo ends with.
struct DemoReport {
    let curves: LossCurves
    let matches: [CaptionMatching.Photo]
    let facts: [(name: String, value: String)]

    /// - Throws: ``FileWritingError``, ``ImageError``
    func write(to path: String) throws {
        let html = try html()
        try writeAtomically(to: path) { write in
            try Array(html.utf8).withUnsafeBytes { try write($0) }
        }
    }

    private func html() throws -> String {
        let cards = try matches.map { photo -> String in
            let data = try ImageEncoder.jpeg(photo.image, quality: 85).base64EncodedString()
            let lines = photo.captions.map { caption in
                "<li class='\(caption.isOwn ? "own" : "other")'>\(Self.escaped(caption.text)) "
                    + "<small>\(String(format: "%.2f", caption.similarity))</small></li>"
            }
            return """
                <div class='card'><img src='data:image/jpeg;base64,\(data)' alt=''>
                <ol>\(lines.joined())</ol></div>
                """
        }
        let rows = facts.map { "<tr><th>\($0.name)</th><td>\(Self.escaped($0.value))</td></tr>" }
        let correct = matches.filter { $0.captions.first?.isOwn == true }.count
        return """
            <!doctype html><html lang='en'><meta charset='utf-8'><title>ViCHA demo</title>
            <style>body{font:15px sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}
            .grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:1em}
            .card{border:1px solid #ccc;border-radius:6px;padding:.6em}
            .card img{width:100%;height:160px;object-fit:contain;background:#f4f4f4}
            ol{padding-left:1.4em;margin:.5em 0 0}.own{color:#064;font-weight:bold}.other{color:#777}
            th{text-align:left;padding-right:1em}</style>
            <h1>ViCHA on \(matches.count) photographs</h1>
            <p>A small model was pretrained from random weights. It has seen nothing but these
            photographs, so this shows that every loss falls, not that it understands others.</p>
            <table>\(rows.joined())</table>
            <h2>Losses</h2>\(curves.svg)
            <h2>Best captions of each photograph: \(correct) of \(matches.count) right</h2>
            <p>Captions of the photograph itself are green; the number is the cosine similarity.</p>
            <div class='grid'>\(cards.joined(separator: "\n"))</div></html>
            """
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(
            of: "<", with: "&lt;")
    }
}
