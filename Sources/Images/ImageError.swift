/// Why an image cannot be read.
public enum ImageError: Error, Hashable, Sendable, CustomStringConvertible {
    case missing(path: String)
    case unreadable(path: String, reason: String)
    /// `kind` says what the file is instead.
    case unknownFormat(path: String, kind: String)
    case corrupt(path: String, reason: String)
    case tooLarge(path: String, width: Int, height: Int, limit: Int)
    case unwritable(reason: String)

    /// Which image cannot be read, and why.
    public var description: String {
        switch self {
        case .missing(let path) where path.unicodeScalars.contains("\u{fffd}"):
            "the name of the image '\(path)' has bytes that are no UTF-8 in the place of \u{fffd}, and "
                + "cannot be opened by it; rename the file, and its name in the annotations"
        case .missing(let path):
            "there is no image '\(path)'; check the data directory and the path replacements"
        case .unreadable(let path, let reason): "cannot read the image '\(path)': \(reason)"
        case .unknownFormat(let path, let kind):
            "'\(path)' is \(kind), whatever its name says, and this program reads JPEG and PNG; "
                + "convert it or leave it out"
        case .corrupt(let path, let reason): "the image '\(path)' is corrupt: \(reason)"
        case .tooLarge(let path, let width, let height, let limit):
            "the image '\(path)' has \(width)×\(height) pixels, more than \(limit); make it smaller, "
                + "or raise the limit (images.max_pixels in a configuration, --max-image-pixels where there is none)"
        case .unwritable(let reason): "the image cannot be encoded: \(reason)"
        }
    }
}
