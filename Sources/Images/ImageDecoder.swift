import CImageCodecs
import Foundation

/// Reads JPEG and PNG files as RGB, with the pixels that Pillow gives. Orientation tags and alpha are
/// ignored, as in the official code. A progressive JPEG that lacks scans may differ by some levels at
/// its upper and lower edge: libjpeg-turbo before 3.0.1 smooths those otherwise.
///
/// Memory: the file, three bytes for each pixel of the result, and for JPEG files of several scans two
/// bytes for each sample. The header is judged before anything is taken: an image of more pixels
/// than the limit is refused, as is a large one whose file is too short to hold it.
public enum ImageDecoder {
    /// The most pixels of an image that is read where nothing else is said: where Pillow begins to
    /// warn. A photograph has 12 to 61 million; a few cameras make more.
    public static let standardLimit = 89_478_485

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: a JPEG or PNG, told apart by content
    ///   - shortSide: if given, a JPEG may come out smaller, with a short side of at least this many
    ///     pixels; this is much faster for large photographs and changes the result slightly
    ///   - limit: images of more pixels are refused
    /// - Throws: ``ImageError``
    public static func decode(
        path: String, shortSide: Int? = nil, limit: Int = standardLimit
    ) throws -> RGBImage {
        try decode(contents(path), name: path, shortSide: shortSide, limit: limit)
    }

    /// Reads the bytes of a file; `name` stands in errors.
    /// - Throws: ``ImageError``
    public static func decode(
        _ data: Data, name: String, shortSide: Int? = nil, limit: Int = standardLimit
    ) throws -> RGBImage {
        let (image, damage) = try decode(
            data, name: name, shortSide: shortSide, limit: limit, accepts: { $0.hasEnoughData })
        if let damage { throw damage }
        return image
    }

    /// Reads a file as far as it goes: what is missing at its end stays black, or white in files of
    /// inks, as Pillow has it with `LOAD_TRUNCATED_IMAGES`. The official code evaluates with this.
    ///
    /// - Parameters: as those of ``decode(path:shortSide:limit:)``
    /// - Returns: the image, and what is wrong with its file
    /// - Throws: ``ImageError`` where not even the header can be read
    public static func decodeAvailable(
        path: String, shortSide: Int? = nil, limit: Int = standardLimit
    ) throws -> (image: RGBImage, damage: ImageError?) {
        let data = try contents(path)
        func decoded(_ data: Data) throws -> (image: RGBImage, damage: ImageError?) {
            try decode(
                data, name: path, shortSide: shortSide, limit: limit, accepts: { _ in true })
        }
        let (image, damage) = try decoded(data)
        guard let damage, FileKind(data) == .jpeg else { return (image, damage) }
        // With a mark of the end, as Pillow adds one, the decoder also gives what it was holding back.
        return (try decoded(data + Self.endOfJPEG).image, damage)
    }

    /// Makes sure, from the header alone, that an image can be begun to be read; what follows the header
    /// can still be damaged.
    /// - Throws: ``ImageError``
    public static func checkHeader(path: String, limit: Int = standardLimit) throws {
        try contents(path, .alwaysMapped).withUnsafeBytes {
            _ = try header($0, FileKind($0), name: path, limit: limit)
        }
    }

    private static let endOfJPEG = Data([0xff, 0xd9])

    private static func contents(_ path: String, _ options: Data.ReadingOptions = []) throws -> Data
    {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path), options: options)
        } catch {
            if !FileManager.default.fileExists(atPath: path) {
                throw ImageError.missing(path: path)
            }
            throw ImageError.unreadable(path: path, reason: (error as NSError).localizedDescription)
        }
    }

    private static func decode(
        _ data: Data, name: String, shortSide: Int?, limit: Int, accepts: (ICHeader) -> Bool
    ) throws -> (image: RGBImage, damage: ImageError?) {
        try data.withUnsafeBytes { bytes in
            let start = bytes.bindMemory(to: UInt8.self).baseAddress
            let kind = FileKind(bytes)
            let (header, reason) = try header(bytes, kind, name: name, limit: limit)
            let (width, height) = (Int(header.width), Int(header.height))
            guard accepts(header) else { throw ImageError.corrupt(path: name, reason: reason) }
            let eighths =
                kind == .jpeg ? eighths(short: min(width, height), wanted: shortSide) : 8
            return try pixels(name, width: width, height: height, eighths: eighths) {
                kind == .jpeg
                    ? ic_jpeg_decode(start, bytes.count, Int32(eighths), $0, $1)
                    : ic_png_decode(start, bytes.count, $0, $1)
            }
        }
    }

    /// The header of an image that has pixels, and not too many; and what is wrong with what follows.
    private static func header(
        _ bytes: UnsafeRawBufferPointer, _ kind: FileKind, name: String, limit: Int
    ) throws -> (ICHeader, reason: String) {
        if case .other(let words) = kind {
            throw ImageError.unknownFormat(path: name, kind: words)
        }
        let start = bytes.bindMemory(to: UInt8.self).baseAddress
        var header = ICHeader()
        let (status, reason) = withMessage {
            kind == .jpeg
                ? ic_jpeg_header(start, bytes.count, &header, $0)
                : ic_png_header(start, bytes.count, &header, $0)
        }
        guard status == ICComplete else { throw ImageError.corrupt(path: name, reason: reason) }
        let (width, height) = (Int(header.width), Int(header.height))
        guard width > 0, height > 0 else {
            throw ImageError.corrupt(path: name, reason: "it has no pixels")
        }
        guard width * height <= limit else {
            throw ImageError.tooLarge(path: name, width: width, height: height, limit: limit)
        }
        return (header, reason)
    }

    /// The smallest of the decoder's scales that keeps the short side.
    private static func eighths(short: Int, wanted: Int?) -> Int {
        guard let wanted else { return 8 }
        return [1, 2, 4].first { short * $0 / 8 >= wanted } ?? 8
    }

    /// The image that a decoder writes, which is all written unless the decoder refuses.
    private static func pixels(
        _ name: String, width: Int, height: Int, eighths: Int,
        _ decoder: (UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<CChar>?) -> ICStatus
    ) throws -> (image: RGBImage, damage: ImageError?) {
        let (width, height) = ((width * eighths + 7) / 8, (height * eighths + 7) / 8)
        var damage: ImageError?
        let pixels = try [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
            let (status, reason) = withMessage { decoder(target.baseAddress, $0) }
            if status != ICComplete { damage = .corrupt(path: name, reason: reason) }
            if let damage, status == ICRefused { throw damage }
            count = 3 * width * height
        }
        return (RGBImage(width: width, height: height, pixels: pixels), damage)
    }

    private static func withMessage(_ body: (UnsafeMutablePointer<CChar>?) -> ICStatus) -> (
        status: ICStatus, message: String
    ) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IC_MESSAGE_LENGTH)) { message in
            message.initialize(repeating: 0)
            let status = body(message.baseAddress)
            return (
                status,
                String(
                    decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self
                )
            )
        }
    }
}
