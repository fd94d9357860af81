import Configuration
import Datasets
import Text
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

/// A task on pairs of an image and a text.
public protocol ImageTextTask: ConfiguredTask where Batch == ImageTextArrays {
    /// What is trained on.
    var dataset: ImageTextDataset { get }
}

extension ImageTextTask {
    /// Pairs that are trained on.
    public var recordCount: Int { dataset.pairs.count }

    /// Of all pairs in their order.
    public func dataChecksum() throws -> String { try dataset.checksum() }

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { dataset.vocabulary }

    /// Makes the batch of some pairs.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (
            batch: ImageTextArrays, skipped: [UnreadableRecord]
        )
    {
        { [dataset] indices, seed in
            let arrays = try dataset.batch(indices, seed: seed)
            return (arrays, arrays.skipped)
        }
    }
}
