// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Images

/// The `images` section of a configuration: which image files are read. Official files do not have it.
public struct ImageAcceptance: KeyedConfiguration {
    /// Raise it for images that are larger than those of most cameras; each worker holds three bytes for
    /// a pixel.
    @Key("max_pixels", possibleLimits, "images of more pixels are refused")
    public var maxPixels = ImageDecoder.standardLimit
    /// Evaluations always read them.
    @Key(
        "train_on_truncated",
        "train on files that are cut short as far as they go, as the official code does, instead of "
            + "replacing them") public var trainsOnTruncated = false

    /// What ``maxPixels`` may be: an image of the most takes 48 GB.
    public static let possibleLimits = 1...1 << 34

    /// The standard values.
    public init() {}
}
