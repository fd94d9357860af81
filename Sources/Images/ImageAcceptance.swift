/// The `images` section of a configuration: which image files are read. Official files do not have it.
public struct ImageAcceptance: Codable, Sendable, Equatable {
    /// Images of more pixels are refused. Raise it for pictures that are larger than those of most
    /// cameras; each worker holds three bytes for a pixel.
    public var maxPixels = ImageDecoder.standardLimit
    /// Whether training reads images that are cut short as far as they go, as the official code does;
    /// otherwise it takes another record for each. Evaluations always read them.
    public var trainsOnTruncated = false

    /// What ``maxPixels`` may be: a picture of the most takes 48 GB.
    public static let possibleLimits = 1...1 << 34

    /// The keys of the configuration file.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case maxPixels = "max_pixels"
        case trainsOnTruncated = "train_on_truncated"
    }

    /// The standard values.
    public init() {}

    /// The standard values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        maxPixels = try keys.decodeIfPresent(Int.self, forKey: .maxPixels) ?? maxPixels
        trainsOnTruncated =
            try keys.decodeIfPresent(Bool.self, forKey: .trainsOnTruncated) ?? trainsOnTruncated
    }
}
