import Foundation
import Testing

@testable import Images

/// Files that ask for more than they are worth.
@Suite struct ImageLimitTests {
    /// A segment of a JPEG with its length.
    static func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length = content.count + 2
        return [0xff, marker, UInt8(length >> 8), UInt8(length & 255)] + content
    }

    /// A JPEG of one component with only a header and scans of zeros.
    static func jpeg(_ width: Int, _ height: Int, isProgressive: Bool, scans: Int, bytes: Int)
        -> Data
    {
        let size = [height >> 8, height & 255, width >> 8, width & 255].map { UInt8($0) }
        let table = segment(0xdb, [0] + Array(repeating: 16, count: 64))
        // One code of one bit, for a difference of zero.
        let codes = segment(0xc4, [0, 1] + Array(repeating: 0, count: 15) + [0])
        let endCodes = segment(0xc4, [0x10, 1] + Array(repeating: 0, count: 15) + [0])
        let frame = segment(isProgressive ? 0xc2 : 0xc0, [8] + size + [1, 1, 0x11, 0])
        let scan = segment(0xda, [1, 1, 0] + (isProgressive ? [0, 0, 0] : [0, 63, 0]))
        var data = Data([0xff, 0xd8] + table + codes + endCodes + frame)
        for _ in 0..<scans { data += scan }
        return data + Data(count: bytes) + Data([0xff, 0xd9])
    }

    /// A PNG of black with one bit a pixel, or with only the first bytes of it.
    static func png(_ width: UInt32, _ height: UInt32, data: [UInt8]) -> Data {
        func bytes(_ number: UInt32) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
        }
        func chunk(_ kind: String, _ content: [UInt8]) -> [UInt8] {
            var sum = ~UInt32(0)
            for byte in Array(kind.utf8) + content {
                sum ^= UInt32(byte)
                for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
            }
            return bytes(UInt32(content.count)) + kind.utf8 + content + bytes(~sum)
        }
        return Data(
            [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]
                + chunk("IHDR", bytes(width) + bytes(height) + [1, 0, 0, 0, 0])
                + chunk("IDAT", data))
    }

    private func error(_ data: Data, limit: Int = ImageDecoder.standardLimit) throws -> ImageError {
        try #require(throws: ImageError.self) {
            _ = try ImageDecoder.decode(data, name: "bomb", limit: limit)
        }
    }

    /// The number of pixels is judged by the header, and the limit can be raised.
    @Test func imagesOfTooManyPixelsAreRefused() throws {
        for data in [
            Self.jpeg(16_384, 16_384, isProgressive: true, scans: 1, bytes: 5),
            Self.png(16_384, 16_384, data: [0x78, 0xda]),
        ] {
            #expect(
                try error(data)
                    == .tooLarge(path: "bomb", width: 16_384, height: 16_384, limit: 89_478_485))
            #expect("\(try error(data))".contains("images.max_pixels"))
            let raised = try error(data, limit: 1 << 30)
            #expect("\(raised)".contains("cannot hold the 16384 x 16384 pixels"), "\(raised)")
        }
        let dot = try ImageEncoder.png(RGBImage(width: 3, height: 2, filledWith: 7))
        #expect(try ImageDecoder.decode(dot, name: "dot", limit: 6).pixels.count == 18)
        #expect(
            try error(dot, limit: 5) == .tooLarge(path: "bomb", width: 3, height: 2, limit: 5))
    }

    /// What a file cannot hold is refused before there is room for it.
    @Test(arguments: [true, false]) func emptyImagesAreRefused(_ isProgressive: Bool) throws {
        // 9000 · 9000 / 64 blocks take a bit each at least.
        let short = Self.jpeg(9000, 9000, isProgressive: isProgressive, scans: 1, bytes: 900)
        #expect("\(try error(short))".contains("bytes cannot hold the 9000 x 9000 pixels"))
        let png = Self.png(9000, 9000, data: Array(repeating: 0, count: 900))
        #expect("\(try error(png))".contains("900 bytes cannot hold the 9000 x 9000 pixels"))
        // An image that is all of one colour holds as much as it needs, and is read.
        let bytes = isProgressive ? 263 * 263 / 8 + 1 : 263 * 263 / 4 + 1
        let flat = Self.jpeg(2100, 2100, isProgressive: isProgressive, scans: 1, bytes: bytes)
        let image = try ImageDecoder.decode(flat, name: "flat")
        #expect(image.pixels.count == 3 * 2100 * 2100 && image.pixels.last == 128)
    }

    /// Scans take time and hardly any bytes.
    @Test func repeatedScansAreRefused() throws {
        let many = Self.jpeg(2000, 1600, isProgressive: true, scans: 10_000, bytes: 0)
        #expect("\(try error(many))".contains("scans"))
        let some = Self.jpeg(2000, 1600, isProgressive: true, scans: 50, bytes: 0)
        #expect(try ImageDecoder.decode(some, name: "some").width == 2000)
    }

    /// CLIP sees the middle of an image, and nothing else of it is computed.
    @Test func onlyTheCenterSquareIsComputed() throws {
        for (width, height) in [(1, 1_000_000), (1_000_000, 1), (3, 400_000)] {
            let image = RGBImage(width: width, height: height, filledWith: 99)
            #expect(
                image.centerSquare(side: 224)
                    == RGBImage(width: 224, height: 224, filledWith: 99))
        }
    }

    @Test func theCenterSquareIsThatOfTheWholeImage() {
        var random = SeededGenerator(4)
        for _ in 0..<60 {
            let (width, height) = (1 + random.index(below: 90), 1 + random.index(below: 90))
            var image = RGBImage(width: width, height: height, filledWith: 0)
            for index in image.pixels.indices {
                image.pixels[index] = UInt8(random.index(below: 256))
            }
            let side = 1 + random.index(below: 40)
            let whole = image.resized(shortSide: side)
            func start(_ length: Int) -> Int {
                Int((Double(length - side) / 2).rounded(.toNearestOrEven))
            }
            let cut = whole.cropped(
                to: PixelBox(
                    left: start(whole.width), top: start(whole.height), width: side, height: side))
            #expect(image.centerSquare(side: side) == cut, "\(width)×\(height) to \(side)")
        }
    }

    /// A header is judged as it is where the whole image is read.
    @Test func headersAreJudgedAlone() throws {
        let path = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let image = RGBImage(width: 30, height: 20, filledWith: 7)
        let whole = [try ImageEncoder.png(image), try ImageEncoder.jpeg(image)]
        for data in whole + whole.map({ $0.dropLast(20) }) {
            try data.write(to: URL(fileURLWithPath: path))
            try ImageDecoder.checkHeader(path: path)
            #expect(
                throws: ImageError.tooLarge(path: path, width: 30, height: 20, limit: 599)
            ) { try ImageDecoder.checkHeader(path: path, limit: 599) }
        }
        for data in [Data(), Data("<html>".utf8), whole[0].prefix(20), whole[1].prefix(9)] {
            try data.write(to: URL(fileURLWithPath: path))
            #expect(throws: ImageError.self) { try ImageDecoder.checkHeader(path: path) }
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: ImageError.missing(path: path)) {
            try ImageDecoder.checkHeader(path: path)
        }
    }
}
