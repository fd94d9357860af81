import Datasets
import Files
import Foundation
import Images
import Text
import Torch
import Training
import ViCHA

/// Training or evaluating a model on a downstream task, put together from files and options.
struct FineTuningRun<Configuration: TaskConfiguration, Model: FineTunedModel> {
    let configuration: Configuration
    let data: DataLocation
    let tokenizer: WordPieceTokenizer
    let model: Model

    /// Builds the model and takes over the weights of a checkpoint, where one is given.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings, which have been validated
    ///   - options: where files lie
    ///   - imageRoot: directory of the images, in the data directory unless it is absolute
    ///   - absolutePaths: what becomes of absolute paths of images
    ///   - checkpoint: weights to take
    ///   - model: makes the model with random weights
    init(
        _ configuration: Configuration, _ options: ModelRunOptions, imageRoot: String = "",
        absolutePaths: ImagePaths.AbsolutePaths = .kept, checkpoint: String?,
        model: () throws -> Model
    ) throws {
        self.configuration = configuration
        data = try options.data.location(absolutePaths).inside(imageRoot)
        tokenizer = try options.model.tokenizer(for: configuration.settings.model)
        self.model = try model()
        if let checkpoint {
            try options.model.load(checkpoint, into: self.model, tokenizer.identity)
        }
    }

    /// The records of annotation files.
    func records<Record: AnnotationRecord>(_ files: [String]) throws -> [Record] {
        try AnnotationFile.load(
            files: files.map(data.annotationFile),
            requiresConcepts: configuration.settings.readsConcepts)
    }

    /// The records of training, read when they are asked for.
    func trainingRecords<Record: AnnotationRecord>() throws -> RecordList<Record> {
        try RecordList(
            files: configuration.settings.trainFiles.map(data.annotationFile),
            requiresConcepts: configuration.settings.readsConcepts)
    }

    /// Pairs to train on, whose images are there unless that does not matter.
    func dataset(_ pairs: RecordList<ImageTextPair>, _ options: ImageTextOptions) throws
        -> ImageTextDataset
    {
        let dataset = ImageTextDataset(
            pairs: pairs, paths: data.images, tokenizer: tokenizer, options: options)
        try check(dataset.images)
        return dataset
    }

    /// The records of an evaluation whose images are there and can be begun to be read. Where missing ones
    /// are allowed, the others are left out and counted.
    ///
    /// - Parameters:
    ///   - records: all of them
    ///   - files: where they stand
    ///   - images: where the images of a record lie
    /// - Throws: `AnnotationError` where images are missing or unreadable and must not be, or all of them are
    func evaluated<Record>(
        _ records: [Record], of files: [String], images: (Record) -> [String]
    ) throws -> [Record] {
        let limit = configuration.settings.images.maxPixels
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
        guard data.allowsMissingImages, !kept.isEmpty else {
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
        note(
            "\(files.joined(separator: ", ")): \(records.count - kept.count) of \(records.count) "
                + "records are left out, whose images are missing or cannot be read: \(first)")
        return kept
    }

    /// Makes sure that images are there, unless that does not matter.
    func check(_ images: TrainingImages) throws {
        if !data.allowsMissingImages { try images.checkExistence() }
    }
}

extension ModelOptions {
    /// Takes the weights of a checkpoint over and says what became of them.
    /// - Throws: `SafetensorsError`, `StateDictionaryError`, `CheckpointError`
    func load(
        _ checkpoint: String, into model: some FineTunedModel, _ vocabulary: VocabularyIdentity
    ) throws {
        let report = try StateDictionaryError.naming(checkpoint) {
            try model.load(
                TrainingCheckpoint.open(checkpoint, vocabulary: vocabulary).tensors(),
                allowingUnexpected: TrainingCheckpoint.statePrefixes)
        }
        let unused = report.unused.filter { key in
            !TrainingCheckpoint.statePrefixes.contains(where: key.hasPrefix)
        }
        let parts = [
            ("taken from '\(checkpoint)'", report.taken), ("initialised anew", report.initialized),
            ("not used", unused),
        ]
        note(
            "tensors: "
                + parts.map { "\($1.count) \($0)" }.joined(separator: ", "))
        guard listWeights else { return }
        for (title, keys) in parts where !keys.isEmpty {
            note("\(title):")
            for key in keys { note("  \(key)") }
        }
    }
}

extension DataLocation {
    /// The same with images in a directory of the data directory.
    func inside(_ imageRoot: String) -> DataLocation {
        DataLocation(
            images: images.inside(imageRoot), annotationDirectory: annotationDirectory,
            allowsMissingImages: allowsMissingImages)
    }
}
