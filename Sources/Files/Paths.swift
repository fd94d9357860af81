extension String {
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
