import Foundation
import Testing

@testable import Images

@Suite struct ImagesTests {
    static func gradient(_ width: Int, _ height: Int) -> RGBImage {
        var image = RGBImage(width: width, height: height, filledWith: 0)
        for y in 0..<height {
            for x in 0..<width {
                image.pixels[3 * (y * width + x)] = UInt8(255 * x / max(1, width - 1))
                image.pixels[3 * (y * width + x) + 1] = UInt8(255 * y / max(1, height - 1))
            }
        }
        return image
    }

    @Test func pngKeepsEveryPixel() throws {
        let image = Self.gradient(37, 21)
        #expect(try ImageDecoder.decode(ImageEncoder.png(image), name: "x.png") == image)
    }

    @Test func jpegComesCloseAndScales() throws {
        let image = Self.gradient(320, 160)
        let data = try ImageEncoder.jpeg(image, quality: 95)
        let whole = try ImageDecoder.decode(data, name: "x.jpg")
        #expect((whole.width, whole.height) == (320, 160))
        let difference = zip(whole.pixels, image.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
        #expect(difference < 24)
        let small = try ImageDecoder.decode(data, name: "x.jpg", shortSide: 40)
        #expect((small.width, small.height) == (80, 40))
        let kept = try ImageDecoder.decode(data, name: "x.jpg", shortSide: 100)
        #expect((kept.width, kept.height) == (320, 160))
    }

    @Test func badFilesAreNamed() throws {
        let image = Self.gradient(64, 64)
        let jpeg = try ImageEncoder.jpeg(image)
        let png = try ImageEncoder.png(image)
        func error(_ data: Data) throws -> ImageError {
            try #require(throws: ImageError.self) { try ImageDecoder.decode(data, name: "p/file") }
        }
        for cut in [jpeg.prefix(jpeg.count / 2), png.prefix(png.count / 2), png.prefix(10)] {
            guard case .corrupt(let path, _) = try error(Data(cut)) else {
                Issue.record("a cut file was not called corrupt")
                continue
            }
            #expect(path == "p/file")
        }
        #expect(
            try error(Data("just a text".utf8)) == .unknownFormat(path: "p/file", kind: "no image"))
        #expect(try error(Data()) == .unknownFormat(path: "p/file", kind: "empty"))
        #expect(throws: ImageError.missing(path: "/no/such.jpg")) {
            try ImageDecoder.decode(path: "/no/such.jpg")
        }
    }

    /// Damaged files never crash the decoder.
    @Test func fuzzedFilesNeverCrash() throws {
        for original in [
            try ImageEncoder.jpeg(Self.gradient(40, 30)),
            try ImageEncoder.png(Self.gradient(40, 30)),
        ] {
            for _ in 0..<200 {
                var data = original
                for _ in 0..<3 { data[Int.random(in: 2..<data.count)] = .random(in: 0...255) }
                // A changed size may ask for much memory before the rest is found missing.
                _ = try? ImageDecoder.decode(data, name: "fuzz")
            }
        }
    }

    @Test func extremeSizesResize() {
        let dot = RGBImage(width: 1, height: 1, filledWith: 77)
        #expect(
            dot.resized(width: 16, height: 16) == RGBImage(width: 16, height: 16, filledWith: 77))
        let wide = Self.gradient(12_000, 10).resized(width: 16, height: 16)
        #expect((wide.width, wide.height) == (16, 16))
    }

    @Test func flipTwiceIsTheSame() {
        let image = Self.gradient(9, 5)
        #expect(image.flipped() != image)
        #expect(image.flipped().flipped() == image)
    }

    @Test func cropsAreInsideAndCoverTheScale() {
        var random = SeededGenerator(1)
        let crop = RandomResizedCrop(side: 8, scale: 0.2...1)
        var areas: [Double] = []
        for _ in 0..<500 {
            let box = crop.box(width: 100, height: 100, using: &random)
            #expect(
                box.left >= 0 && box.top >= 0 && box.left + box.width <= 100
                    && box.top + box.height <= 100)
            areas.append(Double(box.width * box.height) / 10_000)
        }
        #expect((areas.min() ?? 1) < 0.3)
        #expect((areas.max() ?? 0) > 0.9)
        let narrow = crop.box(width: 1000, height: 1, using: &random)
        #expect(narrow.height == 1 && narrow.width >= 1)
    }

    @Test func chanceDependsOnTheSeedAlone() {
        let image = Self.gradient(50, 40)
        let transform = ImageTransform.training(
            .crop(RandomResizedCrop(side: 32, scale: 0.2...1)), flips: true,
            augmentation: RandAugment(keepsOverflows: false))
        func run(_ seed: UInt64) -> RGBImage {
            var random = SeededGenerator(seed, 1)
            return transform(image, using: &random).image
        }
        #expect(run(1) == run(1))
        #expect((2..<8).contains { run(UInt64($0)) != run(1) })
    }

    /// Grounding shows the whole image, and its texts follow when it is mirrored.
    @Test func mirroringIsReported() {
        let image = Self.gradient(50, 40)
        let transform = ImageTransform.training(
            .whole(side: 32), flips: true, augmentation: nil)
        let whole = image.resized(width: 32, height: 32)
        let results = (0..<20).map { seed -> (image: RGBImage, isMirrored: Bool) in
            var random = SeededGenerator(UInt64(seed), 1)
            return transform(image, using: &random)
        }
        for result in results {
            #expect(result.image == (result.isMirrored ? whole.flipped() : whole))
        }
        #expect(Set(results.map(\.isMirrored)).count == 2)
    }

    /// What `compatibility` decides in this module.
    @Test func autoContrastOverflowsOnlyInOfficial() {
        var image = Self.gradient(16, 16)
        image.pixels = image.pixels.map { $0 / 2 + 50 }
        let official = image.changed(.autoContrast, by: 0, keepsOverflows: true)
        #expect(official.pixels.allSatisfy { $0 == 255 } == false)
        #expect(
            stride(from: 0, to: official.pixels.count, by: 3).allSatisfy {
                official.pixels[$0] == 255
            })
        let corrected = image.changed(.autoContrast, by: 0, keepsOverflows: false)
        let reds = stride(from: 0, to: corrected.pixels.count, by: 3).map { corrected.pixels[$0] }
        #expect(reds.min() == 0)
        #expect((reds.max() ?? 0) >= 254)
    }

    @Test func sharpnessOverflowsOnlyInOfficial() {
        var image = RGBImage(width: 5, height: 5, filledWith: 250)
        for channel in 0..<3 {
            image.pixels[3 * 12 + channel] = 255
            image.pixels[3 * 11 + channel] = 0
        }
        let official = image.changed(.sharpness, by: 1.9, keepsOverflows: true)
        let corrected = image.changed(.sharpness, by: 1.9, keepsOverflows: false)
        #expect(official.pixels[3 * 12] < 100)
        #expect(corrected.pixels[3 * 12] == 255)
        #expect(corrected.pixels[3 * 11] == 0)
    }

    @Test func normalizationInverts() {
        let image = Self.gradient(8, 8)
        let values = PixelNormalization.clip(image)
        #expect(PixelNormalization.clip.image(values, width: 8, height: 8) == image)
    }
}
