import Concepts
import Datasets
import Foundation
import Text
import Torch

/// Finds the concepts of image files with CLIP.
struct ConceptFinder {
    private let encoder: CLIPEncoder
    private let names: StringTable
    private let ranking: ConceptRanking

    /// Prepares a vocabulary.
    ///
    /// - Parameters:
    ///   - encoder: the CLIP model
    ///   - vocabulary: embeddings, or the list itself, which is then embedded
    ///   - count: concepts of an image
    ///   - rounding: how similarities are computed
    init(
        _ encoder: CLIPEncoder, vocabulary: String, count: Int,
        rounding: ConceptRanking.Rounding = .full
    ) throws {
        self.encoder = encoder
        var isDirectory: ObjCBool = false
        let rows: Tensor
        if FileManager.default.fileExists(atPath: vocabulary, isDirectory: &isDirectory),
            isDirectory.boolValue
        {
            let table = try ShardedTable(path: vocabulary)
            try encoder.checkWidth(of: table)
            (names, rows) = (table.names, table.rows)
        } else {
            var list = StringTable()
            try JSONFile.readTexts(path: vocabulary, field: "caption") { list.insert($0) }
            rows = try encoder.embed(texts: (0..<list.count).map { list[$0] })
            names = list
        }
        ranking = try ConceptRanking(
            concepts: rows, count: count, rounding: rounding, path: vocabulary,
            device: encoder.device)
    }

    /// The concepts of those images that can be read, best first.
    /// - Throws: `ConceptError.noReadableImage` where none can.
    func callAsFunction(_ images: [String]) throws -> (
        pictures: [PictureWithConcepts], skipped: [SkippedName]
    ) {
        let (embedded, skipped) = try encoder.embed(images: images.map { ($0, $0) })
        if embedded.size(0) == 0, let first = skipped.first {
            throw ConceptError.noReadableImage(name: first.name, reason: first.reason)
        }
        let best = try ranking(embedded)
        let numbers = try best.concepts.array(of: Int.self)
        let scores = try best.scores.array(of: Float.self)
        let unreadable = Set(skipped.map(\.name))
        let count = ranking.count
        let pictures = images.filter { !unreadable.contains($0) }.enumerated().map { place, path in
            PictureWithConcepts(
                path: path,
                concepts: (place * count..<(place + 1) * count).map {
                    (names[numbers[$0]], scores[$0])
                })
        }
        return (pictures, skipped)
    }
}
