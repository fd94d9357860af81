import Datasets
import Files
import Foundation
import Images
import Text
import Torch

/// An image with its concepts, best first.
public struct ImageWithConcepts: Sendable {
    /// Where the image lies.
    public let path: String
    /// Names, each with the cosine of its embedding and the image's.
    public let concepts: [(name: String, score: Float)]
}

/// Finds the concepts of images with CLIP.
public struct ConceptFinder {
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
    /// - Throws: ``ConceptError``, `AnnotationError`, `TorchError`
    public init(
        _ encoder: CLIPEncoder, vocabulary: String, count: Int,
        rounding: ConceptRanking.Rounding = .full
    ) throws {
        self.encoder = encoder
        let rows: Tensor
        if let table = try encoder.table(vocabulary) {
            (names, rows) = (table.names, table.rows)
        } else {
            let list = try StringTable(vocabulary: vocabulary)
            rows = try encoder.embed(texts: (0..<list.count).map { list[$0] })
            names = list
        }
        ranking = try ConceptRanking(
            concepts: rows, count: count, rounding: rounding, path: vocabulary,
            name: { [names] in names[$0] }, device: encoder.device)
    }

    /// The concepts of those images that can be read, best first.
    /// - Throws: `ConceptError.noReadableImage` where none can.
    public func callAsFunction(_ images: [String]) throws -> (
        images: [ImageWithConcepts], skipped: [SkippedName]
    ) {
        let (embedded, skipped) = try encoder.embed(images: images.map { ($0, $0) })
        if embedded.size(0) == 0, let first = skipped.first {
            throw ConceptError.noReadableImage(name: first.name, reason: first.reason)
        }
        let unreadable = Set(skipped.map { ExactString($0.name) })
        let images = try ranking.images(
            images.filter { !unreadable.contains(ExactString($0)) }, rows: embedded, names: names)
        return (images, skipped)
    }
}

extension ConceptFinder {
    /// The concepts of an image that has been decoded, best first.
    /// - Throws: ``ConceptError``, `TorchError`
    public func concepts(of image: RGBImage) throws -> [String] {
        try ranking.images([""], rows: encoder.embed(image), names: names)[0].concepts.map(\.name)
    }
}

extension ConceptRanking {
    /// Images with the concepts that fit their embeddings best.
    ///
    /// - Parameters:
    ///   - paths: of the images
    ///   - rows: their embeddings, in the same order
    ///   - names: the concepts
    public func images(_ paths: [String], rows: Tensor, names: StringTable) throws
        -> [ImageWithConcepts]
    {
        let best = try self(rows)
        let numbers = try best.concepts.array(of: Int.self)
        let scores = try best.scores.array(of: Float.self)
        return paths.enumerated().map { place, path in
            ImageWithConcepts(
                path: path,
                concepts: (place * count..<(place + 1) * count).map {
                    (names[numbers[$0]], scores[$0])
                })
        }
    }
}

extension CLIPEncoder {
    /// The embeddings of a vocabulary, nil for a path that is no directory.
    fileprivate func table(_ path: String) throws -> ShardedTable? {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { return nil }
        let table = try ShardedTable(path: path)
        try checkWidth(of: table)
        return table
    }

    /// The embeddings of a vocabulary; those of a mere list are made and stored.
    public func vocabulary(_ path: String, storedIn directory: String) throws -> ShardedTable {
        if let table = try table(path) { return table }
        try write(texts: StringTable(vocabulary: path), TableOptions(directory: directory))
        return try ShardedTable(path: directory)
    }
}

extension StringTable {
    /// A vocabulary of a file: a list of texts, or one with counts.
    fileprivate init(vocabulary path: String) throws {
        self.init()
        try JSONFile.readTexts(path: path, field: "caption") { insert($0) }
        guard count > 0 else { throw ConceptError.emptyVocabulary(path: path) }
    }
}
