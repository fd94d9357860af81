import Images
import ViCHA

/// The `optimizer` section.
public struct OptimizerConfiguration: Codable, Sendable, Equatable {
    /// The only optimizer of the official files; capitals do not matter to the official code.
    private static let name = "adamW"

    /// Learning rate at the top of the schedule.
    public var learningRate = 1e-4
    /// Share of a weight that a step takes off, times the learning rate.
    public var weightDecay = 0.02
    /// Shares of their old values that the two moments keep in a step.
    public var betas = [0.9, 0.999]
    /// Added to the root of the second moment.
    public var epsilon = 1e-8

    /// The keys of the configuration file.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case opt
        case learningRate = "lr"
        case weightDecay = "weight_decay"
        case betas = "opt_betas"
        case epsilon = "opt_eps"
        case arguments = "opt_args"
    }

    /// The official values, or those that a file states.
    public init() {}

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        let opt = try keys.decodeIfPresent(String.self, forKey: .opt) ?? Self.name
        guard opt.lowercased() == Self.name.lowercased() else {
            throw DecodingError.dataCorruptedError(
                forKey: .opt, in: keys,
                debugDescription: "expected \(Self.name), the only optimizer here")
        }
        guard try !keys.contains(.arguments) || keys.decodeNil(forKey: .arguments) else {
            throw DecodingError.dataCorruptedError(
                forKey: .arguments, in: keys,
                debugDescription: "expected nothing: write lr, opt_betas and opt_eps instead")
        }
        try keys.read(.learningRate, &learningRate)
        try keys.read(.weightDecay, &weightDecay)
        try keys.read(.betas, &betas)
        try keys.read(.epsilon, &epsilon)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(Self.name, forKey: .opt)
        try keys.encode(learningRate, forKey: .learningRate)
        try keys.encode(weightDecay, forKey: .weightDecay)
        try keys.encode(betas, forKey: .betas)
        try keys.encode(epsilon, forKey: .epsilon)
    }

    /// - Throws: ``ModelConfigurationError`` naming the first value that no step can be made with.
    func validate() throws {
        func require(
            _ condition: Bool, _ key: CodingKeys, _ expected: String, found: any Sendable
        ) throws {
            guard condition else {
                throw ModelConfigurationError(
                    key: "optimizer." + key.rawValue, expected: expected, found: found)
            }
        }
        try require(
            learningRate > 0 && learningRate <= 1e6, .learningRate,
            "greater than 0 and at most 1000000", found: learningRate)
        try require(
            (0...1e6).contains(weightDecay), .weightDecay, "between 0 and 1000000",
            found: weightDecay)
        try require(
            betas.count == 2 && betas.allSatisfy { $0 >= 0 && $0 < 1 }, .betas,
            "two numbers from 0 on and below 1", found: betas)
        try require(
            (0...1e6).contains(epsilon), .epsilon, "between 0 and 1000000",
            found: epsilon)
    }
}

/// The `augmentation` section, which official files do not have.
public struct AugmentationConfiguration: Codable, Sendable, Equatable {
    /// Whether a random part is cut out; otherwise the whole picture is resized to the square. A cut is
    /// nearly square, so of a wide picture much is lost.
    public var crops = true
    /// Least share of a picture's area that a random crop keeps.
    public var cropScale = 0.2
    /// Whether one in two pictures is mirrored.
    public var flips = true
    /// Whether RandAugment changes colours and geometry.
    public var usesRandAugment = true

    /// The keys of the configuration file.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case crops = "crop"
        case cropScale = "crop_scale"
        case flips = "flip"
        case usesRandAugment = "rand_augment"
    }

    /// The official values.
    public init() {}

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws { try read(from: decoder) }

    /// Replaces what a file states.
    mutating func read(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        crops = try keys.decodeIfPresent(Bool.self, forKey: .crops) ?? crops
        cropScale = try keys.decodeIfPresent(Double.self, forKey: .cropScale) ?? cropScale
        flips = try keys.decodeIfPresent(Bool.self, forKey: .flips) ?? flips
        usesRandAugment =
            try keys.decodeIfPresent(Bool.self, forKey: .usesRandAugment) ?? usesRandAugment
    }

    /// What pictures are cut to.
    func framing(side: Int) -> ImageTransform.Framing {
        crops ? .crop(RandomResizedCrop(side: side, scale: cropScale...1)) : .whole(side: side)
    }

    /// - Throws: ``ModelConfigurationError`` naming the first value that no picture can be cut with.
    func validate() throws {
        guard (0.01...1).contains(cropScale) else {
            throw ModelConfigurationError(
                key: "augmentation." + CodingKeys.cropScale.rawValue,
                expected: "between 0.01 and 1", found: cropScale)
        }
    }
}

extension ImageAcceptance {
    /// - Throws: ``ModelConfigurationError`` naming the first value that is no limit.
    func validate() throws {
        guard Self.possibleLimits.contains(maxPixels) else {
            throw ModelConfigurationError(
                key: "images." + CodingKeys.maxPixels.rawValue,
                expected: "between 1 and \(Self.possibleLimits.upperBound)", found: maxPixels)
        }
    }
}
