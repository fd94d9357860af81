import Dispatch
import Foundation
import Synchronization

/// Records by number, each made when it is asked for: of files that are mapped into memory a list takes
/// 12 bytes a record, however large they are.
public struct RecordList<Record: Sendable>: Sendable {
    /// Number of records.
    public let count: Int
    private let read: @Sendable (Int) throws -> Record

    /// A list of records that are there.
    public init(_ records: [Record]) { self.init(count: records.count) { records[$0] } }

    private init(count: Int, read: @escaping @Sendable (Int) throws -> Record) {
        self.count = count
        self.read = read
    }

    /// A record by its number.
    /// - Throws: ``AnnotationError`` where the file has changed since it was opened
    public subscript(index: Int) -> Record { get throws { try read(index) } }

    /// A list of something made of each record, when it is asked for.
    public func mapped<Other>(_ transform: @escaping @Sendable (Int, Record) throws -> Other)
        -> RecordList<Other>
    { RecordList<Other>(count: count) { [read] in try transform($0, read($0)) } }

    /// Records of one core at a time in ``visit(_:)``.
    private static var partSize: Int { 4096 }

    /// Visits all records in their order. They are made on all cores, some thousands at a time.
    /// - Throws: ``AnnotationError``, and what `body` throws
    public func visit(_ body: (Record) throws -> Void) throws {
        let parts = max(1, ProcessInfo.processInfo.activeProcessorCount)
        for first in stride(from: 0, to: count, by: parts * Self.partSize) {
            let made = Mutex<[Int: Result<[Record], any Error>]>([:])
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                let start = min(count, first + part * Self.partSize)
                let records = Result {
                    try (start..<min(count, start + Self.partSize)).map(read)
                }
                made.withLock { $0[part] = records }
            }
            let block = made.withLock { $0 }
            for part in 0..<parts {
                for record in try block[part]?.get() ?? [] { try body(record) }
            }
        }
    }

    /// All records at once.
    /// - Throws: ``AnnotationError``
    public func all() throws -> [Record] { try (0..<count).map(read) }
}

extension RecordList where Record: AnnotationRecord {
    /// Opens files. A record is checked when it is read, so that whoever goes over all of them anyway has
    /// checked them too.
    ///
    /// - Parameters:
    ///   - files: JSON arrays of records
    ///   - requiresConcepts: whether a record without concepts is an error
    /// - Throws: ``AnnotationError`` for a file that is no list of records, and where there is no record at all;
    ///   reading a bad record throws one with the file and the record
    public init(files: [String], requiresConcepts: Bool) throws {
        let opened = try files.map { try RecordFile(path: $0) }
        /// Records before each file.
        let starts = opened.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
        let count = starts.last ?? 0
        guard count > 0 else { throw AnnotationError.empty(files: files) }
        self.init(count: count) { index in
            let number = (starts.firstIndex { $0 > index } ?? starts.count) - 1
            let (file, place) = (opened[number], index - starts[number])
            let record = try file.record(Record.self, at: place)
            if let problem = record.problem(requiresConcepts: requiresConcepts) {
                throw AnnotationError.invalidRecord(
                    file: file.path, record: place, field: problem.field,
                    expected: problem.expected)
            }
            return record
        }
    }
}
