import CImageCodecs
import Foundation

/// Why a picture cannot be read.
public enum ImageError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing(path: String)
    case unreadable(path: String, reason: String)
    case unknownFormat(path: String)
    case corrupt(path: String, reason: String)
    case tooLarge(path: String, width: Int, height: Int)
    case unwritable(reason: String)

    /// What happened, where, and what to do about it.
    public var description: String {
        switch self {
        case .missing(let path) where path.unicodeScalars.contains("\u{fffd}"):
            "the name of the image '\(path)' has bytes that are no UTF-8 in the place of \u{fffd}, and "
                + "cannot be opened by it; rename the file, and its name in the annotations"
        case .missing(let path):
            "there is no image '\(path)'; check the data directory and the path replacements"
        case .unreadable(let path, let reason): "cannot read the image '\(path)': \(reason)"
        case .unknownFormat(let path):
            "'\(path)' is no image this program reads: it is neither JPEG nor PNG"
        case .corrupt(let path, let reason): "the image '\(path)' is corrupt: \(reason)"
        case .tooLarge(let path, let width, let height):
            "the image '\(path)' has \(width)×\(height) pixels, more than "
                + "\(ImageDecoder.mostPixels); resize it first"
        case .unwritable(let reason): "the image cannot be encoded: \(reason)"
        }
    }
}

/// Reads JPEG and PNG files as RGB. Orientation tags and alpha are ignored, as in the official code.
public enum ImageDecoder {
    /// Pictures with more pixels are refused, since they are most likely an attack or a mistake.
    public static let mostPixels = 1 << 28

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: a JPEG or PNG, told apart by content
    ///   - shortSide: if given, a JPEG may come out smaller, with a short side of at least this many
    ///     pixels; this is much faster for large photographs and changes the result slightly
    /// - Throws: ``ImageError``
    public static func decode(path: String, shortSide: Int? = nil) throws -> RGBImage {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            if !FileManager.default.fileExists(atPath: path) {
                throw ImageError.missing(path: path)
            }
            throw ImageError.unreadable(path: path, reason: (error as NSError).localizedDescription)
        }
        return try decode(data, name: path, shortSide: shortSide)
    }

    /// Reads the bytes of a file; `name` stands in errors.
    /// - Throws: ``ImageError``
    public static func decode(_ data: Data, name: String, shortSide: Int? = nil) throws -> RGBImage
    {
        try data.withUnsafeBytes { bytes in
            let start = bytes.bindMemory(to: UInt8.self).baseAddress
            let isJPEG = bytes.starts(with: [0xff, 0xd8])
            let isPNG = bytes.starts(with: [0x89, 0x50, 0x4e, 0x47])
            guard isJPEG || isPNG else { throw ImageError.unknownFormat(path: name) }
            var width: Int32 = 0
            var height: Int32 = 0
            try check(name) {
                isJPEG
                    ? ic_jpeg_size(start, bytes.count, &width, &height, $0)
                    : ic_png_size(start, bytes.count, &width, &height, $0)
            }
            guard width > 0, height > 0 else {
                throw ImageError.corrupt(path: name, reason: "it has no pixels")
            }
            guard Int(width) * Int(height) <= mostPixels else {
                throw ImageError.tooLarge(path: name, width: Int(width), height: Int(height))
            }
            var image = ICImage()
            try check(name) {
                isJPEG
                    ? ic_jpeg_decode(
                        start, bytes.count,
                        Int32(eighths(short: Int(min(width, height)), wanted: shortSide)), &image,
                        $0)
                    : ic_png_decode(start, bytes.count, &image, $0)
            }
            defer { ic_free(image.pixels) }
            let isInverted = image.format == ICFormatCMYK && hasAdobeMarker(bytes)
            return rgb(image, invertedInk: isInverted)
        }
    }

    /// The smallest of the decoder's scales that keeps the short side.
    private static func eighths(short: Int, wanted: Int?) -> Int {
        guard let wanted else { return 8 }
        return [1, 2, 4].first { short * $0 / 8 >= wanted } ?? 8
    }

    private static func check(_ name: String, _ body: (UnsafeMutablePointer<CChar>) -> Int32) throws
    {
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IC_MESSAGE_LENGTH)) {
            message in
            guard let start = message.baseAddress else { return }
            start.pointee = 0
            guard body(start) == 0 else {
                throw ImageError.corrupt(path: name, reason: String(cString: start))
            }
        }
    }

    private static func rgb(_ image: ICImage, invertedInk: Bool) -> RGBImage {
        let (width, height) = (Int(image.width), Int(image.height))
        let count = width * height
        guard let source = image.pixels else { return RGBImage(width: 0, height: 0, pixels: []) }
        let pixels = [UInt8](unsafeUninitializedCapacity: 3 * count) { target, filled in
            switch image.format {
            case ICFormatCMYK:
                for i in 0..<count {
                    func ink(_ channel: Int) -> Int {
                        let value = Int(source[4 * i + channel])
                        return invertedInk ? 255 - value : value
                    }
                    let light = 255 - ink(3)
                    for channel in 0..<3 {
                        // x·y / 255, rounded, in integers.
                        let product = ink(channel) * light + 128
                        let shade = ((product >> 8) + product) >> 8
                        target[3 * i + channel] = UInt8(max(0, min(255, light - shade)))
                    }
                }
            case ICFormatGray16:
                source.withMemoryRebound(to: UInt16.self, capacity: count) { grey in
                    for i in 0..<count {
                        // Values above 255 become white, as the official code's library has it.
                        let value = UInt8(min(255, grey[i]))
                        for channel in 0..<3 { target[3 * i + channel] = value }
                    }
                }
            default:
                _ = target.update(
                    fromContentsOf: UnsafeBufferPointer(start: source, count: 3 * count))
            }
            filled = 3 * count
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// Whether a JPEG carries Adobe's marker; such files store inks inverted.
    private static func hasAdobeMarker(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 2
        while position + 4 <= bytes.count, bytes[position] == 0xff, bytes[position + 1] != 0xda {
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            if bytes[position + 1] == 0xee, position + 9 <= bytes.count,
                bytes[(position + 4)..<(position + 9)].elementsEqual("Adobe".utf8)
            {
                return true
            }
            position += 2 + length
        }
        return false
    }
}

/// Writes pictures as files' bytes.
public enum ImageEncoder {
    /// - Throws: ``ImageError/unwritable(reason:)``
    public static func jpeg(_ image: RGBImage, quality: Int = 90) throws -> Data {
        try encode { out, count, message in
            ic_jpeg_encode(
                image.pixels, Int32(image.width), Int32(image.height), Int32(quality), out, count,
                message)
        }
    }

    /// - Throws: ``ImageError/unwritable(reason:)``
    public static func png(_ image: RGBImage) throws -> Data {
        try encode { out, count, message in
            ic_png_encode(
                image.pixels, Int32(image.width), Int32(image.height), out, count, message)
        }
    }

    private static func encode(
        _ body: (
            UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, UnsafeMutablePointer<Int>,
            UnsafeMutablePointer<CChar>
        ) -> Int32
    ) throws -> Data {
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        var message = [CChar](repeating: 0, count: Int(IC_MESSAGE_LENGTH))
        let status = body(&bytes, &count, &message)
        guard status == 0, let bytes else {
            throw ImageError.unwritable(
                reason: String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
        }
        defer { ic_free(bytes) }
        return Data(bytes: bytes, count: count)
    }
}
