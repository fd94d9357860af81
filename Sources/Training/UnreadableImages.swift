import Datasets
import Files
import Foundation

/// Too many images of a data set cannot be read for a run to mean anything.
public struct UnreadableImagesError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Records whose images could not be read.
    public let count: Int
    /// Records of the data set.
    public let total: Int
    /// Share of the records that may be unreadable.
    public let limit: Double
    /// Where all of them are listed.
    public let list: String

    /// How many, and what to look at.
    public var description: String {
        "the images of \(count) of \(total) records cannot be read, more than the share of \(limit) that "
            + "may be missing; they are listed in '\(list)'. Check --data-dir and --replace-prefix, or "
            + "raise --most-unreadable."
    }
}

/// Keeps account of the records whose images cannot be read and are replaced by others.
struct UnreadableImages {
    private let total: Int
    private let limit: Double
    private let path: String
    private var reasons: [Int: String] = [:]
    private var isWritten = true

    /// - Parameters:
    ///   - total: records of the data set
    ///   - limit: share of them that may be unreadable
    ///   - path: file with the list
    init(total: Int, limit: Double, path: String) {
        self.total = total
        self.limit = limit
        self.path = path
    }

    /// Takes note of records; each is reported once.
    /// - Throws: ``UnreadableImagesError``, `FileWritingError`
    mutating func add(_ records: [UnreadableRecord]) throws {
        for record in records where reasons[record.index] == nil {
            reasons[record.index] = record.reason
            isWritten = false
            StandardError.note("skipped: \(record.reason)")
        }
        guard Double(reasons.count) > limit * Double(total) else { return }
        try write()
        throw UnreadableImagesError(
            count: reasons.count, total: total, limit: limit, list: path)
    }

    /// Writes the list, where it has grown: a line for each record.
    /// - Throws: `FileWritingError`
    mutating func write() throws {
        guard !isWritten else { return }
        let lines = reasons.sorted { $0.key < $1.key }.map { "record \($0): \($1)\n" }
        try writeAtomically(Data(lines.joined().utf8), to: path)
        isWritten = true
    }
}
