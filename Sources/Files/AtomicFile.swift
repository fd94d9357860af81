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

    /// What happened, where, and what to do about it.
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

/// Writes a file so that it appears whole or not at all: to a temporary file in the same directory,
/// flushed to the disk, then renamed. `body` receives a function that appends bytes.
/// - Throws: ``FileWritingError`` where the system refuses, or the error of `body`; either way the
///   temporary file is removed and an existing file stays as it was.
public func writeAtomically(
    to path: String,
    _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
) throws {
    // Processes on several machines may write to one directory, so a process number is not enough.
    let temporary = path + ".tmp-\(UUID().uuidString)"
    func fail() -> FileWritingError {
        FileWritingError(path: path, reason: String(cString: strerror(errno)))
    }
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw fail() }
    do {
        try body { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = write(
                    file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written < 0 {
                    if errno == EINTR { continue }
                    throw fail()
                }
                rest = rest.dropFirst(written)
            }
        }
        guard fsync(file) == 0 else { throw fail() }
    } catch {
        close(file)
        unlink(temporary)
        throw error
    }
    guard close(file) == 0, rename(temporary, path) == 0 else {
        let error = fail()
        unlink(temporary)
        throw error
    }
    // The directory entry itself, so that the rename survives a power failure.
    let directory = open((path as NSString).deletingLastPathComponent.orCurrentDirectory, O_RDONLY)
    if directory >= 0 {
        fsync(directory)
        close(directory)
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
