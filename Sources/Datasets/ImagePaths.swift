import Foundation

/// Where the images of annotation files lie.
public struct ImagePaths: Sendable, Equatable {
    /// Leading components that the published files carry from their authors' machine, such as
    /// `/data/user/data/`.
    static let officialPrefixLength = 4

    /// Directory that relative paths start from.
    public var dataDirectory: String
    /// Beginnings of paths and what to put in their place; the first that fits is used.
    public var replacements: [(from: String, to: String)]

    /// Describes where images lie.
    public init(dataDirectory: String, replacements: [(from: String, to: String)] = []) {
        self.dataDirectory = dataDirectory
        self.replacements = replacements
    }

    /// Paths that are used as they stand.
    public static let unchanged = ImagePaths(dataDirectory: "", replacements: [("/", "/")])

    /// The same with relative paths in a directory of the data directory.
    public func inside(_ directory: String) -> ImagePaths {
        directory.isEmpty
            ? self : ImagePaths(dataDirectory: join(directory), replacements: replacements)
    }

    /// The place of an image.
    ///
    /// A replacement that fits decides. A relative path lies in the data directory. An absolute one
    /// loses its first three directories and lies there too, as in the official code.
    public func resolve(_ path: String) -> String {
        // Bytes: strings begin with what is only equal after normalisation, too.
        for (from, to) in replacements where path.utf8.starts(with: from.utf8) {
            return to + String(decoding: path.utf8.dropFirst(from.utf8.count), as: UTF8.self)
        }
        guard path.hasPrefix("/") else { return join(path) }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count > Self.officialPrefixLength
            ? join(parts.dropFirst(Self.officialPrefixLength).joined(separator: "/")) : path
    }

    private func join(_ path: String) -> String {
        dataDirectory.isEmpty ? path : (dataDirectory as NSString).appendingPathComponent(path)
    }

    /// Compares directory and replacements.
    public static func == (a: ImagePaths, b: ImagePaths) -> Bool {
        a.dataDirectory == b.dataDirectory
            && a.replacements.elementsEqual(b.replacements) { $0 == $1 }
    }
}
