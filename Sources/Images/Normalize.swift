/// Scaling of pixels for the models.
public struct PixelNormalization: Sendable, Equatable {
    /// Of each channel, in units of the full range.
    public let mean: [Float]
    /// Standard deviation of each channel, in units of the full range.
    public let std: [Float]

    /// Scales each channel by itself.
    /// - Precondition: there are three numbers each.
    public init(mean: [Float], std: [Float]) {
        precondition(mean.count == 3 && std.count == 3, "three channels wanted")
        self.mean = mean
        self.std = std
    }

    /// The constants of CLIP, which ViCHA uses as well.
    public static let clip = PixelNormalization(
        mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711])

    /// (pixel / 255 − mean) / std, in the order channel, row, column. `[3, height, width]`
    public func callAsFunction(_ image: RGBImage) -> [Float] {
        let count = image.width * image.height
        return [Float](unsafeUninitializedCapacity: 3 * count) { target, filled in
            normalize(image, into: target)
            filled = 3 * count
        }
    }

    /// Writes the normalised pixels to memory of 3 · width · height numbers.
    public func normalize(_ image: RGBImage, into target: UnsafeMutableBufferPointer<Float>) {
        let count = image.width * image.height
        image.pixels.withUnsafeBufferPointer { source in
            for channel in 0..<3 {
                let (mean, std) = (mean[channel], std[channel])
                for i in 0..<count {
                    target[channel * count + i] =
                        (Float(source[3 * i + channel]) / 255 - mean) / std
                }
            }
        }
    }

    /// The image of normalised pixels, rounded and cut to the range of bytes.
    public func image(_ values: [Float], width: Int, height: Int) -> RGBImage {
        let count = width * height
        var image = RGBImage(width: width, height: height, filledWith: 0)
        for channel in 0..<3 {
            for i in 0..<count {
                let value = (values[channel * count + i] * std[channel] + mean[channel]) * 255
                image.pixels[3 * i + channel] = UInt8(max(0, min(255, value.rounded())))
            }
        }
        return image
    }
}
