// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Datasets
import Images

/// The `optimizer` section.
public struct OptimizerConfiguration: KeyedConfiguration {
    @Key("lr", .positive(upTo: 1e6), "learning rate at the top of the schedule")
    public var learningRate = 1e-4
    @Key(
        "weight_decay", 0...1e6, "share of a weight that a step takes off, times the learning rate")
    public var weightDecay = 0.02
    @Key(
        "opt_betas",
        Check("two numbers from 0 on and below 1") {
            $0.count == 2 && $0.allSatisfy { 0 <= $0 && $0 < 1 }
        }, "shares of their old values that the two moments keep in a step")
    public var betas = [0.9, 0.999]
    @Key("opt_eps", 0...1e6, "added to the root of the second moment") public var epsilon = 1e-8

    /// The official values.
    public init() {}

    public static let fixedKeys = [
        FixedKey("opt", .text("adamW"), because: "the only optimizer here", isWritten: true),
        FixedKey("opt_args", .nothing, because: "write lr, opt_betas and opt_eps instead"),
    ]
    public static let keysWithoutEffect = ["momentum"]
}

/// The `concepts` section: where the concepts in the annotations come from, which commands for single
/// images find there. Official files do not have it.
public struct ConceptSettings: KeyedConfiguration {
    @Key("vocabulary", .file, "embeddings of the vocabulary, or the list of its texts")
    public var vocabulary: String? = nil
    @Key("clip", .file, "the CLIP model that finds them")
    public var clip: String? = nil
    @Key("count", 1...1000, "concepts of an image") public var count = 15

    /// Nobody says where concepts come from.
    public init() {}
}

/// The `augmentation` section, which official files do not have.
public struct AugmentationConfiguration: KeyedConfiguration {
    @Key(
        "crop",
        "cut out a random, nearly square part; otherwise the whole image is resized, which suits wide ones"
    ) public var crops = true
    @Key(
        "crop_scale", .in(0.01...1), defaultText: "0.2, in tasks 0.5",
        "least share of an image's area that a crop keeps")
    public var cropScale = 0.2
    @Key("flip", "mirror one in two images") public var flips = true
    @Key("rand_augment", "change colours and geometry by RandAugment")
    public var usesRandAugment = true

    /// The official values.
    public init() {}

    /// What images are cut to.
    public func framing(side: Int) -> ImageTransform.Framing {
        crops ? .crop(RandomResizedCrop(side: side, scale: cropScale...1)) : .whole(side: side)
    }
}
