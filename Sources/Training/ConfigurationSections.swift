import Images

/// The `optimizer` section.
public struct OptimizerConfiguration: Codable, Sendable, Equatable {
    /// The only optimizer of the official code.
    public enum Name: String, Codable, Sendable, Equatable {
        case adamW
    }

    /// Which optimizer.
    public var opt = Name.adamW
    /// Learning rate at the top of the schedule.
    public var learningRate = 1e-4
    /// Share of a weight that a step takes off, times the learning rate.
    public var weightDecay = 0.02

    /// The keys of the configuration file.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case opt
        case learningRate = "lr"
        case weightDecay = "weight_decay"
    }

    /// The official values, or those that a file states.
    public init() {}

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        opt = try keys.decodeIfPresent(Name.self, forKey: .opt) ?? opt
        learningRate =
            try keys.decodeIfPresent(Double.self, forKey: .learningRate) ?? learningRate
        weightDecay = try keys.decodeIfPresent(Double.self, forKey: .weightDecay) ?? weightDecay
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
}
