/// What the first bytes of a file say it is.
enum FileKind: Equatable {
    case jpeg
    case png
    /// Something that is not read, in words that follow "is".
    case other(String)

    init(_ bytes: some Collection<UInt8>) {
        let start = Array(bytes.prefix(64))
        func has(_ text: StaticString, at place: Int = 0) -> Bool {
            text.withUTF8Buffer { start.dropFirst(place).starts(with: $0) }
        }
        if start.starts(with: [0xff, 0xd8]) {
            self = .jpeg
        } else if start.starts(with: [0x89, 0x50, 0x4e, 0x47]) {
            self = .png
        } else {
            self = .other(Self.name(start, has))
        }
    }

    private static func name(_ start: [UInt8], _ has: (StaticString, Int) -> Bool) -> String {
        if start.isEmpty { return "empty" }
        if has("GIF8", 0) { return "a GIF image" }
        if has("RIFF", 0), has("WEBP", 8) { return "a WebP image" }
        if has("BM", 0) { return "a BMP image" }
        if has("II*\0", 0) || has("MM\0*", 0) { return "a TIFF image" }
        if has("ftyp", 4) {
            if has("avif", 8) || has("avis", 8) { return "an AVIF image" }
            for brand: StaticString in ["heic", "heix", "hevc", "mif1", "msf1"] where has(brand, 8)
            {
                return "a HEIC image"
            }
            return "a film"
        }
        if start.starts(with: [0xff, 0x0a]) || has("\0\0\0\u{0c}JXL ", 0) {
            return "a JPEG XL image"
        }
        if start.starts(with: [0xff, 0x4f, 0xff, 0x51]) || has("\0\0\0\u{0c}jP", 0) {
            return "a JPEG 2000 image"
        }
        if has("8BPS", 0) { return "a Photoshop file" }
        if has("%PDF", 0) { return "a PDF document" }
        if has("\0\0\u{1}\0", 0) { return "an icon" }
        if start.allSatisfy({ $0 == 0 }) { return "a file of zeros" }
        let text = String(decoding: start, as: UTF8.self).lowercased()
            .drop { $0.isWhitespace || $0 == "\u{feff}" }
        if text.hasPrefix("<!doctype") || text.hasPrefix("<html") { return "a web page" }
        if text.hasPrefix("<svg") || text.hasPrefix("<?xml") { return "an SVG or XML document" }
        return "no image"
    }
}
