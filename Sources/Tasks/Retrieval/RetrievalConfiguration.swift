// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Training
import ViCHA

/// Everything that a configuration file of retrieval says.
public struct RetrievalConfiguration: FineTuningConfiguration {
    public static let title: String? = "Retrieval"

    public var settings = TrainingSettings.fineTuning
    public var fineTuning = FineTuningSettings()
    @Key("val_file", .file, "annotation file that the best epoch is chosen by")
    public var validationFile: String? = nil
    @Key("test_file", .file, "annotation file of the test") public var testFile: String? = nil
    @Key("batch_size_train", "pairs of a step, on each device") public var batchSize = 16
    @Key("batch_size_test", recordsAtATime, "images encoded at a time in an evaluation")
    public var testBatchSize = 16
    @Key("k_test", recordsAtATime, "candidates of each query that the matching head ranks anew")
    public var candidates = 128
    @Key("dual_metrics", "rank by the features alone") public var usesDualMetrics = false

    /// The official values.
    public init() {}

    public static let fixedKeys = [FixedKey.clipImageEncoder]

    /// Whether features alone decide where it counts: the official evaluation without concepts ranks anew
    /// in any case.
    public var ranksByFeatures: Bool {
        usesDualMetrics && (settings.readsConcepts || settings.model.compatibility == .corrected)
    }

    /// - Throws: ``ConfigurationKeyError`` naming the first value that cannot be trained with.
    public func validateTogether() throws {
        try settings.model.validate(for: .retrieval)
        try validateNegatives($batchSize)
    }
}

extension FixedKey {
    /// `clip_vit`, for which the official scripts keep position embeddings as they are.
    static let clipImageEncoder = FixedKey(
        "clip_vit", .boolean(false),
        because: "position embeddings are always resized to the images of the task")
}
