import Datasets
import Files
import Foundation
import Text
import Torch

/// How a table is stored, and who hears of its progress.
public struct TableOptions {
    /// Where the table goes.
    public var directory: String
    /// Type of stored embeddings: float32 or float16.
    public var dtype = DType.float32
    /// Names of a shard: what is lost at most when a run is stopped.
    public var shardSize = 4096
    /// Gets the names that are done, and those done by this run.
    public var progress: (_ done: Int, _ here: Int) -> Void = { _, _ in }

    /// Full precision without reports.
    public init(directory: String) { self.directory = directory }
}

extension CLIPEncoder {
    /// Embeds texts, each under itself as its name. Goes on where a run before was stopped.
    ///
    /// - Parameters:
    ///   - texts: concepts or captions; long ones are cut
    ///   - template: a text around each, nil for the bare text as in the official scripts
    ///   - options: how the table is stored
    /// - Throws: ``ConceptError``, `TorchError`, `FileWritingError`
    public func write(
        texts: StringTable, template: PromptTemplate? = nil, _ options: TableOptions
    ) throws {
        let source = source + (template.map { ", template '\($0.text)'" } ?? "")
        try write(.texts, texts, source: source, options) { range, progress in
            let texts = range.map { template?(texts[$0]) ?? texts[$0] }
            return .init(values: try embed(texts: texts, progress: progress))
        }
    }

    /// Embeds images. Those that cannot be read have no row and are listed in the table. Goes on
    /// where a run before was stopped; several processes share the work.
    ///
    /// - Parameters:
    ///   - images: the images, by the names that records give them
    ///   - path: where an image lies
    ///   - options: how the table is stored
    /// - Throws: ``ConceptError``, `TorchError`, `FileWritingError`
    public func write(
        images: StringTable, path: (String) -> String, _ options: TableOptions
    ) throws {
        try write(.images, images, source: source, options) { range, progress in
            let (rows, skipped) = try embed(
                images: range.map { (images[$0], path(images[$0])) }, progress: progress)
            return .init(values: rows, skipped: skipped)
        }
    }

    private func write(
        _ content: TableManifest.Content, _ names: StringTable, source: String,
        _ options: TableOptions,
        _ make: (_ range: Range<Int>, _ progress: @escaping (Int) -> Void) throws ->
            TableWriter.Rows
    ) throws {
        let writer = try TableWriter(
            directory: options.directory, content: content,
            source: "\(source), \(options.dtype)", width: width, names: names,
            shardSize: options.shardSize,
            model: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
        try writer.run(progress: options.progress) { range, progress in
            let rows = try make(range, progress)
            return .init(values: rows.values.to(dtype: options.dtype), skipped: rows.skipped)
        }
    }

    /// Embeds images and keeps only the numbers of the concepts that fit each best, for
    /// ``ConceptAttachment/init(ranks:vocabulary:)``. int32 rows
    ///
    /// - Parameters:
    ///   - images: the images, by the names that records give them
    ///   - path: where an image lies
    ///   - concepts: embeddings of the vocabulary
    ///   - count: concepts of an image
    ///   - rounding: how similarities are computed
    ///   - options: how the table is stored; its type is not looked at
    /// - Throws: ``ConceptError``, `TorchError`, `FileWritingError`
    public func rank(
        images: StringTable, path: (String) -> String, concepts: ShardedTable, count: Int,
        rounding: ConceptRanking.Rounding, _ options: TableOptions
    ) throws {
        try checkWidth(of: concepts)
        let ranking = try ConceptRanking(
            concepts: concepts.rows, count: count, rounding: rounding, path: concepts.path,
            name: { concepts.names[$0] }, device: device)
        let writer = try TableWriter(
            directory: options.directory, content: .concepts,
            source: "\(source), concepts \(try concepts.fingerprint()), \(rounding) rounding",
            width: count, names: images, shardSize: options.shardSize)
        try writer.run(progress: options.progress) { range, progress in
            let (rows, skipped) = try embed(
                images: range.map { (images[$0], path(images[$0])) }, progress: progress)
            return .init(
                values: try ranking(rows).concepts.to(dtype: .int32), skipped: skipped)
        }
    }

    /// - Throws: ``ConceptError/widthMismatch(_:_:_:_:)`` for a table of another model's embeddings
    public func checkWidth(of table: ShardedTable) throws {
        guard table.width == width else {
            throw ConceptError.widthMismatch(path, width, table.path, table.width)
        }
    }
}

extension CaptionFilter {
    /// The cosine of each pair, nil where the image could not be read and not finite where it has
    /// none, by embedding the pairs part by part. Goes on where a run before was stopped.
    ///
    /// - Parameters:
    ///   - encoder: embeds images and captions
    ///   - path: where an image lies
    ///   - rounding: how similarities are computed
    ///   - options: where what was computed is kept; its type is not looked at
    /// - Throws: ``ConceptError``, `AnnotationError`, `TorchError`, `FileWritingError`
    public func similarities(
        _ encoder: CLIPEncoder, path: (String) -> String,
        rounding: ConceptRanking.Rounding = .full, _ options: TableOptions
    ) throws -> [Float?] {
        var names = StringTable(capacity: pairCount)
        for index in 0..<pairCount { names.insert(String(index)) }
        let writer = try TableWriter(
            directory: options.directory, content: .similarities,
            source: "\(encoder.source), \(rounding) rounding, file \(try fingerprint())",
            width: 1, names: names, shardSize: options.shardSize)
        do {
            try writer.run(progress: options.progress) { range, progress in
                try similarities(of: range, encoder, path: path, rounding, progress)
            }
        } catch ConceptError.noReadableImage(let name, let reason) {
            // The names of the table are numbers of pairs.
            let image = try Int(name).map { try pair($0).image }
            throw ConceptError.noReadableImage(name: image ?? name, reason: reason)
        }
        let table = try ShardedTable(path: options.directory)
        let values = try table.rows.reshaped(-1).array(of: Float.self)
        return (0..<pairCount).map { table.names.number(of: String($0)).map { values[$0] } }
    }

    private func similarities(
        of range: Range<Int>, _ encoder: CLIPEncoder, path: (String) -> String,
        _ rounding: ConceptRanking.Rounding, _ progress: @escaping (Int) -> Void
    ) throws -> TableWriter.Rows {
        var images = StringTable()
        var captions: [String] = []
        var imageNumbers: [Int] = []
        for index in range {
            let (image, caption) = try pair(index)
            imageNumbers.append(images.insert(image).number)
            captions.append(caption)
        }
        let (rows, skipped) = try encoder.embed(
            images: (0..<images.count).map { (images[$0], path(images[$0])) }
        ) { progress($0 * range.count / (2 * images.count)) }
        // By bytes: two names may differ in nothing but how an accent is written.
        var withoutRow = StringTable(capacity: skipped.count)
        for name in skipped { withoutRow.insert(name.name) }
        func reason(_ image: Int) -> String? {
            withoutRow.number(of: images[image]).map { skipped[$0].reason }
        }
        var rowOfImage: [Int?] = []
        var next = 0
        for number in 0..<images.count {
            let hasRow = reason(number) == nil
            rowOfImage.append(hasRow ? next : nil)
            next += hasRow ? 1 : 0
        }
        let readable = imageNumbers.indices.filter { rowOfImage[imageNumbers[$0]] != nil }
        let texts = try encoder.embed(texts: readable.map { captions[$0] }) {
            progress((range.count + $0) / 2)
        }
        let embedded = rows.indexed(
            0, by: Tensor(readable.compactMap { rowOfImage[imageNumbers[$0]] }))
        let unreadable = imageNumbers.indices.compactMap { place in
            reason(imageNumbers[place]).map {
                SkippedName(name: String(range.lowerBound + place), reason: $0)
            }
        }
        return .init(
            values: try rounding.cosines(embedded, texts).unsqueezed(1), skipped: unreadable)
    }

    /// A hash of all pairs in their order.
    private func fingerprint() throws -> String {
        var hash = StableHash()
        for index in 0..<pairCount {
            let (image, caption) = try pair(index)
            hash.add(item: image.utf8)
            hash.add(item: caption.utf8)
        }
        return hash.text
    }
}
