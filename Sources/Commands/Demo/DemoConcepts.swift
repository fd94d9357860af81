import Concepts
import Datasets
import Files
import Foundation
import Nouns
import Text
import Torch
import Training

/// The demo's visual concepts, by the steps of the `concepts` commands: nouns of the captions, a small
/// CLIP, embeddings of both, the nearest nouns of each picture.
struct DemoConcepts {
    /// What was found.
    struct Result {
        /// Where the annotation files with concepts lie.
        let annotationDirectory: String
        /// Concepts of the vocabulary, and of a picture.
        let counts: (vocabulary: Int, picture: Int)
        /// The concepts of some pictures.
        let examples: [PictureWithConcepts]
    }

    /// The most frequent nouns that make the vocabulary. Rarer ones are synonyms that the small CLIP
    /// hardly sees.
    private static let vocabularySize = 40
    /// Concepts of a picture; few, since a scene shows few things.
    private static let conceptsOfPicture = 4

    /// Where the scenes lie.
    let scenes: String
    /// Where the vocabulary, the embeddings and the annotation files go.
    let directory: String
    /// Annotation files that get concepts, the first of which is for training.
    let files: [String]

    /// - Parameters:
    ///   - configuration: of the CLIP model
    ///   - options: of its training
    ///   - shown: pictures of the last file whose concepts are to be shown
    func callAsFunction(
        _ configuration: CLIPTrainingConfiguration, _ options: TrainingOptions, stop: StopSignal,
        shown: Int
    ) throws -> Result? {
        let records = try files.map { try RecordFile(path: scenes + "/" + $0) }
        var extraction = ConceptExtraction()
        try extraction.add(records[0], wordNet: WordNet(), tagger: .standard())
        let vocabulary = extraction.heads.sorted(maxConcepts: Self.vocabularySize)
        try makeDirectory(directory)
        try writeCounts(vocabulary, to: directory + "/counts.json")

        let merges = try Resources.merges(nil)
        let training = try CLIPTrainingRun(
            configuration, data: DataLocation(directory: scenes), merges: merges, options: options,
            stop: stop)
        guard try training.trainAndSave() == .finished else { return nil }

        let encoder = try CLIPEncoder(
            path: options.outputDirectory, merges: merges, device: options.device)
        var names = StringTable()
        for concept in vocabulary { names.insert(concept.name) }
        let concepts = try table("text")
        try encoder.write(texts: names, concepts)
        var pictures = StringTable()
        for file in records { try file.collectImageNames(into: &pictures) }
        let paths = ImagePaths(dataDirectory: scenes)
        var images = try table("images")
        let bar = CountingBar(unit: "images", title: "embed-images")
        images.progress = { [count = pictures.count] in bar.update($0, of: count, here: $1) }
        try encoder.write(images: pictures, path: { paths.resolve($0) }, images)

        let tables = (
            images: try ShardedTable(path: images.directory),
            concepts: try ShardedTable(path: concepts.directory)
        )
        let count = min(Self.conceptsOfPicture, names.count)
        let attachment = try ConceptAttachment(
            images: tables.images, concepts: tables.concepts, count: count, files: records,
            device: options.device)
        for (name, file) in zip(files, records) {
            _ = try attachment.write(file, to: directory + "/" + name)
        }
        return Result(
            annotationDirectory: directory, counts: (names.count, count),
            examples: try examples(shown, of: records, tables, count, paths))
    }

    /// A table that is made anew: one of an earlier run may come from other weights.
    private func table(_ name: String) throws -> TableOptions {
        let path = directory + "/" + name
        if FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
        return TableOptions(directory: path)
    }

    /// Pictures at even distances through the last file, so that nobody has picked them.
    private func examples(
        _ shown: Int, of files: [RecordFile],
        _ tables: (images: ShardedTable, concepts: ShardedTable), _ count: Int, _ paths: ImagePaths
    ) throws -> [PictureWithConcepts] {
        guard let file = files.last else { return [] }
        let step = max(1, file.count / shown)
        let names = try stride(from: 0, to: file.count, by: step).prefix(shown).map {
            try file[$0].imageNames()[0]
        }
        let ranking = try ConceptRanking(
            concepts: tables.concepts.rows, count: count, path: tables.concepts.path)
        let best = try ranking(
            tables.images.rows(names.compactMap { tables.images.names.number(of: $0) }))
        let numbers = try best.concepts.array(of: Int.self)
        let scores = try best.scores.array(of: Float.self)
        return names.enumerated().map { place, name in
            PictureWithConcepts(
                path: paths.resolve(name),
                concepts: (place * count..<(place + 1) * count).map {
                    (tables.concepts.names[numbers[$0]], scores[$0])
                })
        }
    }
}
