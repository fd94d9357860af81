import Batches
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

    /// Of all records in their order.
    /// - Throws: ``AnnotationError``
    func checksum() throws -> String
}
