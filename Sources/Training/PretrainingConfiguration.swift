import ViCHA

/// Everything that a pretraining configuration file says.
public struct PretrainingConfiguration: TrainingConfiguration, Sendable, Equatable {
    /// What all tasks have in common.
    public var settings = TrainingSettings()
    /// Pairs of a step, on each device.
    public var batchSize = 32

    /// The official values.
    public init() {}

    /// - Throws: ``ModelConfigurationError`` naming the first value that cannot be trained with.
    public func validate() throws {
        try settings.validate()
        try settings.validate(batchSize: batchSize, key: CodingKeys.batchSize.rawValue)
    }
}

extension PretrainingConfiguration: Codable {
    /// Keys beside those of the settings.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case batchSize = "batch_size"
    }

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        settings = try TrainingSettings(from: decoder)
        try decoder.refuse(
            "avoid_optim",
            because: "going on with a run always takes its optimizer's state; start a new run with "
                + "--checkpoint for weights alone")
        if settings.model.usesConcepts, settings.model.maskedImage == nil {
            try decoder.refuse(
                "model_mae",
                because: "the model with concepts has masked image modelling by mae alone")
        }
        batchSize = try keys.decodeIfPresent(Int.self, forKey: .batchSize) ?? batchSize
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(batchSize, forKey: .batchSize)
    }

    /// The keys of the file and of its sections.
    public static var knownKeys: [(section: String, keys: [String])] {
        TrainingSettings.knownKeys(beside: CodingKeys.allCases.map(\.rawValue))
    }
}
