import Datasets
import Files
import Foundation
import Text
import Torch

/// Writes annotation files again with the concepts of each record's images (`Documentation/concepts.md`).
public struct ConceptAttachment {
    /// What became of the records of a file.
    public struct Report: Sendable, Equatable {
        /// Records written.
        public var written = 0
        /// Records left out because an image of theirs could not be read when it was embedded.
        public var leftOut = 0
        /// Records left out because the embedding of an image of theirs is zero or not finite.
        public var withoutDirection = 0
    }

    private let vocabulary: [JSONText]
    private let concepts: ImageConcepts

    /// Concepts of images, as numbers of a vocabulary.
    private struct ImageConcepts {
        /// Names of the images, and the place of each in `numbers`.
        var names: StringTable
        /// Best first, `count` for each image.
        var numbers: [Int32]
        var count: Int
        var skipped: Set<ExactString>
        /// Images whose embedding is zero or not finite.
        var withoutDirection: StringTable
        let path: String

        enum Found {
            case concepts(ArraySlice<Int32>)
            case skipped
            case withoutDirection
        }

        func callAsFunction(_ image: String) throws -> Found {
            if let place = names.number(of: image) {
                return .concepts(numbers[place * count..<(place + 1) * count])
            }
            if withoutDirection.number(of: image) != nil { return .withoutDirection }
            if skipped.contains(ExactString(image)) { return .skipped }
            throw ConceptError.missingEmbedding(name: image, path: path)
        }
    }

    /// Ranks concepts for the images of some files, from saved embeddings.
    ///
    /// - Parameters:
    ///   - images: embeddings of images; rows of images that no record names are not looked at
    ///   - concepts: embeddings of the vocabulary
    ///   - count: concepts of an image
    ///   - rounding: how similarities are computed
    ///   - files: annotation files
    ///   - device: where to compute
    ///   - progress: gets the images done, and all
    /// - Throws: ``ConceptError``, `AnnotationError`, `TorchError`
    public init(
        images: ShardedTable, concepts: ShardedTable, count: Int,
        rounding: ConceptRanking.Rounding = .full, files: [RecordFile], device: Device = .cpu,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws {
        guard images.width == concepts.width else {
            throw ConceptError.widthMismatch(
                images.path, images.width, concepts.path, concepts.width)
        }
        let ranking = try ConceptRanking(
            concepts: concepts.rows, count: count, rounding: rounding, path: concepts.path,
            name: { concepts.names[$0] }, device: device)
        var isUsed = [Bool](repeating: false, count: images.count)
        let skipped = Set(images.skipped.map { ExactString($0.name) })
        for file in files {
            for index in 0..<file.count {
                for name in try file[index].imageNames() {
                    if let row = images.names.number(of: name) {
                        isUsed[row] = true
                    } else if !skipped.contains(ExactString(name)) {
                        throw ConceptError.missingEmbedding(name: name, path: images.path)
                    }
                }
            }
        }
        let rows = isUsed.indices.filter { isUsed[$0] }
        var names = StringTable(capacity: rows.count)
        var withoutDirection = StringTable()
        var numbers: [Int32] = []
        numbers.reserveCapacity(rows.count * count)
        progress(0, rows.count)
        for start in stride(from: 0, to: rows.count, by: Self.blockSize) {
            let block = Array(rows[start...].prefix(Self.blockSize))
            let embeddings = images.rows(block)
            let best = try ranking(embeddings).concepts.array(of: Int32.self)
            for (place, hasDirection) in try ranking.haveDirection(embeddings).enumerated() {
                let name = images.names[block[place]]
                if hasDirection {
                    names.insert(name)
                    numbers += best[place * count..<(place + 1) * count]
                } else {
                    withoutDirection.insert(name)
                }
            }
            progress(start + block.count, rows.count)
        }
        vocabulary = (0..<concepts.count).map { JSONText(concepts.names[$0]) }
        self.concepts = ImageConcepts(
            names: names, numbers: numbers, count: count, skipped: skipped,
            withoutDirection: withoutDirection, path: images.path)
    }

    /// Images ranked at once; limits memory, not results.
    private static let blockSize = 4096

    /// Takes concepts that were ranked in one pass over the images (`rank(images:in:)`).
    ///
    /// - Parameters:
    ///   - ranks: the table of `rank(images:in:)`
    ///   - vocabulary: the concepts that its numbers mean
    /// - Throws: ``ConceptError/malformedTable(path:reason:)``, `TorchError`
    public init(ranks: ShardedTable, vocabulary: StringTable) throws {
        self.vocabulary = (0..<vocabulary.count).map { JSONText(vocabulary[$0]) }
        let numbers = try ranks.rows.array(of: Int32.self)
        guard numbers.allSatisfy({ 0 <= $0 && $0 < vocabulary.count }) else {
            throw ConceptError.malformedTable(
                path: ranks.path, reason: "it names concepts that the vocabulary does not have")
        }
        concepts = ImageConcepts(
            names: ranks.names, numbers: numbers, count: ranks.width,
            skipped: Set(ranks.skipped.map { ExactString($0.name) }),
            withoutDirection: StringTable(), path: ranks.path)
    }

    /// Writes a file with the field `kwords`, or `kwords1` and `kwords2` for records of two images.
    /// - Throws: ``ConceptError/missingEmbedding(name:path:)``,
    ///   ``ConceptError/overwritesInput(path:)``, `AnnotationError`, `FileWritingError`
    public func write(_ file: RecordFile, to path: String) throws -> Report {
        try file.checkIsNot(path)
        var report = Report()
        try writeRecords(file.count, to: path) { index in
            let record = file[index]
            let names = try record.imageNames()
            var changes: [(field: String, value: JSONText)] = []
            for (place, name) in names.enumerated() {
                let numbers: ArraySlice<Int32>
                switch try concepts(name) {
                case .concepts(let found): numbers = found
                case .skipped:
                    report.leftOut += 1
                    return nil
                case .withoutDirection:
                    report.withoutDirection += 1
                    return nil
                }
                changes.append(
                    (
                        names.count == 1 ? "kwords" : "kwords\(place + 1)",
                        JSONText(listing: numbers.map { vocabulary[Int($0)] })
                    ))
            }
            report.written += 1
            return record.json(setting: changes)
        }
        return report
    }
}

extension RecordFile {
    /// - Throws: ``ConceptError/overwritesInput(path:)`` where a path is this file's own
    func checkIsNot(_ path: String) throws {
        let (here, there) = (URL(fileURLWithPath: self.path), URL(fileURLWithPath: path))
        guard here.resolvingSymlinksInPath().path != there.resolvingSymlinksInPath().path else {
            throw ConceptError.overwritesInput(path: path)
        }
    }

    /// Adds the names of all images, each once.
    /// - Throws: `AnnotationError`
    public func collectImageNames(into names: inout StringTable) throws {
        for index in 0..<count {
            for name in try self[index].imageNames() { names.insert(name) }
        }
    }
}
