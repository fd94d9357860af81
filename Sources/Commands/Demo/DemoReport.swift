import Files
import Foundation
import Images
import ViCHA

/// The page that the demo ends with; it refers to nothing outside itself.
struct DemoReport {
    /// A caption and the images that fit it best.
    struct Query {
        let text: String
        /// Best first.
        let results: [(image: RGBImage, score: Float, isOwn: Bool)]
    }

    /// An image, with patches removed, and as the model restores it.
    struct Restoration {
        let original: RGBImage
        let masked: RGBImage
        let restored: RGBImage
    }

    /// Recall on one split.
    struct Recall {
        let split: String
        let images: Int
        let texts: Int
        /// How results were ranked, and what came of it.
        let rows: [(ranking: String, metrics: RetrievalMetrics)]
    }

    let facts: [(name: String, value: String)]
    let times: [(part: String, seconds: Double)]
    let concepts: [PictureWithConcepts]
    let curves: LossCurves
    let recalls: [Recall]
    let queries: [Query]
    let restorations: [Restoration]

    /// - Throws: ``FileWritingError``, ``ImageError``
    func write(to path: String) throws { try writeAtomically(Data(html().utf8), to: path) }

    private func html() throws -> String {
        """
        <!doctype html><html lang='en'><meta charset='utf-8'><title>ViCHA demo</title>
        <style>body{font:15px sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}
        table{border-collapse:collapse}td,th{padding:.25em .8em;text-align:right}
        th:first-child,td:first-child{text-align:left}tr+tr td{border-top:1px solid #ddd}
        .facts td{text-align:left}.chance td{color:#888}.query{margin:.8em 0}.query img{width:112px;border:4px solid #eee}
        .query img.own{border-color:#0a7}.row{display:flex;flex-wrap:wrap;gap:1em}
        .row img{width:96px}figure{margin:0}figcaption{color:#666;font-size:12px}
        \(PictureWithConcepts.style)</style>
        <h1>ViCHA on generated scenes</h1>
        <p>A small model was pretrained from random weights on pictures that \
        <code>vicha scenes</code> drew, then asked to find pictures it has never seen by their \
        captions, without any fine-tuning.</p>
        \(table(facts.map { [$0.name, $0.value] }, class: "facts"))
        <h2>Retrieval</h2>
        <p>Share of captions whose picture is among the first results (text to image), and of \
        pictures one of whose captions is (image to text), in percent. The unseen split shows \
        pairs of colour and shape that training never did; it is smaller, so chance is higher. The \
        matching head learns last: where it ranks worse than the features do, these minutes were too \
        few for it.</p>
        \(recalls.map(recallTable).joined(separator: "\n"))
        <h2>Captions and the pictures that fit best</h2>
        <p>By the cosine of the features. The picture that the caption was written for has a green \
        frame.</p>
        \(try queries.map(queryRow).joined(separator: "\n"))
        <h2>Visual concepts</h2>
        <p>Nouns of the training captions that are nearest to each picture by the cosine of a small \
        CLIP's embeddings. The model gets their words with the picture.</p>
        <div class='concepts'>\(try concepts.map { try $0.figure() }.joined(separator: "\n"))</div>
        <h2>Masked patches</h2>
        <p>The picture, what is left of it, and what the model makes of that. Each restored patch \
        has the mean and contrast of the removed one, since only what lies between is predicted.</p>
        <div class='row'>\(try restorations.map(restorationFigure).joined(separator: "\n"))</div>
        <h2>Losses</h2>\(curves.svg)
        <h2>How long each part took</h2>
        \(table(times.map { [$0.part, String(format: "%.0f s", $0.seconds)] }))
        </html>
        """
    }

    private func recallTable(_ recall: Recall) -> String {
        let names = RetrievalMetrics.ranks.map { "R@\($0)" }
        let head = ([""] + names + names).map { "<th>\($0)</th>" }.joined()
        let rows = recall.rows.map { ranking, metrics in
            let cells = (metrics.imageRecall + metrics.textRecall).map {
                "<td>\(String(format: $0 < 1 ? "%.2f" : "%.1f", $0))</td>"
            }
            let isChance = ranking == Self.chance
            return "<tr\(isChance ? " class='chance'" : "")><td>\(ranking)</td>"
                + cells.joined() + "</tr>"
        }
        return """
            <h3>\(recall.split): \(recall.images) pictures, \(recall.texts) captions</h3>
            <table><tr><th></th><th colspan='3'>text to image</th>\
            <th colspan='3'>image to text</th></tr><tr>\(head)</tr>\(rows.joined())</table>
            """
    }

    /// Name of the row of what random results reach.
    static let chance = "chance"

    private func queryRow(_ query: Query) throws -> String {
        let images = try query.results.map { result in
            let title = String(format: "%.2f", result.score)
            return "<img class='\(result.isOwn ? "own" : "")' title='\(title)' alt='\(title)' "
                + "src='\(try HTML.source(result.image))'>"
        }
        return "<div class='query'>\(HTML.escaped(query.text))<br>\(images.joined())</div>"
    }

    private func restorationFigure(_ item: Restoration) throws -> String {
        let images = try [item.original, item.masked, item.restored].map {
            "<img alt='' src='\(try HTML.source($0))'>"
        }
        return "<figure>\(images.joined())</figure>"
    }

    private func table(_ rows: [[String]], class name: String = "") -> String {
        let lines = rows.map { row in
            "<tr>" + row.map { "<td>\(HTML.escaped($0))</td>" }.joined() + "</tr>"
        }
        return "<table class='\(name)'>\(lines.joined())</table>"
    }
}
