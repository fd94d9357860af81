import Datasets
import Files
import Foundation
import Images
import Text
import Training

/// Where the records and images of a task come from, and how texts become tokens.
public struct TaskSource: Sendable {
    /// Where images lie.
    public var images: ImagePaths
    /// Directory of the annotation files that configurations name.
    public var annotationDirectory: String
    /// Cuts texts into tokens.
    public var tokenizer: WordPieceTokenizer

    /// Describes where files lie.
    public init(
        images: ImagePaths, annotationDirectory: String = "",
        tokenizer: WordPieceTokenizer
    ) {
        self.images = images
        self.annotationDirectory = annotationDirectory
        self.tokenizer = tokenizer
    }

    /// The same with relative image paths in a directory: of the data directory, unless it is absolute.
    public func inside(_ imageRoot: String) -> TaskSource {
        var source = self
        source.images = images.inside(imageRoot)
        return source
    }

    /// The same for annotation files with the paths of their authors' machine, as those of pretraining.
    public var shorteningPaths: TaskSource {
        var source = self
        source.images.absolutePaths = .shortened
        return source
    }

    /// The place of an annotation file.
    public func file(_ name: String) -> String {
        AnnotationFile.path(name, in: annotationDirectory)
    }

    /// The records of annotation files.
    /// - Throws: `AnnotationError`
    public func records<Record: AnnotationRecord>(_ files: [String], _ settings: TrainingSettings)
        throws -> [Record]
    { try list(files, settings).all() }

    /// The records to train on, read when they are asked for.
    /// - Throws: `AnnotationError`
    public func trainingRecords<Record: AnnotationRecord>(_ settings: TrainingSettings) throws
        -> RecordList<Record>
    { try list(settings.trainFiles, settings) }

    private func list<Record: AnnotationRecord>(
        _ files: [String], _ settings: TrainingSettings
    ) throws -> RecordList<Record> {
        try RecordList(files: files.map(file), requiresConcepts: settings.readsConcepts)
    }

    /// Pairs to train on.
    public func dataset(_ pairs: RecordList<ImageTextPair>, _ options: ImageTextOptions)
        -> ImageTextDataset
    { ImageTextDataset(pairs: pairs, paths: images, tokenizer: tokenizer, options: options) }

    /// The pairs of pretraining.
    /// - Throws: `AnnotationError`
    public func captions(_ settings: TrainingSettings) throws -> ImageTextDataset {
        let records: RecordList<PretrainingRecord> = try trainingRecords(settings)
        return shorteningPaths.dataset(
            ImageTextPair.pairs(of: records), ImageTextOptions(settings))
    }

    /// The records of an evaluation whose images are there and can be begun to be read. Where missing ones
    /// are allowed, the others are left out and counted.
    ///
    /// - Parameters:
    ///   - records: all of them
    ///   - files: where they stand
    ///   - settings: how large images may be
    ///   - images: where the images of a record lie
    /// - Throws: `AnnotationError` where images are missing or unreadable and must not be, or all of them are
    public func evaluated<Record>(
        _ records: [Record], of files: [String], _ settings: TrainingSettings,
        images: (Record) -> [String]
    ) throws -> [Record] {
        let limit = settings.images.maxPixels
        // Several records may have one image.
        var problems: [ExactString: ImageError?] = [:]
        func problem(_ path: String) throws -> ImageError? {
            if let known = problems[ExactString(path)] { return known }
            var found: ImageError?
            do { try ImageDecoder.checkHeader(path: path, limit: limit) } catch let error
                as ImageError
            {
                found = error
            }
            problems[ExactString(path)] = .some(found)
            return found
        }
        var first: ImageError?
        let kept = try records.filter { record in
            let lost = try images(record).compactMap(problem)
            first = first ?? lost.first
            return lost.isEmpty
        }
        guard let first else { return records }
        guard self.images.allowsMissingImages else {
            let missing = problems.values.compactMap { problem -> String? in
                if case .missing(let path)? = problem { path } else { nil }
            }.sorted()
            guard missing.isEmpty else {
                throw AnnotationError.missingImages(
                    count: missing.count, examples: Array(missing.prefix(3)))
            }
            throw AnnotationError.unreadableImages(
                count: problems.values.count { $0 != nil }, example: first.description)
        }
        guard !kept.isEmpty else {
            throw AnnotationError.noReadableImages(files: files, example: first.description)
        }
        StandardError.note(
            "\(files.joined(separator: ", ")): \(records.count - kept.count) of \(records.count) "
                + "records are left out, whose images are missing or cannot be read: \(first)")
        return kept
    }
}
