/// Random changes of colour and shape (Cubuk et al. 2020) as in the official code, whose operations
/// were written with OpenCV (case `randaugment`).
public struct RandAugment: Sendable, Equatable {
    /// A kind of change.
    public enum Kind: String, Sendable, CaseIterable {
        case identity = "Identity"
        case autoContrast = "AutoContrast"
        case equalize = "Equalize"
        case rotate = "Rotate"
        case solarize = "Solarize"
        case color = "Color"
        case contrast = "Contrast"
        case brightness = "Brightness"
        case sharpness = "Sharpness"
        case shearX = "ShearX"
        case translateX = "TranslateX"
        case translateY = "TranslateY"
        case posterize = "Posterize"
        case shearY = "ShearY"
    }

    /// The kinds of the official pretraining and fine-tuning transforms.
    public static let officialKinds: [Kind] = [
        .identity, .autoContrast, .equalize, .brightness, .sharpness, .shearX, .shearY, .translateX,
        .translateY, .rotate,
    ]

    /// Level at which a change is strongest.
    static let highestLevel = 10.0
    /// Pixels by which the strongest translation moves.
    static let longestTranslation = 10.0

    /// Changes drawn for an image; each happens with probability one half.
    public var count = 2
    /// Strength of the changes, up to 10.
    public var level = 7.0
    /// What is drawn from.
    public var kinds = officialKinds
    /// Whether 8-bit overflows of the official code are kept (`Documentation/compatibility.md`).
    public var keepsOverflows: Bool

    /// The changes of the official transforms: two of level 7.
    public init(keepsOverflows: Bool) { self.keepsOverflows = keepsOverflows }

    /// Draws changes and makes them.
    public func callAsFunction(_ image: RGBImage, using random: inout SeededGenerator) -> RGBImage {
        var image = image
        let drawn = (0..<count).map { _ in kinds[random.index(below: kinds.count)] }
        for kind in drawn where random.uniform() <= 0.5 {
            let isNegative = random.uniform() > 0.5
            image = image.changed(
                kind, by: Self.argument(of: kind, level: level, isNegative: isNegative),
                keepsOverflows: keepsOverflows)
        }
        return image
    }

    /// The argument of a change at a level, with the sign it takes where it has one; 0 for changes
    /// without argument.
    public static func argument(of kind: Kind, level: Double, isNegative: Bool) -> Double {
        let share = level / highestLevel
        let sign = isNegative ? -1.0 : 1.0
        return switch kind {
        case .identity, .autoContrast, .equalize: 0
        case .rotate: sign * share * 30
        case .shearX, .shearY: sign * share * 0.3
        case .translateX, .translateY: sign * share * longestTranslation
        case .solarize: (share * 256).rounded(.down)
        case .posterize: (share * 4).rounded(.down)
        case .color, .contrast, .brightness, .sharpness: share * 1.8 + 0.1
        }
    }
}

extension RGBImage {
    /// The image after one change; geometric ones fill with grey.
    public func changed(_ kind: RandAugment.Kind, by argument: Double, keepsOverflows: Bool)
        -> RGBImage
    {
        switch kind {
        case .identity: self
        case .autoContrast: autoContrasted(keepsOverflows: keepsOverflows)
        case .equalize: equalized()
        case .rotate: warped(.rotation(degrees: argument, width: width, height: height))
        case .solarize: mapped { Double($0) < argument ? Double($0) : 255 - Double($0) }
        case .color: saturated(by: Float(argument))
        case .contrast: contrasted(by: argument)
        case .brightness: mapped { Double(Float($0) * Float(argument)) }
        case .sharpness: sharpened(by: Float(argument), wraps: keepsOverflows)
        case .shearX: warped(AffineMap(1, argument, 0, 0, 1, 0))
        case .shearY: warped(AffineMap(1, 0, 0, argument, 1, 0))
        case .translateX: warped(AffineMap(1, 0, -argument, 0, 1, 0))
        case .translateY: warped(AffineMap(1, 0, 0, 0, 1, -argument))
        case .posterize: masked(UInt8(truncatingIfNeeded: 255 << (8 - Int(argument))))
        }
    }

    /// Every value replaced by a table, which is cut to the range of bytes and rounded down.
    private func mapped(_ value: (Int) -> Double) -> RGBImage {
        let table = (0...255).map { UInt8(max(0, min(255, value($0)))) }
        return RGBImage(width: width, height: height, pixels: pixels.map { table[Int($0)] })
    }

    private func masked(_ mask: UInt8) -> RGBImage {
        RGBImage(width: width, height: height, pixels: pixels.map { $0 & mask })
    }

    /// Each channel through a table of its own, made from its histogram.
    private func mappedChannels(_ table: ([Int]) -> [UInt8]?) -> RGBImage {
        var result = self
        for channel in 0..<3 {
            var histogram = [Int](repeating: 0, count: 256)
            for index in stride(from: channel, to: pixels.count, by: 3) {
                histogram[Int(pixels[index])] += 1
            }
            guard let table = table(histogram) else { continue }
            for index in stride(from: channel, to: pixels.count, by: 3) {
                result.pixels[index] = table[Int(pixels[index])]
            }
        }
        return result
    }

    private func autoContrasted(keepsOverflows: Bool) -> RGBImage {
        mappedChannels { histogram in
            guard let low = histogram.firstIndex(where: { $0 > 0 }),
                let high = histogram.lastIndex(where: { $0 > 0 }), high > low
            else { return nil }
            let scale = 255 / Double(high - low)
            // The official code negates the minimum as a byte: −low becomes 256 − low, and any
            // channel without a black pixel comes out white.
            let shift = keepsOverflows && low > 0 ? Double(256 - low) : -Double(low)
            return (0...255).map { UInt8(max(0, min(255, Double($0) * scale + shift * scale))) }
        }
    }

    private func equalized() -> RGBImage {
        mappedChannels { histogram in
            let filled = histogram.filter { $0 > 0 }
            let step = filled.dropLast().reduce(0, +) / 255
            guard step > 0 else { return nil }
            var sum = step / 2
            return histogram.map { count in
                defer { sum += count }
                return UInt8(min(255, sum / step))
            }
        }
    }

    private func saturated(by factor: Float) -> RGBImage {
        let rows: [[Float]] = [
            [0.886, -0.114, -0.114], [-0.587, 0.413, -0.587], [-0.299, -0.299, 0.701],
        ]
        let base: [Float] = [0.114, 0.587, 0.299]
        var result = self
        for start in stride(from: 0, to: pixels.count, by: 3) {
            for channel in 0..<3 {
                var sum: Float = 0
                for source in 0..<3 {
                    let weight = rows[source][channel] * factor + base[source]
                    sum += Float(pixels[start + source]) * weight
                }
                result.pixels[start + channel] = UInt8(max(0, min(255, sum)))
            }
        }
        return result
    }

    private func contrasted(by factor: Double) -> RGBImage {
        var sums = [0.0, 0.0, 0.0]
        for (index, value) in pixels.enumerated() { sums[index % 3] += Double(value) }
        let count = Double(width * height)
        let mean = zip(sums, [0.114, 0.587, 0.299]).reduce(0) { $0 + $1.0 / count * $1.1 }
        return mapped { (Double($0) - mean) * factor + mean }
    }

    /// Blends with a blurred copy; the border stays, except that factor 0 is the blurred copy whole.
    private func sharpened(by factor: Float, wraps: Bool) -> RGBImage {
        if factor == 1 { return self }
        let blurred = smoothed()
        if factor == 0 { return blurred }
        var result = self
        guard width > 2, height > 2 else { return result }
        for y in 1..<height - 1 {
            for index in 3 * (y * width + 1)..<3 * (y * width + width - 1) {
                let smooth = Float(blurred.pixels[index])
                let value = smooth + factor * (Float(pixels[index]) - smooth)
                result.pixels[index] =
                    wraps
                    ? UInt8(truncatingIfNeeded: Int(value)) : UInt8(max(0, min(255, value)))
            }
        }
        return result
    }

    /// A 3×3 mean with five-fold weight in the middle; the border is mirrored without its edge.
    private func smoothed() -> RGBImage {
        func mirrored(_ position: Int, _ size: Int) -> Int {
            if size == 1 { return 0 }
            return position < 0 ? -position : position >= size ? 2 * size - 2 - position : position
        }
        let (side, middle): (Float, Float) = (1.0 / 13, 5.0 / 13)
        var result = self
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    var sum: Float = 0
                    for dy in -1...1 {
                        for dx in -1...1 {
                            let source = mirrored(y + dy, height) * width + mirrored(x + dx, width)
                            let weight = dx == 0 && dy == 0 ? middle : side
                            sum += Float(pixels[3 * source + channel]) * weight
                        }
                    }
                    result.pixels[3 * (y * width + x) + channel] = UInt8(
                        max(0, min(255, sum.rounded(.toNearestOrEven))))
                }
            }
        }
        return result
    }
}
