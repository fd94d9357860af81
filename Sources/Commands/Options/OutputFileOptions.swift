import ArgumentParser
import Files
import Foundation

/// What every command takes that writes files of which others may be there already.
struct OutputFileOptions: ParsableArguments {
    @Flag(help: "Replace results that are there already.")
    var overwrite = false

    /// Makes sure, before anything is computed, that no file would be lost.
    ///
    /// - Parameters:
    ///   - outputs: files to be written
    ///   - inputs: files that are read, which no result may replace in any case
    ///   - others: files that are written too
    /// - Throws: ``OutputFileError``
    func check(_ outputs: [String], inputs: [String] = [], others: [String] = []) throws {
        let read = Set(inputs.map { ExactString($0.resolvedPath) })
        let written = Set(others.map { ExactString($0.resolvedPath) })
        for output in outputs {
            guard !written.contains(ExactString(output.resolvedPath)) else {
                throw OutputFileError.twice(path: output)
            }
            guard !read.contains(ExactString(output.resolvedPath)) else {
                throw OutputFileError.isInput(path: output)
            }
            guard overwrite || !FileManager.default.fileExists(atPath: output) else {
                throw OutputFileError.exists(path: output)
            }
        }
    }
}

/// Why a result cannot be written where it is to go.
enum OutputFileError: Error, Equatable, CustomStringConvertible {
    case exists(path: String)
    case isInput(path: String)
    case twice(path: String)
    case sameName(String)
    case foreign(path: String)
    case isDirectory(path: String)

    /// Which file would be lost, and how to give the result another place.
    var description: String {
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
    static func checkIsFree(_ path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw OutputFileError.foreign(path: path)
        }
    }
}

extension String {
    /// The path without symbolic links, `.` and `..`.
    var resolvedPath: String { URL(fileURLWithPath: self).resolvingSymlinksInPath().path }
}

/// Where annotation files with something added go.
struct OutputFiles {
    /// Each annotation file and the one that is made from it.
    let pairs: [(input: String, output: String)]

    /// Names the results after their files.
    /// - Throws: ``OutputFileError``, `FileWritingError`
    init(_ files: [String], in directory: String, _ options: OutputFileOptions) throws {
        var seen: Set<ExactString> = []
        pairs = try files.map { file in
            let name = (file as NSString).lastPathComponent
            guard seen.insert(ExactString(name)).inserted else {
                throw OutputFileError.sameName(name)
            }
            return (file, (directory as NSString).appendingPathComponent(name))
        }
        try options.check(pairs.map(\.output), inputs: files)
        try makeDirectory(directory)
    }
}

/// Files that people look at and that are made again and again: one that this program has written may
/// be replaced, any other may not.
enum MarkedFile {
    /// What pages and images say of their origin.
    static let mark = "ViCHA in Swift"

    /// Makes sure, before anything is computed, that no other file would be lost.
    /// - Throws: ``OutputFileError``
    static func check(_ path: String) throws {
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
