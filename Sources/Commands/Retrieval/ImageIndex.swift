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
    /// The table of features.
    static let features = "features"

    private let features: ShardedTable
    private let concepts: IndexedConcepts?

    /// Opens an index.
    ///
    /// - Parameters:
    ///   - directory: where it lies
    ///   - checkpoint: what it must have been made with
    /// - Throws: `ConceptError`, `AnnotationError`
    init(directory: String, checkpoint: String) throws {
        concepts = try IndexedConcepts(directory: directory)
        features = try ShardedTable(
            path: (directory as NSString).appendingPathComponent(Self.features))
        try features.check(source: Self.source(checkpoint, hasConcepts: concepts != nil))
    }

    /// What decides about features, in words. Which concepts they are is for their own table to say.
    static func source(_ checkpoint: String, hasConcepts: Bool) throws -> String {
        var hash = StableHash()
        try hash.add(contentsOf: checkpoint)
        return "retrieval model \(hash.text)\(hasConcepts ? " with concepts" : "")"
    }

    /// The images whose features are nearest to a text's, with their concepts.
    /// - Throws: `ConceptError`, `TorchError`
    func candidates(of text: String, _ trained: TrainedRetrieval, count: Int) throws -> (
        images: [String], concepts: [[String]]
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
        let images = best.map { features.names[$0] }
        return (images, try images.map { try concepts?($0) ?? [] })
    }
}

/// The concepts of the images of an index.
struct IndexedConcepts {
    /// Their table, and the list that its numbers mean.
    static let (table, vocabulary) = ("concepts", "vocabulary.json")

    private let ranks: ShardedTable
    private let names: [String]

    /// nil for an index without concepts.
    /// - Throws: `ConceptError`, `AnnotationError`
    init?(directory: String) throws {
        func part(_ name: String) -> String {
            (directory as NSString).appendingPathComponent(name)
        }
        guard FileManager.default.fileExists(atPath: part(Self.vocabulary)) else { return nil }
        ranks = try ShardedTable(path: part(Self.table))
        names = try AnnotationFile.load([String].self, file: part(Self.vocabulary))
    }

    /// Best first; none for an image that could not be read.
    func callAsFunction(_ image: String) throws -> [String] {
        guard let row = ranks.names.number(of: image) else { return [] }
        return try ranks.rows([row]).array(of: Int.self).map { number in
            guard names.indices.contains(number) else {
                throw ConceptError.malformedTable(
                    path: ranks.path, reason: "it names concepts that the vocabulary does not have")
            }
            return names[number]
        }
    }
}
