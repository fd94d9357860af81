import Configuration
import Torch
import ViCHA

/// A task whose configuration says how steps follow each other.
public protocol ConfiguredTask: TrainingTask {
    /// What a configuration file of the task says.
    associatedtype Configuration: TaskConfiguration

    /// Sizes and settings.
    var configuration: Configuration { get }
    /// Records that are trained on.
    var recordCount: Int { get }
}

extension ConfiguredTask {
    /// Which weights the optimizer decays.
    public var parameterGroups: [AdamW.Group] {
        ParameterGroups.make(
            store, weightDecay: configuration.settings.optimizer.weightDecay,
            compatibility: configuration.settings.model.compatibility)
    }

    /// How steps follow each other.
    public var plan: TrainingPlan {
        TrainingPlan(
            recordCount: recordCount, batchSize: configuration.batchSize,
            optimizer: configuration.settings.optimizer, schedule: configuration.settings.schedule,
            saveStep: configuration.settings.saveStep)
    }

    /// The configuration of the run with every value, as YAML.
    public func configurationText() throws -> String { try ConfigurationFile.text(configuration) }
}
