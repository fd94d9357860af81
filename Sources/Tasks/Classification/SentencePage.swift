import Datasets
import Foundation
import Images
import Reports
import Training

/// Sentences with their images and what a model says of them, as a part of a page.
struct SentencePage {
    let set: SentenceDataset
    let evaluation: ClassificationEvaluation
    /// Names of the classes.
    let labels: [String]

    /// Accuracy with its baseline, and what is taken for what.
    var tables: String {
        let (label, share) = evaluation.majority
        var rows = [["", "right"], ["the model", percentage(evaluation.accuracy)]]
        rows.append(["always '\(labels[label])'", percentage(share)])
        if let consistency = evaluation.consistency {
            rows.append(["right of all pairs of a sentence", percentage(consistency)])
        }
        return HTML.table(rows, chance: 2) + HTML.table(confusion)
    }

    /// The same to read.
    var text: String {
        let (label, share) = evaluation.majority
        var lines = [
            "  accuracy \(percentage(evaluation.accuracy)) (always '\(labels[label])': "
                + "\(percentage(share)))"
        ]
        if let consistency = evaluation.consistency {
            lines.append("  right of all pairs of a sentence \(percentage(consistency))")
        }
        lines.append(textTable(confusion, indent: "  "))
        return lines.joined(separator: "\n")
    }

    /// What is taken for what: a head, and for each class how often it is called by which name.
    private var confusion: [[String]] {
        [["true \\ said"] + labels + ["right"]]
            + evaluation.confusion.enumerated().map { label, counts in
                [labels[label]] + counts.map { "\($0)" }
                    + [percentage(evaluation.classAccuracy[label])]
            }
    }

    /// - Throws: `ImageError`
    func gallery(_ sentences: [Int]) throws -> String {
        HTML.gallery(try sentences.map { try figure($0) })
    }

    private func figure(_ number: Int) throws -> String {
        let sentence = set.sentences[number]
        let probabilities = evaluation.probabilities[number]
        let said = probabilities.indices.max { probabilities[$0] < probabilities[$1] }
        return try Figure(
            images: set.imagePaths(number).map { try .thumbnail($0) }, caption: sentence.sentence,
            bars: labels.indices.map { label in
                let share = Double(probabilities[label])
                return Figure.Bar(
                    name: labels[label], label: percentage(share), share: share,
                    isTrue: label == sentence.label)
            }, verdict: said == sentence.label ? (true, "right") : (false, "wrong")
        ).html()
    }
}
