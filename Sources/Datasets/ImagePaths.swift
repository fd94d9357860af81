import Foundation

/// Where the images of annotation files lie.
public struct ImagePaths: Sendable, Equatable {
    /// Leading components that the published files carry from their authors' machine, such as
    /// `/data/user/data/`.
    static let officialPrefixLength = 4

    /// What becomes of an absolute path.
    public enum AbsolutePaths: Sendable, Equatable {
        /// It stays as it is, as in the official code of the downstream tasks.
        case kept
        /// It loses its first three directories and lies in the data directory, as in the official
        /// code of pretraining, whose published files carry the paths of their authors' machine.
        case shortened
        /// Kept where a file is there, and shortened otherwise: for annotation files of any task.
        case shortenedWhereMissing
    }

    /// Directory that relative paths start from.
    public var dataDirectory: String
    /// What becomes of absolute paths.
    public var absolutePaths: AbsolutePaths
    /// Beginnings of paths and what to put in their place; the first that fits is used.
    public var replacements: [(from: String, to: String)]
    /// Whether images may be missing: training then replaces each by another, an evaluation leaves out what
    /// needs it.
    public var allowsMissingImages: Bool

    /// Describes where images lie.
    public init(
        dataDirectory: String, absolutePaths: AbsolutePaths = .kept,
        replacements: [(from: String, to: String)] = [], allowsMissingImages: Bool = false
    ) {
        self.dataDirectory = dataDirectory
        self.absolutePaths = absolutePaths
        self.replacements = replacements
        self.allowsMissingImages = allowsMissingImages
    }

    /// Paths that are used as they stand.
    public static let unchanged = ImagePaths(dataDirectory: "")

    /// The same with relative paths in a directory: of the data directory, unless it is absolute.
    public func inside(_ directory: String) -> ImagePaths {
        guard !directory.isEmpty else { return self }
        var paths = self
        paths.dataDirectory = join(directory)
        return paths
    }

    /// The place of an image.
    ///
    /// A replacement that fits decides. A relative path lies in the data directory, and an absolute
    /// one where ``absolutePaths`` says.
    public func resolve(_ path: String) -> String {
        // Bytes: strings begin with what is only equal after normalisation, too.
        for (from, to) in replacements where path.utf8.starts(with: from.utf8) {
            return to + String(decoding: path.utf8.dropFirst(from.utf8.count), as: UTF8.self)
        }
        guard path.hasPrefix("/") else { return join(path) }
        switch absolutePaths {
        case .kept: return path
        case .shortenedWhereMissing where access(path, F_OK) == 0: return path
        case .shortened, .shortenedWhereMissing:
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count > Self.officialPrefixLength
                ? join(parts.dropFirst(Self.officialPrefixLength).joined(separator: "/")) : path
        }
    }

    /// As Python's `os.path.join` does, which changes nothing inside of either part.
    private func join(_ path: String) -> String {
        if path.hasPrefix("/") || dataDirectory.isEmpty { return path }
        return dataDirectory.hasSuffix("/") ? dataDirectory + path : dataDirectory + "/" + path
    }

    /// Compares all of them.
    public static func == (a: ImagePaths, b: ImagePaths) -> Bool {
        a.dataDirectory == b.dataDirectory && a.absolutePaths == b.absolutePaths
            && a.allowsMissingImages == b.allowsMissingImages
            && a.replacements.elementsEqual(b.replacements) { $0 == $1 }
    }
}
