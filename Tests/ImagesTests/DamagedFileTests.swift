import Foundation
import Testing

@testable import Images

/// Damaged files against what Pillow makes of them (`Fixtures/Damaged/make_damaged.py`).
@Suite struct DamagedFileTests {
    static let fixtures = FormatTests.fixtures.appendingPathComponent("Damaged")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: fixtures.path)) ?? [])
        .filter { $0.hasSuffix(".png") || $0.hasSuffix(".jpg") }.sorted()
    static let whole = names.filter { $0.hasPrefix("whole_") }
    static let cut = names.filter { $0.hasPrefix("cut_") }

    static func path(_ name: String) -> String { fixtures.appendingPathComponent(name).path }

    static func data(_ name: String) throws -> Data {
        try Data(contentsOf: fixtures.appendingPathComponent(name))
    }

    /// The largest difference of a channel from what Pillow reads.
    static func difference(_ image: RGBImage, _ name: String) throws -> Int {
        let expected = try data(name + ".rgb")
        try #require(image.width == expected[0] && image.height == expected[4])
        return zip(image.pixels, expected.dropFirst(8)).map { abs(Int($0) - Int($1)) }.max() ?? 255
    }

    @Test func thereAreFiles() { #expect(Self.whole.count == 24 && Self.cut.count == 14) }

    /// What Pillow reads without tolerance.
    @Test(arguments: whole) func isRead(_ name: String) throws {
        let image = try ImageDecoder.decode(path: Self.path(name))
        #expect(try Self.difference(image, name) <= (name.hasSuffix(".jpg") ? 2 : 0))
        let available = try ImageDecoder.decodeAvailable(path: Self.path(name))
        #expect(available.image == image && available.damage == nil)
    }

    /// What Pillow reads with `LOAD_TRUNCATED_IMAGES` alone.
    @Test(arguments: cut) func isReadAsFarAsItGoes(_ name: String) throws {
        let error = try #require(throws: ImageError.self) {
            try ImageDecoder.decode(path: Self.path(name))
        }
        let (image, damage) = try ImageDecoder.decodeAvailable(path: Self.path(name))
        #expect(damage == error)
        #expect("\(error)".contains("'\(Self.path(name))' is corrupt: "))
        #expect(try Self.difference(image, name) <= (name.hasSuffix(".jpg") ? 2 : 0))
    }

    /// Wherever a progressive file is cut, inside a scan, a table or a mark, it is refused.
    @Test func progressiveFilesAreRefusedWhereverTheyAreCut() throws {
        for name in ["../progressive.jpg", "whole_inks_progressive.jpg"] {
            let data = try Self.data(name)
            // Without the mark of its end the image is whole, but nobody can know that.
            for count in 2..<data.count - 1 {
                #expect(throws: ImageError.self, "\(name) cut at \(count)") {
                    try ImageDecoder.decode(data.prefix(count), name: name)
                }
            }
        }
    }

    @Test func otherFormatsAreNamed() throws {
        for (start, kind) in [
            (Data("GIF89a".utf8), "a GIF image"), (Data("BM6p".utf8), "a BMP image"),
            (Data("RIFF\u{3}\u{3}\0\0WEBPVP8 ".utf8), "a WebP image"),
            (Data("II*\0".utf8), "a TIFF image"), (Data("MM\0*".utf8), "a TIFF image"),
            (Data("\0\0\0 ftypavif".utf8), "an AVIF image"),
            (Data("\0\0\0 ftypheic".utf8), "a HEIC image"),
            (Data("\n<!DOCTYPE html>".utf8), "a web page"), (Data("<svg>".utf8), "an SVG"),
            (Data("%PDF-1.7".utf8), "a PDF document"), (Data(count: 300), "a file of zeros"),
            (Data(), "empty"),
        ] {
            let error = try #require(throws: ImageError.self) {
                try ImageDecoder.decode(start, name: "p/a.jpg")
            }
            #expect("\(error)".hasPrefix("'p/a.jpg' is \(kind)"), "\(error)")
        }
    }
}
