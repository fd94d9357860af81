import Foundation

/// Why a file could not be written.
public struct FileWritingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file that was to be written.
    public let path: String
    /// What the system says.
    public let reason: String

    /// Makes an error.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// Says of a system error which file it concerns.
    public init(path: String, _ error: any Error) {
        self.init(path: path, reason: Self.describe(error))
    }

    /// Which file could not be written, and what the system said.
    public var description: String {
        "cannot write '\(path)': \(reason). Free space or permission may be missing; nothing was "
            + "changed there."
    }

    /// What the system says of an error, without the wrapping of Foundation.
    public static func describe(_ error: any Error) -> String {
        let error = error as NSError
        if let underlying = error.userInfo[NSUnderlyingErrorKey] as? any Error {
            return describe(underlying)
        }
        if error.domain == NSPOSIXErrorDomain {
            return String(cString: strerror(Int32(error.code)))
        }
        return error.localizedDescription
    }
}

/// A file in the making, which is not yet at its place.
public struct AtomicFileWriter {
    fileprivate let file: Int32
    fileprivate let path: String

    /// Appends bytes.
    /// - Throws: ``FileWritingError``
    public func callAsFunction(_ bytes: UnsafeRawBufferPointer) throws {
        try writeAll(bytes) { write(file, $0.baseAddress, $0.count) }
    }

    /// Replaces bytes that have been written before, such as a checksum of what follows them.
    /// - Throws: ``FileWritingError``
    public func replace(at offset: Int, with bytes: UnsafeRawBufferPointer) throws {
        var place = off_t(offset)
        try writeAll(bytes) { part in
            let written = pwrite(file, part.baseAddress, part.count, place)
            place += off_t(max(0, written))
            return written
        }
    }

    private func writeAll(
        _ bytes: UnsafeRawBufferPointer, _ write: (UnsafeRawBufferPointer) -> Int
    ) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = write(UnsafeRawBufferPointer(rebasing: rest))
            if written < 0 {
                if errno == EINTR { continue }
                throw FileWritingError(path: path, reason: String(cString: strerror(errno)))
            }
            rest = rest.dropFirst(written)
        }
    }
}

/// What stands between the name of a file and the number of a temporary one that will replace it.
private let temporaryMark = ".tmp-"

/// Writes a file so that it appears whole or not at all: to a temporary file in the same directory,
/// flushed to the disk, then renamed. `body` receives a function that appends bytes.
///
/// - Parameters:
///   - path: the file
///   - previous: where a file that is there already is moved to, just before the new one takes its
///     place; nil to replace it
///   - body: writes the contents
/// - Throws: ``FileWritingError`` where the system refuses, or the error of `body`; either way the
///   temporary file is removed and an existing file stays as it was.
public func writeAtomically(
    to path: String, keepingPreviousAs previous: String? = nil,
    _ body: (AtomicFileWriter) throws -> Void
) throws {
    // Processes on several machines may write to one directory, so a process number is not enough.
    let temporary = path + temporaryMark + UUID().uuidString
    func fail() -> FileWritingError {
        FileWritingError(path: path, reason: String(cString: strerror(errno)))
    }
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw fail() }
    // Says that somebody is at work on it, for as long as this process lives.
    flock(file, LOCK_EX | LOCK_NB)
    do {
        try body(AtomicFileWriter(file: file, path: path))
        guard fsync(file) == 0 else { throw fail() }
    } catch {
        close(file)
        unlink(temporary)
        throw error
    }
    func replace() -> Bool {
        guard close(file) == 0 else { return false }
        if let previous, rename(path, previous) != 0, errno != ENOENT { return false }
        return rename(temporary, path) == 0
    }
    guard replace() else {
        let error = fail()
        unlink(temporary)
        throw error
    }
    // The directory entry itself, so that the rename survives a power failure.
    let directory = open(path.parentDirectory.orCurrentDirectory, O_RDONLY)
    if directory >= 0 {
        fsync(directory)
        close(directory)
    }
}

/// Removes what writers that were killed have left of files with some names in a directory.
///
/// A temporary file that somebody is still writing is locked and stays.
public func removeAbandonedFiles(in directory: String, of isOwn: (String) -> Bool) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
        guard let mark = name.range(of: temporaryMark, options: .backwards),
            UUID(uuidString: String(name[mark.upperBound...])) != nil,
            isOwn(String(name[..<mark.lowerBound]))
        else { continue }
        let path = (directory as NSString).appendingPathComponent(name)
        let file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { continue }
        if flock(file, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
        close(file)
    }
}

extension String {
    fileprivate var orCurrentDirectory: String { isEmpty ? "." : self }
}

/// Writes bytes so that the file appears whole or not at all.
/// - Throws: ``FileWritingError``
public func writeAtomically(_ data: Data, to path: String) throws {
    try writeAtomically(to: path) { write in try data.withUnsafeBytes { try write($0) } }
}

/// Makes a directory with those above it, if it is not there.
/// - Throws: ``FileWritingError``
public func makeDirectory(_ path: String) throws {
    do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
        throw FileWritingError(path: path, error)
    }
}
