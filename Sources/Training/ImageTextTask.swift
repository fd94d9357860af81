import Datasets
import Torch
import ViCHA

/// A task whose configuration says how steps follow each other.
public protocol ConfiguredTask: TrainingTask {
    /// What a configuration file of the task says.
    associatedtype Configuration: TrainingConfiguration

    /// Sizes and settings.
    var configuration: Configuration { get }
    /// Records that are trained on.
    var recordCount: Int { get }
}

extension ConfiguredTask {
    /// Which weights the optimizer decays.
    public var parameterGroups: [AdamW.Group] {
        ParameterGroups.make(
            store, weightDecay: configuration.optimizer.weightDecay,
            compatibility: configuration.model.compatibility)
    }

    /// How steps follow each other.
    public var plan: TrainingPlan {
        TrainingPlan(
            recordCount: recordCount, batchSize: configuration.batchSize,
            optimizer: configuration.optimizer, schedule: configuration.schedule,
            saveStep: configuration.saveStep)
    }

    /// Writes the configuration of the run with every value.
    /// - Throws: `FileWritingError`
    public func writeConfiguration(to path: String) throws {
        try ConfigurationFile.write(configuration, to: path)
    }
}

/// A task on pairs of an image and a text.
public protocol ImageTextTask: ConfiguredTask where Batch == ImageTextArrays {
    /// What is trained on.
    var dataset: ImageTextDataset { get }
}

extension ImageTextTask {
    /// Pairs that are trained on.
    public var recordCount: Int { dataset.pairs.count }

    /// Makes the batch of some pairs.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (batch: ImageTextArrays, skipped: [String])
    {
        { [dataset] indices, seed in
            let arrays = try dataset.batch(indices, seed: seed)
            return (arrays, arrays.skipped)
        }
    }
}
