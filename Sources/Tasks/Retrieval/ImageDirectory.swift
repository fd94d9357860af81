import Foundation

/// The images below a directory, symbolic links to directories included.
public struct ImageDirectory {
    /// Paths of the images, in their order.
    public private(set) var files: [String] = []
    /// Images whose names are no UTF-8 and cannot be opened by them, with the odd bytes written
    /// as in `\xe9`.
    public private(set) var unnamed: [String] = []

    private static let extensions = ["jpg", "jpeg", "png"]

    /// A directory on the disk, whatever path leads to it.
    private struct Identity: Hashable {
        let device: UInt64
        let number: UInt64
    }

    /// Looks through a directory and all below it.
    public init(_ path: String) {
        visit(path, above: [])
        files.sort()
    }

    /// - Parameter above: the directories that this one is in, so that a link to one of them does not
    ///   lead around for ever
    private mutating func visit(_ path: String, above: Set<Identity>) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return }
        let identity = Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
        guard !above.contains(identity), let directory = opendir(path) else { return }
        var names: [[UInt8]] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: UInt8.self, capacity: 256) {
                    Array(
                        UnsafeBufferPointer(
                            start: $0,
                            count: strlen(
                                UnsafeRawPointer($0)
                                    .assumingMemoryBound(to: CChar.self))))
                }
            }
            if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
        }
        closedir(directory)
        for bytes in names {
            guard let name = String(validating: bytes, as: UTF8.self) else {
                if Self.isImage(String(decoding: bytes, as: UTF8.self)) {
                    unnamed.append((path as NSString).appendingPathComponent(Self.escaped(bytes)))
                }
                continue
            }
            let place = (path as NSString).appendingPathComponent(name)
            var status = stat()
            guard stat(place, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                visit(place, above: above.union([identity]))
            } else if Self.isImage(name) {
                files.append(place)
            }
        }
    }

    private static func isImage(_ name: String) -> Bool {
        extensions.contains((name as NSString).pathExtension.lowercased())
    }

    private static func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            0x20..<0x7f ~= byte
                ? String(Unicode.Scalar(byte)) : String(format: "\\x%02x", byte)
        }.joined()
    }
}
