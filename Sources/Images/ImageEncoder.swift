import CImageCodecs
import Foundation

/// Writes images as files' bytes.
public enum ImageEncoder {
    /// - Throws: ``ImageError/unwritable(reason:)``
    public static func jpeg(_ image: RGBImage, quality: Int = 90) throws -> Data {
        try encode { out, count, message in
            ic_jpeg_encode(
                image.pixels, Int32(image.width), Int32(image.height), Int32(quality), out, count,
                message)
        }
    }

    /// - Parameters:
    ///   - image: the image
    ///   - software: what the file says of the program that made it, in Latin-1
    /// - Throws: ``ImageError/unwritable(reason:)``
    public static func png(_ image: RGBImage, software: String? = nil) throws -> Data {
        try encode { out, count, message in
            ic_png_encode(
                image.pixels, Int32(image.width), Int32(image.height), software, out, count,
                message)
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
