import Foundation

/// Why a result cannot be written where it is to go.
public enum OutputFileError: Error, Equatable, CustomStringConvertible {
    case exists(path: String)
    case isInput(path: String)
    case twice(path: String)
    case sameName(String)
    case foreign(path: String)
    case isDirectory(path: String)

    /// Which file would be lost, and how to give the result another place.
    public var description: String {
        switch self {
        case .exists(let path):
            "'\(path)' is there already; give the result another place, or replace it with --overwrite"
        case .isInput(let path):
            "'\(path)' would be overwritten by its own result; give the result another place"
        case .twice(let path):
            "two results would be written to '\(path)'; give each a path of its own"
        case .sameName(let name):
            "two files are named '\(name)', and results are named after them: give each its own "
                + "--output-dir"
        case .foreign(let path):
            "'\(path)' is there already, and this program has not written it; give another path"
        case .isDirectory(let path):
            "'\(path)' is a directory; give the path of a file"
        }
    }

    /// - Throws: ``OutputFileError/foreign(path:)`` where something lies at a path
    public static func checkIsFree(_ path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw OutputFileError.foreign(path: path)
        }
    }
}

/// Files that people look at and that are made again and again: one that this program has written may
/// be replaced, any other may not.
public enum MarkedFile {
    /// What pages and images say of their origin.
    public static let mark = "ViCHA in Swift"

    /// Makes sure, before anything is computed, that no other file would be lost.
    /// - Throws: ``OutputFileError``
    public static func check(_ path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            return
        }
        guard !isDirectory.boolValue else { throw OutputFileError.isDirectory(path: path) }
        // Both forms have it in front.
        guard let file = FileHandle(forReadingAtPath: path),
            let start = try file.read(upToCount: 512), start.range(of: Data(mark.utf8)) != nil
        else { throw OutputFileError.foreign(path: path) }
    }
}
