import ArgumentParser
import Foundation

/// Files and directories that are copied beside the results of a command.
struct CopiedFiles {
    private let pairs: [(source: String, target: String)]

    /// Makes sure, before anything is computed, that nothing that is there would be lost.
    ///
    /// - Parameters:
    ///   - sources: files and directories
    ///   - directory: where they go, under the names that they have
    ///   - results: files that are written there too
    /// - Throws: `ValidationError`
    init(_ sources: [String], to directory: String, beside results: [String]) throws {
        let files = FileManager.default
        var seen: [String: String] = [:]
        for result in results { seen[(result as NSString).lastPathComponent] = result }
        var pairs: [(source: String, target: String)] = []
        for source in sources {
            guard files.fileExists(atPath: source) else {
                throw ValidationError("--copy: there is no '\(source)'")
            }
            let name = (Self.place(source) as NSString).lastPathComponent
            let target = (directory as NSString).appendingPathComponent(name)
            if let other = seen.updateValue(source, forKey: name) {
                throw ValidationError(
                    "--copy: '\(source)' and '\(other)' would both become '\(target)'; give one of "
                        + "them another name")
            }
            // What is there already, as itself or as a copy of an earlier run, stays.
            if Self.place(source) == Self.place(target)
                || files.contentsEqual(atPath: source, andPath: target)
            {
                continue
            }
            guard !Self.isThere(target) else {
                throw ValidationError(
                    "--copy: '\(target)' is there already and differs from '\(source)'; remove it, "
                        + "or give another --output-dir")
            }
            guard !(Self.place(target) + "/").hasPrefix(Self.place(source) + "/") else {
                throw ValidationError(
                    "--copy: '\(source)' would be copied into itself; give another --output-dir")
            }
            pairs.append((source, target))
        }
        self.pairs = pairs
    }

    /// Copies everything; each appears whole or not at all.
    func copy() throws {
        for (source, target) in pairs {
            let temporary = target + ".tmp-\(UUID().uuidString)"
            do {
                try FileManager.default.copyItem(atPath: source, toPath: temporary)
                try FileManager.default.moveItem(atPath: temporary, toPath: target)
            } catch {
                // Made above and by nobody else.
                try? FileManager.default.removeItem(atPath: temporary)
                throw error
            }
        }
    }

    private static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// A path without symbolic links, `.` and `..`.
    private static func place(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }
}
