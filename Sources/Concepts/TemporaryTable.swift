import Foundation

/// A table that is only kept to go on from where a run was stopped, and removed at the end.
public struct TemporaryTable {
    /// Where it lies.
    public let path: String

    private static let lock = "claims.lock"

    /// Describes a table.
    /// - Throws: ``ConceptError/foreignDirectory(path:)`` where something else lies in its place
    public init(path: String) throws {
        self.path = path
        let files = FileManager.default
        var isDirectory: ObjCBool = false
        guard files.fileExists(atPath: path, isDirectory: &isDirectory) else { return }
        let found = isDirectory.boolValue ? try files.contentsOfDirectory(atPath: path) : []
        guard isDirectory.boolValue, found.allSatisfy(Self.isOwn) else {
            throw ConceptError.foreignDirectory(path: path)
        }
    }

    /// Removes the files of the table, and its directory unless something else lies in it by now.
    public func remove() {
        let found = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        for file in found where Self.isOwn(file) {
            unlink((path as NSString).appendingPathComponent(file))
        }
        rmdir(path)
    }

    /// Whether a file has a name that only tables give.
    private static func isOwn(_ file: String) -> Bool {
        file == TableManifest.fileName || file == lock
            || file.hasPrefix(TableManifest.fileName + ".tmp-")
            || file.wholeMatch(of: /shard-\d{6,}-of-\d{6,}\.safetensors(\.tmp-.*)?/) != nil
    }
}
