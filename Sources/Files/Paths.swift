import Foundation

extension String {
    /// The absolute path without symbolic links, `.` and `..`, as the system would follow it; what is not there
    /// yet lies where its directory is.
    ///
    /// Foundation's `standardized` and `resolvingSymlinksInPath` drop the first `..` of a relative path, and
    /// resolve no link above a file that is missing.
    public var resolvedPath: String {
        if let path = realpath(self, nil) {
            defer { free(path) }
            return String(cString: path)
        }
        let name = split(separator: "/").last.map(String.init) ?? ""
        guard !name.isEmpty, name != "." else { return self }
        let parent = parentDirectory
        let directory = (parent.isEmpty ? "." : parent).resolvedPath
        return (directory == "/" ? "" : directory) + "/" + name
    }

    /// The path that leads to a file from a directory, both of which may not be there yet.
    public func relativePath(from directory: String) -> String {
        let target = resolvedPath.split(separator: "/")
        let start = directory.resolvedPath.split(separator: "/")
        let common = zip(target, start).prefix { $0 == $1 }.count
        return (Array(repeating: "..", count: start.count - common) + target.dropFirst(common))
            .joined(separator: "/")
    }

    /// Where a path leads that stands in a file of a directory, whose links are followed.
    public func resolved(in directory: String) -> String {
        hasPrefix("/") || directory.isEmpty ? self : (directory + "/" + self).resolvedPath
    }

    /// The path without its last component, empty for a name alone.
    ///
    /// Foundation's `deletingLastPathComponent` ends the process for a name of one character.
    public var parentDirectory: String {
        var path = self[...]
        while path.count > 1, path.last == "/" { path.removeLast() }
        guard let slash = path.lastIndex(of: "/") else { return "" }
        path = path[..<slash]
        while path.last == "/" { path.removeLast() }
        return path.isEmpty ? "/" : String(path)
    }
}
