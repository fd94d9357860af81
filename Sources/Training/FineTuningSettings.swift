import ViCHA

/// What the configuration files of all downstream tasks have in common beside ``TrainingSettings``.
public struct FineTuningSettings: Codable, Sendable, Equatable {
    /// Directory of the images inside the data directory.
    public var imageRoot = ""
    /// Whether the momentum model takes part in the targets.
    public var distills = true
    /// Whether its share rises over the first epoch.
    public var warmsUp = true

    /// The keys of the configuration file.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case imageRoot = "image_root"
        case distills = "distill"
        case warmsUp = "warm_up"
    }

    /// The values of the official files.
    public init() {}

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        imageRoot = try keys.decodeIfPresent(String.self, forKey: .imageRoot) ?? imageRoot
        distills = try keys.decodeIfPresent(Bool.self, forKey: .distills) ?? distills
        warmsUp = try keys.decodeIfPresent(Bool.self, forKey: .warmsUp) ?? warmsUp
    }
}

/// The configuration of a downstream task.
public protocol FineTuningConfiguration: TrainingConfiguration {
    /// What downstream tasks have in common.
    var fineTuning: FineTuningSettings { get }
}

extension TrainingSettings {
    /// The values that fine-tuning has where a file states none.
    static var fineTuning: TrainingSettings {
        var settings = TrainingSettings()
        settings.augmentation.cropScale = 0.5
        return settings
    }

    /// Tokens kept of a text in fine-tuning. The official code cuts texts only where it reads concepts
    /// with them.
    public var fineTuningTextTokens: Int {
        model.compatibility == .official && !readsConcepts
            ? model.text.maxPositions : captionTokens
    }

    /// The momentum model's share of the targets at a step.
    func alpha(_ fineTuning: FineTuningSettings, at step: TrainingStep) -> Double {
        guard fineTuning.distills else { return 0 }
        let ramp = Double(step.iteration) / Double(step.iterationsPerEpoch)
        return alpha * (step.epoch > 0 || !fineTuning.warmsUp ? 1 : min(1, ramp))
    }
}
