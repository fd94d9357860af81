// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Training
import ViCHA

/// Everything that a configuration file of entailment or of NLVR2 says.
public struct ClassificationConfiguration: FineTuningConfiguration {
    public static let title: String? = "Entailment and NLVR2"

    public var settings = TrainingSettings.fineTuning
    public var fineTuning = FineTuningSettings()
    @Key("val_file", .file, "annotation file that the best epoch is chosen by")
    public var validationFile: String? = nil
    @Key("test_file", .file, "annotation file of the test") public var testFile: String? = nil
    @Key("image_extension", "entailment: what the names of images lack")
    public var imageExtension = ".jpg"
    @Key(
        "batch_size", recordsAtATime,
        "sentences of a step and of an evaluation; official: the only one of NLVR2")
    public var bothBatchSizes: Int? = nil
    @Key("batch_size_train", recordsAtATime, "sentences of a step, on each device")
    public var batchSize = 16
    @Key(
        "batch_size_test", recordsAtATime, defaultText: "batch_size_train",
        "sentences of an evaluation at a time") public var testBatchSize: Int? = nil

    /// The official values.
    public init() {}

    public static let fixedKeys = [
        FixedKey(
            "kw_model", .boolean(false),
            because: "the official model has no such initialisation and fails on it")
    ]

    /// The more particular key wins.
    public mutating func adjust(stated: Set<String>) {
        if let bothBatchSizes, !stated.contains($batchSize.name) { batchSize = bothBatchSizes }
    }

    /// - Throws: ``ConfigurationKeyError`` naming the first value that cannot be trained with.
    public func validateTogether() throws { try settings.model.validate(for: .reasoning) }

    /// The batch sizes that count for a task: the official code reads `batch_size` alone for NLVR2 and
    /// does not know it for entailment. Elsewhere the more particular keys win.
    public func resolved(for kind: ClassificationModel.Kind) -> ClassificationConfiguration {
        guard settings.model.compatibility == .official, kind.isOfPairs, let bothBatchSizes
        else { return self }
        var result = self
        (result.batchSize, result.testBatchSize) = (bothBatchSizes, nil)
        return result
    }
}
