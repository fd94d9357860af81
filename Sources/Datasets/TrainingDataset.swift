import Batches
import Files
import Foundation
import Text

/// Records that training draws batches from.
public protocol TrainingDataset: Sendable {
    /// What a step computes with.
    associatedtype Batch: TensorBatch

    /// Number of records.
    var count: Int { get }

    /// Cuts texts into tokens.
    var tokenizer: WordPieceTokenizer { get }

    /// The images of the records.
    var images: TrainingImages { get }

    /// The batch of some records. Every sample draws from a stream of its own, made from `seed`, so that the
    /// result does not depend on who makes it when.
    ///
    /// - Parameters:
    ///   - indices: numbers of the records
    ///   - seed: of all random choices
    /// - Returns: the batch, and records whose images could not be read and were replaced
    /// - Throws: ``ReplacementError`` where image after image cannot be read, ``AnnotationError``
    func batch(_ indices: [Int], seed: (UInt64, UInt64)) throws -> (
        batch: Batch, skipped: [UnreadableRecord]
    )

    /// Goes over all records once, before training.
    ///
    /// - Parameter look: gets the names of each record's images
    /// - Returns: a checksum of all records in their order
    /// - Throws: ``AnnotationError`` for a bad record
    func inspect(_ look: ([String]) -> Void) throws -> String
}

extension TrainingDataset {
    /// Goes over all records once, before training.
    ///
    /// - Returns: a checksum of all records in their order
    /// - Throws: ``AnnotationError`` for a bad record, and for missing images where there must be none
    public func inspect() throws -> String {
        try images.paths.checkingImages { look in try inspect(look) }
    }
}

extension ImagePaths {
    /// Makes sure that images are there that something goes over, unless that does not matter.
    ///
    /// - Parameter visit: gets a function that takes the names of some images
    /// - Throws: ``AnnotationError/missingImages(count:examples:)``, and what `visit` throws
    public func checkingImages<Result>(_ visit: (([String]) -> Void) throws -> Result) throws
        -> Result
    {
        var seen: Set<ExactString> = []
        var missing: [String] = []
        let result = try visit { names in
            guard !allowsMissingImages else { return }
            for path in names.map(resolve)
            where access(path, R_OK) != 0 && seen.insert(ExactString(path)).inserted {
                missing.append(path)
            }
        }
        guard missing.isEmpty else {
            throw AnnotationError.missingImages(
                count: missing.count, examples: Array(missing.prefix(3)))
        }
        return result
    }
}
