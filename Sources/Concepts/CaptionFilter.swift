import Datasets
import Files
import Foundation
import Text
import Torch

/// Keeps the captions that fit their images best by CLIP (`Documentation/concepts.md`;
/// case `dataset_filter`).
public struct CaptionFilter {
    /// What is kept.
    public enum Rule: Sendable, Equatable {
        /// The best share of the captions of each image. With `keepsEveryImage` at least one of
        /// each; the official scripts drop an image where the share rounds to zero.
        case perImage(share: Double, keepsEveryImage: Bool)
        /// The best share of all pairs.
        case overall(share: Double)

        /// - Throws: ``ConceptError/invalidShare(_:)`` where the share is none
        public func validate() throws {
            let share =
                switch self {
                case .perImage(let share, _), .overall(let share): share
                }
            guard share > 0, share <= 1 else { throw ConceptError.invalidShare(share) }
        }
    }

    /// What became of the captions.
    public struct Report: Sendable, Equatable {
        /// Pairs of a caption and an image that were looked at.
        public var pairs = 0
        /// Pairs written, each as a record of one caption.
        public var kept = 0
        /// Pairs left out because their image could not be read.
        public var unreadable = 0
        /// Pairs left out whose similarity is not finite.
        public var notFinite = 0
    }

    /// One caption of a record.
    private struct Pair {
        let record: Int32
        let caption: Int32
    }

    private let file: RecordFile
    private let pairs: [Pair]
    /// Number of the image of each pair, in the order of first appearance.
    private let imageOfPair: [Int32]

    /// Finds the captions of a file; a record with a list of captions is as many pairs.
    /// - Throws: `AnnotationError`
    public init(_ file: RecordFile) throws {
        self.file = file
        var images = StringTable()
        var pairs: [Pair] = []
        var imageOfPair: [Int32] = []
        for index in 0..<file.count {
            let (image, captions) = try Self.imageAndCaptions(file[index])
            let number = Int32(images.insert(image).number)
            for caption in captions.indices {
                pairs.append(Pair(record: Int32(index), caption: Int32(caption)))
                imageOfPair.append(number)
            }
        }
        self.pairs = pairs
        self.imageOfPair = imageOfPair
    }

    private static func imageAndCaptions(_ record: RawRecord) throws -> (String, [String]) {
        guard let image = try record.text("image"), !image.isEmpty else {
            throw record.problem("image", expected: "a path")
        }
        guard let captions = try record.texts("caption"), !captions.isEmpty else {
            throw record.problem("caption", expected: "a text or a list with a text")
        }
        return (image, captions)
    }

    /// Number of captions.
    public var pairCount: Int { pairs.count }

    /// The image and the caption of a pair.
    /// - Throws: `AnnotationError`
    public func pair(_ index: Int) throws -> (image: String, caption: String) {
        let (image, captions) = try Self.imageAndCaptions(file[Int(pairs[index].record)])
        return (image, captions[Int(pairs[index].caption)])
    }

    /// Pairs compared at once; limits memory, not results.
    private static let blockSize = 4096

    /// The cosine of each pair from saved embeddings, nil where the image could not be read and not
    /// finite where it has none.
    /// - Throws: ``ConceptError``, `AnnotationError`, `TorchError`
    public func similarities(
        images: ShardedTable, captions: ShardedTable, rounding: ConceptRanking.Rounding = .full,
        progress: (Int) -> Void = { _ in }
    ) throws -> [Float?] {
        guard images.width == captions.width else {
            throw ConceptError.widthMismatch(
                images.path, images.width, captions.path, captions.width)
        }
        let skipped = Set(images.skipped.map { ExactString($0.name) })
        var result: [Float?] = []
        result.reserveCapacity(pairs.count)
        progress(0)
        for start in stride(from: 0, to: pairs.count, by: Self.blockSize) {
            let block = start..<min(pairs.count, start + Self.blockSize)
            var rows: (images: [Int], captions: [Int]) = ([], [])
            var isReadable: [Bool] = []
            for index in block {
                let (image, caption) = try pair(index)
                let imageRow = images.names.number(of: image)
                guard imageRow != nil || skipped.contains(ExactString(image)) else {
                    throw ConceptError.missingEmbedding(name: image, path: images.path)
                }
                isReadable.append(imageRow != nil)
                guard let imageRow else { continue }
                guard let captionRow = captions.names.number(of: caption) else {
                    throw ConceptError.missingEmbedding(name: caption, path: captions.path)
                }
                rows.images.append(imageRow)
                rows.captions.append(captionRow)
            }
            let cosines = try rounding.cosines(
                images.rows(rows.images), captions.rows(rows.captions)
            ).array(of: Float.self)
            var next = cosines.makeIterator()
            for readable in isReadable { result.append(readable ? next.next() : nil) }
            progress(block.upperBound)
        }
        return result
    }

    /// The pairs that a rule keeps: image by image in the order of first appearance, or all
    /// together; the best first, equal ones in their order. What has no finite similarity is no pair
    /// to choose from.
    /// - Throws: ``ConceptError/invalidShare(_:)``
    public func kept(_ rule: Rule, similarities: [Float?]) throws -> [Int] {
        try rule.validate()
        func best(_ share: Double, of pairs: [Int], atLeast least: Int) -> ArraySlice<Int> {
            let count = max(least, Int(share * Double(pairs.count)))
            // The index decides between equal similarities: the standard sort promises no order.
            return pairs.sorted {
                (similarities[$1] ?? 0, $0) < (similarities[$0] ?? 0, $1)
            }.prefix(count)
        }
        let readable = pairs.indices.filter { similarities[$0]?.isFinite ?? false }
        switch rule {
        case .overall(let share): return Array(best(share, of: readable, atLeast: 0))
        case .perImage(let share, let keepsEveryImage):
            var ofImage: [[Int]] = []
            for index in readable {
                let image = Int(imageOfPair[index])
                while ofImage.count <= image { ofImage.append([]) }
                ofImage[image].append(index)
            }
            return ofImage.flatMap {
                best(share, of: $0, atLeast: keepsEveryImage ? min(1, $0.count) : 0)
            }
        }
    }

    /// Writes the pairs that a rule keeps, each as a record with one caption.
    ///
    /// - Parameters:
    ///   - rule: what is kept
    ///   - similarities: of each pair, nil for images that could not be read, not finite for pairs
    ///     that have none
    ///   - storesSimilarity: whether records get the field `sim`
    ///   - path: the file to write
    /// - Throws: ``ConceptError``, `FileWritingError`
    public func write(
        _ rule: Rule, similarities: [Float?], storesSimilarity: Bool, to path: String
    ) throws -> Report {
        try file.checkIsNot(path)
        let kept = try kept(rule, similarities: similarities)
        try writeRecords(kept.count, to: path) { place in
            let index = kept[place]
            let record = file[Int(pairs[index].record)]
            var changes: [(field: String, value: JSONText)] = []
            if record.isList("caption") {
                changes.append(("caption", JSONText(try pair(index).caption)))
            }
            if storesSimilarity, let similarity = similarities[index] {
                changes.append(("sim", JSONText(similarity)))
            }
            return record.json(setting: changes)
        }
        return Report(
            pairs: pairs.count, kept: kept.count, unreadable: similarities.count { $0 == nil },
            notFinite: similarities.count { $0?.isFinite == false })
    }
}
