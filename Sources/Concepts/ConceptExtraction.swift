import Datasets
import Foundation
import Nouns
import Text

/// Texts with how often they occur.
public struct ConceptCounts: Sendable {
    private var names = StringTable()
    private var counts: [Int] = []

    /// Counts of nothing yet.
    public init() {}

    /// Number of different texts.
    public var count: Int { names.count }

    /// Adds occurrences of a text.
    public mutating func add(_ name: String, _ occurrences: Int = 1) {
        let (number, isNew) = names.insert(name)
        if isNew { counts.append(0) }
        counts[number] += occurrences
    }

    /// Adds the counts of a later part.
    mutating func add(_ other: ConceptCounts) {
        for number in 0..<other.count { add(other.names[number], other.counts[number]) }
    }

    /// The most frequent first; equal ones in the order in which they were first seen.
    ///
    /// - Parameters:
    ///   - minCount: least number of occurrences
    ///   - maxConcepts: texts to keep, nil for all
    public func sorted(minCount: Int = 1, maxConcepts: Int? = nil) -> [(name: String, count: Int)] {
        let kept = counts.indices.filter { counts[$0] >= minCount }
            .sorted { (-counts[$0], $0) < (-counts[$1], $1) }
        return kept.prefix(maxConcepts ?? kept.count).map { (names[$0], counts[$0]) }
    }
}

/// Takes concepts from the captions of annotation files (ViCHA section 3.1).
public struct ConceptExtraction: Sendable {
    /// Nouns with their compound words, lower-case.
    public private(set) var heads = ConceptCounts()
    /// Heads with an adjective, a participle or a number.
    public private(set) var attributes = ConceptCounts()
    /// Two heads with what relates them.
    public private(set) var relations = ConceptCounts()
    /// Captions read.
    public private(set) var captions = 0
    /// Records left out whose caption is no UTF-8 text.
    public private(set) var skipped = 0

    /// Records of a unit of work; decides about nothing else.
    private static let blockSize = 1024

    /// Counts the concepts of a file; several files are added up.
    ///
    /// - Parameters:
    ///   - file: an annotation file; its captions stand in `caption` or, for NLVR2, `sentence`
    ///   - field: another field of captions
    ///   - wordNet: the words
    ///   - tagger: finds the nouns
    ///   - options: what is taken
    ///   - workers: threads; their number changes no result
    ///   - progress: gets the records done
    /// - Throws: `AnnotationError` for a record without a caption
    public mutating func add(
        _ file: RecordFile, field: String? = nil, wordNet: WordNet, tagger: PerceptronTagger,
        _ options: NounExtractor.Options = .init(), workers: Int = 1,
        progress: (Int) -> Void = { _ in }
    ) throws {
        let extractors = ExtractorPool(wordNet, tagger, options)
        let blocks = (file.count + Self.blockSize - 1) / Self.blockSize
        let loader = PrefetchingLoader(0..<blocks, workers: workers, ahead: 4 * workers) { block in
            try extractors.withExtractor { extractor in
                let start = block * Self.blockSize
                return try Self.count(
                    start..<min(file.count, start + Self.blockSize), of: file, field, &extractor)
            }
        }
        defer { loader.stop() }
        var done = 0
        while let part = try loader.next() {
            heads.add(part.heads)
            attributes.add(part.attributes)
            relations.add(part.relations)
            captions += part.captions
            skipped += part.skipped
            done = min(file.count, done + Self.blockSize)
            progress(done)
        }
    }

    /// Counts nothing yet.
    public init() {}

    private static func count(
        _ range: Range<Int>, of file: RecordFile, _ field: String?,
        _ extractor: inout NounExtractor
    ) throws -> ConceptExtraction {
        var part = ConceptExtraction()
        for index in range {
            let captions: [String]
            do {
                captions = try file[index].captions(field: field)
            } catch AnnotationError.invalidText {
                part.skipped += 1
                continue
            }
            for caption in captions {
                extractor.addConcepts(of: caption) { concepts in
                    for head in concepts.heads { part.heads.add(head) }
                    for attribute in concepts.attributes { part.attributes.add(attribute) }
                    for relation in concepts.relations { part.relations.add(relation) }
                }
            }
            part.captions += captions.count
        }
        return part
    }
}

extension RawRecord {
    /// The captions of a record: `caption` or, for NLVR2, `sentence`.
    ///
    /// - Parameter field: another field of captions
    /// - Throws: `AnnotationError` where the field is missing or no text
    public func captions(field: String? = nil) throws -> [String] {
        if let field {
            if let captions = try texts(field) { return captions }
        } else if let captions = try texts("caption") ?? texts("sentence") {
            return captions
        }
        throw problem(
            field ?? "caption",
            expected: "a text or a list of texts (or sentence, for NLVR2)")
    }
}

/// Extractors for as many threads as ask at a time: each keeps the words that it has looked up.
///
/// Unchecked: `free` is guarded by `lock`.
public final class ExtractorPool: @unchecked Sendable {
    private let lock = NSLock()
    private var free: [NounExtractor] = []
    private let wordNet: WordNet
    private let tagger: PerceptronTagger
    private let options: NounExtractor.Options

    /// Makes a pool whose extractors have the same options.
    public init(
        _ wordNet: WordNet, _ tagger: PerceptronTagger, _ options: NounExtractor.Options = .init()
    ) {
        self.wordNet = wordNet
        self.tagger = tagger
        self.options = options
    }

    /// The concepts of a caption.
    public func concepts(of caption: String) -> NounExtractor.Concepts {
        withExtractor { $0.concepts(of: caption) }
    }

    func withExtractor<Result>(_ body: (inout NounExtractor) throws -> Result) rethrows -> Result {
        var extractor = lock.withLock { free.popLast() } ?? NounExtractor(wordNet, tagger, options)
        defer { lock.withLock { free.append(extractor) } }
        return try body(&extractor)
    }
}
