import Foundation

/// Why a directory cannot be locked.
public enum DirectoryLockError: Error, Equatable, Sendable, CustomStringConvertible {
    case inUse(directory: String, holder: String)
    case unavailable(directory: String, reason: String)

    /// Which directory, who holds it, and what to do about it.
    public var description: String {
        switch self {
        case .inUse(let directory, let holder):
            "'\(directory)' is in use by another run (\(holder)); wait for it to end, or name another "
                + "output directory"
        case .unavailable(let directory, let reason):
            "cannot lock '\(directory)': \(reason)"
        }
    }
}

/// A directory, or a part of the work in it, that one process at a time may write to.
///
/// The system keeps the lock, on a file in the directory, and takes it back when the process ends
/// in whatever way: the file that stays means nothing by itself.
public final class DirectoryLock: Sendable {
    private let file: Int32

    /// Locks a directory, which is made where it is missing, until this object is gone.
    ///
    /// - Parameters:
    ///   - directory: the directory
    ///   - part: names a part of the work, which does not stand in the way of others; empty for all of it
    /// - Throws: ``DirectoryLockError``, ``FileWritingError``
    public init(_ directory: String, part: String = "") throws {
        try makeDirectory(directory)
        let path = (directory as NSString).appendingPathComponent(".\(part)lock")
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw DirectoryLockError.unavailable(
                directory: directory, reason: String(cString: strerror(errno)))
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let failure = errno
            defer { close(file) }
            guard failure == EWOULDBLOCK else {
                throw DirectoryLockError.unavailable(
                    directory: directory, reason: String(cString: strerror(failure)))
            }
            let holder = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            throw DirectoryLockError.inUse(
                directory: directory,
                holder: holder.isEmpty
                    ? "which has just begun" : holder.trimmingCharacters(in: .newlines))
        }
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let note = "process \(getpid()) on \(host.withUnsafeBufferPointer { Self.text($0) })\n"
        // Only a help to people: the lock holds without it.
        _ = ftruncate(file, 0)
        _ = note.withCString { pwrite(file, $0, strlen($0), 0) }
    }

    deinit { close(file) }

    private static func text(_ bytes: UnsafeBufferPointer<CChar>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
