// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Training
import ViCHA

/// What the configuration files of all downstream tasks have in common beside `TrainingSettings`.
public struct FineTuningSettings: KeyedConfiguration {
    public static let title: String? = "All tasks"

    @Key("image_root", "directory of the images in the data directory") public var imageRoot = ""
    @Key("distill", "the momentum model takes part in the targets") public var distills = true
    @Key("warm_up", "its share rises over the first epoch") public var warmsUp = true

    /// The values of the official files.
    public init() {}
}

/// The configuration of a downstream task.
public protocol FineTuningConfiguration: TaskConfiguration {
    /// What downstream tasks have in common.
    var fineTuning: FineTuningSettings { get }
}

extension FineTuningConfiguration {
    /// The keys of all tasks: official files have those of others too.
    public static var keysOfOthers: Set<String> { OfficialKeys.all }
}

extension TrainingSettings {
    /// The values that fine-tuning has where a file states none.
    public static var fineTuning: TrainingSettings {
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
    public func alpha(_ fineTuning: FineTuningSettings, at step: TrainingStep) -> Double {
        guard fineTuning.distills else { return 0 }
        let ramp = Double(step.iteration) / Double(step.iterationsPerEpoch)
        return alpha * (step.epoch > 0 || !fineTuning.warmsUp ? 1 : min(1, ramp))
    }
}
