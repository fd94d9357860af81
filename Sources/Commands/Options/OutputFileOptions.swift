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
