import Concepts
import Datasets
import Files
import Foundation
import Text
import Torch
import Training
import ViCHA

/// Images that were encoded once, to be searched by texts.
struct ImageIndex {
    /// Tables of an index, and the list that the numbers of concepts mean.
    static let (features, concepts, vocabulary) = ("features", "concepts", "vocabulary.json")

    private let features: ShardedTable
    private let ranks: ShardedTable?
    private let names: [String]

    /// Opens an index.
    ///
    /// - Parameters:
    ///   - path: its directory
    ///   - source: what features must have been made with
    /// - Throws: `ConceptError`, `ValidationError` for an index of another model
    init(path: String, source: String) throws {
        func part(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }
        features = try ShardedTable(path: part(Self.features))
        try features.check(source: source)
        guard FileManager.default.fileExists(atPath: part(Self.vocabulary)) else {
            (ranks, names) = (nil, [])
            return
        }
        ranks = try ShardedTable(path: part(Self.concepts))
        names = try AnnotationFile.load([String].self, file: part(Self.vocabulary))
    }

    /// What features of a checkpoint are made with, in words.
    static func source(_ checkpoint: String) throws -> String {
        var hash = StableHash()
        try hash.add(contentsOf: checkpoint)
        return "retrieval model \(hash.text)"
    }

    /// The images whose features are nearest to a text's, with their concepts.
    /// - Throws: `ConceptError`, `TorchError`
    func candidates(of text: String, _ trained: TrainedRetrieval, count: Int) throws -> (
        pictures: [String], concepts: [[String]]
    ) {
        let texts = trained.inputs(images: [], concepts: [], texts: [text]).encodedTexts(0..<1)
        let similarities = try withAutocast(trained.autocast, on: trained.device) {
            let encoded = trained.model.scorer.encode(
                texts: TokenBatch(texts).to(device: trained.device))
            return try features.rows.matmul(
                encoded.features.to(dtype: .float32).to(device: .cpu).select(0, 0).unsqueezed(1)
            ).select(1, 0).checked()
        }
        let best = try similarities.largest(min(count, features.count)).indices
            .array(of: Int.self)
        let pictures = best.map { features.names[$0] }
        return (pictures, try pictures.map(concepts))
    }

    private func concepts(of picture: String) throws -> [String] {
        guard let ranks, let row = ranks.names.number(of: picture) else { return [] }
        return try ranks.rows([row]).array(of: Int.self).map { names[$0] }
    }
}
