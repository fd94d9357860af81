import Datasets
import Foundation
import Images
import Reports
import Torch
import Training
import ViCHA

/// Recall, and captions with the images that fit them best, as a part of a page.
struct RetrievalPage {
    /// Images shown for a caption.
    private static let shownImages = 6

    let set: RetrievalEvaluationSet
    let evaluation: RetrievalEvaluation
    /// Candidates that the matching head has ranked anew.
    let candidates: Int

    /// The name of the set with its size.
    func title(_ name: String) -> String {
        "\(name): \(set.records.count) images, \(set.inputs.texts.count) captions"
    }

    /// Recall in percent, in the last row what chance reaches.
    var rows: [[String]] {
        let names = RetrievalMetrics.ranks
        let head =
            [""] + names.map { "image R@\($0)" } + names.map { "text R@\($0)" } + ["mean"]
        func row(_ name: String, _ metrics: RetrievalMetrics) -> [String] {
            [name]
                + (metrics.imageRecall + metrics.textRecall + [metrics.mean]).map {
                    String(format: $0 < 1 ? "%.2f" : "%.1f", $0)
                }
        }
        var rows = [head, row("features", evaluation.dualMetrics)]
        if let matching = evaluation.matchingMetrics {
            rows.append(
                row("best \(min(candidates, set.records.count)) by the matching head", matching))
        }
        rows.append(
            row("chance", RetrievalMetrics(chanceFor: set.records.map(\.captions.count))))
        return rows
    }

    /// Recall below the name of the set.
    func table(_ name: String) -> String {
        "<h3>\(title(name))</h3>" + HTML.table(rows, chance: rows.count - 1)
    }

    /// Captions with the best images by the features; a caption's own image has a frame.
    /// - Throws: `ImageError`, `TorchError`
    func queries(_ texts: [Int]) throws -> String {
        try texts.map { text in
            let best = evaluation.search.similarities.select(1, text)
                .largest(min(Self.shownImages, set.records.count))
            let images = try zip(
                best.indices.array(of: Int.self), best.values.array(of: Float.self)
            ).map { number, score in
                try HTML.image(
                    .thumbnail(set.inputs.images[number], shortSide: 128),
                    isOwn: set.imageOfText[text] == number, title: String(format: "%.2f", score))
            }
            return "<figure><figcaption>\(HTML.escaped(set.inputs.texts[text]))</figcaption>"
                + "\(images.joined(separator: " "))</figure>"
        }.joined(separator: "\n")
    }
}
