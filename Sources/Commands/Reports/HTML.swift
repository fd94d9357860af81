import Foundation
import Images

/// Pieces of pages that refer to nothing outside themselves.
enum HTML {
    /// An image as the source of an element.
    /// - Throws: ``ImageError``
    static func source(_ image: RGBImage) throws -> String {
        "data:image/jpeg;base64,\(try ImageEncoder.jpeg(image, quality: 88).base64EncodedString())"
    }

    /// Text with the characters replaced that mean something in a page.
    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
    }
}
