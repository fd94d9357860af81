import Batches
import Concepts
import Datasets
import Files
import Foundation
import Text
import Torch
import Training
import ViCHA

/// Images that were encoded once, to be searched by texts.
public struct ImageIndex {
    /// The table of features.
    private static let features = "features"
    /// Images that go through the model at once.
    private static let batchSize = 32

    private let features: ShardedTable
    private let concepts: IndexedConcepts?

    /// Opens an index.
    ///
    /// - Parameters:
    ///   - directory: where it lies
    ///   - model: what it must have been made with
    /// - Throws: `ConceptError`, `AnnotationError`
    public init(directory: String, _ model: TrainedModel<RetrievalTask>) throws {
        concepts = try IndexedConcepts(directory: directory)
        features = try ShardedTable(path: Self.table(directory))
        try features.check(source: Self.source(model, hasConcepts: concepts != nil))
    }

    /// Where the table of features is.
    public static func table(_ directory: String) -> String {
        (directory as NSString).appendingPathComponent(features)
    }

    /// What decides about features, in words. Which concepts they are is for their own table to say.
    private static func source(_ model: TrainedModel<RetrievalTask>, hasConcepts: Bool) throws
        -> String
    {
        var hash = StableHash()
        try hash.add(contentsOf: model.directory.weights)
        return "retrieval model \(hash.text)\(hasConcepts ? " with concepts" : "")"
    }

    /// The images whose features are nearest to a text's, with their concepts.
    /// - Throws: `ConceptError`, `TorchError`
    public func candidates(of text: String, _ model: TrainedModel<RetrievalTask>, count: Int) throws
        -> (images: [String], concepts: [[String]])
    {
        let device = model.compute.device
        let texts = model.inputs(images: [], concepts: [], texts: [text]).encodedTexts(0..<1)
        let encoded = try model.compute {
            try model.model.scorer.encode(texts.to(device: device)).features.to(dtype: .float32)
                .to(device: .cpu).checked()
        }
        let similarities = try features.rows.matmul(encoded.select(0, 0).unsqueezed(1))
            .select(1, 0).checked()
        let best = try similarities.largest(min(count, features.count)).indices
            .array(of: Int.self)
        let images = best.map { features.names[$0] }
        return (images, try images.map { try concepts?($0) ?? [] })
    }

    /// Encodes images, or goes on where that was stopped.
    ///
    /// - Parameters:
    ///   - names: image files
    ///   - model: what encodes them
    ///   - concepts: of the images, which lie in the directory already; nil for none
    ///   - directory: of the index
    ///   - options: how the table is stored, in ``table(_:)``
    /// - Returns: the table, with what could not be read
    /// - Throws: `ConceptError`, ``ScoreError``, `TorchError`, `FileWritingError`
    public static func write(
        _ names: StringTable, _ model: TrainedModel<RetrievalTask>, concepts: IndexedConcepts?,
        to directory: String, _ options: TableOptions
    ) throws -> ShardedTable {
        let settings = model.configuration.settings
        let writer = try TableWriter(
            directory: options.directory, content: .features,
            source: source(model, hasConcepts: concepts != nil), width: settings.model.embedDim,
            names: names, shardSize: options.shardSize)
        try writer.run(progress: options.progress) { range, progress in
            let (images, skipped) = try ReadableImages.find(
                range.map { names[$0] }, pixelLimit: settings.images.maxPixels)
            return .init(
                values: try features(of: images, concepts, model, progress), skipped: skipped)
        }
        return try ShardedTable(path: options.directory)
    }

    /// Normalised. `[images, E]` on the CPU
    private static func features(
        of images: [String], _ concepts: IndexedConcepts?, _ model: TrainedModel<RetrievalTask>,
        _ progress: @escaping (Int) -> Void
    ) throws -> Tensor {
        let inputs = model.inputs(
            images: images, concepts: try images.map { try concepts?($0) ?? [] }, texts: [])
        let loader = PrefetchingLoader(
            records: images.count, batchSize: batchSize, workers: model.compute.workers
        ) { try inputs.images($0).batch }
        defer { loader.stop() }
        var parts: [Tensor] = []
        var done = 0
        while let batch = try loader.next() {
            let features = try model.compute {
                try model.model.scorer.encode(batch.to(device: model.compute.device)).features
                    .to(dtype: .float32).to(device: .cpu).checked()
            }
            let (first, width) = (done, features.size(1))
            try ScoreError.check(features, "feature") { "'\(images[first + $0 / width])'" }
            parts.append(features)
            done += batch.count
            progress(done)
        }
        return parts.isEmpty
            ? .zeros([0, model.configuration.settings.model.embedDim])
            : .concatenated(parts, dimension: 0)
    }
}

/// The concepts of the images of an index.
public struct IndexedConcepts {
    /// The list that the numbers of the table mean.
    private static let vocabulary = "vocabulary.json"

    private let ranks: ShardedTable
    private let names: [String]

    /// nil for an index without concepts.
    /// - Throws: `ConceptError`, `AnnotationError`
    public init?(directory: String) throws {
        let vocabulary = Self.vocabularyFile(directory)
        guard FileManager.default.fileExists(atPath: vocabulary) else { return nil }
        ranks = try ShardedTable(path: Self.table(directory))
        names = try AnnotationFile.load([String].self, file: vocabulary)
    }

    /// Where the table is.
    public static func table(_ directory: String) -> String {
        (directory as NSString).appendingPathComponent("concepts")
    }

    /// Where the list is that its numbers mean.
    public static func vocabularyFile(_ directory: String) -> String {
        (directory as NSString).appendingPathComponent(vocabulary)
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
