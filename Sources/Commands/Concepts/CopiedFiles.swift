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
    /// - Throws: ``CopyError``
    init(_ sources: [String], to directory: String, beside results: [String]) throws {
        let files = FileManager.default
        var seen: [String: String] = [:]
        for result in results { seen[(result as NSString).lastPathComponent] = result }
        var pairs: [(source: String, target: String)] = []
        for source in sources {
            guard files.fileExists(atPath: source) else {
                throw CopyError(reason: "there is no '\(source)'")
            }
            let name = (source.resolvedPath as NSString).lastPathComponent
            let target = (directory as NSString).appendingPathComponent(name)
            if let other = seen.updateValue(source, forKey: name) {
                throw CopyError(
                    reason: "'\(source)' and '\(other)' would both become '\(target)'; give one of "
                        + "them another name")
            }
            // What is there already, as itself or as a copy of an earlier run, stays.
            if source.resolvedPath == target.resolvedPath
                || files.contentsEqual(atPath: source, andPath: target)
            {
                continue
            }
            guard !Self.isThere(target) else {
                throw CopyError(
                    reason: "'\(target)' is there already and differs from '\(source)'; remove it, "
                        + "or give another --output-dir")
            }
            guard !(target.resolvedPath + "/").hasPrefix(source.resolvedPath + "/") else {
                throw CopyError(
                    reason: "'\(source)' would be copied into itself; give another --output-dir")
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
}

/// Why something cannot be copied beside results.
struct CopyError: Error, Equatable, CustomStringConvertible {
    let reason: String

    /// Which file cannot be copied, and why.
    var description: String { "--copy: \(reason)" }
}
