import Foundation
import Testing

@testable import Images

/// Every kind of file against the pixels that Pillow's `convert("RGB")` gives.
@Suite struct FormatTests {
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures")
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: fixtures.path)) ?? [])
        .filter { $0.hasSuffix(".png") || $0.hasSuffix(".jpg") }.sorted()

    @Test(arguments: names) func pixelsEqualPillows(_ name: String) throws {
        let image = try ImageDecoder.decode(path: Self.fixtures.appendingPathComponent(name).path)
        let expected = try Data(contentsOf: Self.fixtures.appendingPathComponent(name + ".rgb"))
        let width = Int(expected[0]) | Int(expected[1]) << 8
        let height = Int(expected[4]) | Int(expected[5]) << 8
        #expect(image.width == width && image.height == height)
        let difference = zip(image.pixels, expected.dropFirst(8)).map { abs(Int($0) - Int($1)) }
            .max()
        #expect(try #require(difference) <= (name.hasSuffix(".jpg") ? 2 : 0))
    }

    static let sizes = ((try? FileManager.default.contentsOfDirectory(atPath: fixtures.path)) ?? [])
        .filter { $0.hasPrefix("resized_") }.sorted()

    @Test(arguments: sizes) func resizesEqualPillows(_ name: String) throws {
        let numbers = name.split { !$0.isNumber }.compactMap { Int($0) }
        let image = try ImageDecoder.decode(
            path: Self.fixtures.appendingPathComponent("rgb.png").path)
        let expected = try Data(contentsOf: Self.fixtures.appendingPathComponent(name))
        #expect(
            image.resized(width: numbers[0], height: numbers[1]).pixels
                == Array(expected.dropFirst(8)))
    }

    /// Names come through text, where bytes that are none were replaced.
    @Test func namesThatAreNoTextAreNamed() {
        let error = #expect(throws: ImageError.self) {
            try ImageDecoder.decode(path: "/nowhere/caf\u{fffd}.jpg")
        }
        #expect(error.map { "\($0)".contains("no UTF-8") && "\($0)".contains("caf") } == true)
        #expect(!"\(ImageError.missing(path: "café.jpg"))".contains("no UTF-8"))
    }

    @Test func thereAreFiles() { #expect(Self.names.count >= 17 && Self.sizes.count == 9) }
}
