import ViCHA

/// Everything that a configuration file of retrieval says.
public struct RetrievalConfiguration: FineTuningConfiguration, Sendable, Equatable {
    /// What all tasks have in common.
    public var settings = TrainingSettings.fineTuning
    /// What downstream tasks have in common.
    public var fineTuning = FineTuningSettings()
    /// Annotation file that the best checkpoint is chosen by.
    public var validationFile: String?
    /// Annotation file of the test.
    public var testFile: String?
    /// Pairs of a step, on each device.
    public var batchSize = 16
    /// Images encoded at a time in an evaluation.
    public var testBatchSize = 16
    /// Candidates of each query that the matching head ranks anew.
    public var candidates = 128
    /// Whether results are ranked by the features alone.
    public var usesDualMetrics = false

    /// The same where it counts: the official evaluation without concepts ranks anew in any case.
    public var ranksByFeatures: Bool {
        usesDualMetrics && (settings.readsConcepts || settings.model.compatibility == .corrected)
    }

    /// The official values.
    public init() {}

    /// - Throws: ``ModelConfigurationError`` naming the first value that cannot be trained with.
    public func validate() throws {
        try settings.validate(for: .retrieval)
        try settings.validate(batchSize: batchSize, key: CodingKeys.batchSize.rawValue)
        try settings.validate(count: testBatchSize, key: CodingKeys.testBatchSize.rawValue)
        try settings.validate(count: candidates, key: CodingKeys.candidates.rawValue)
        try settings.validate(file: validationFile, key: CodingKeys.validationFile.rawValue)
        try settings.validate(file: testFile, key: CodingKeys.testFile.rawValue)
    }
}

extension RetrievalConfiguration: Codable {
    /// Keys beside those of the settings.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case validationFile = "val_file"
        case testFile = "test_file"
        case batchSize = "batch_size_train"
        case testBatchSize = "batch_size_test"
        case candidates = "k_test"
        case usesDualMetrics = "dual_metrics"
    }

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        self.init()
        try settings.read(from: decoder)
        fineTuning = try FineTuningSettings(from: decoder)
        try decoder.refuseForeignImageEncoder()
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        validationFile = try keys.decodeIfPresent(String.self, forKey: .validationFile)
        testFile = try keys.decodeIfPresent(String.self, forKey: .testFile)
        try keys.read(.batchSize, &batchSize)
        try keys.read(.testBatchSize, &testBatchSize)
        try keys.read(.candidates, &candidates)
        try keys.read(.usesDualMetrics, &usesDualMetrics)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        try fineTuning.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encodeIfPresent(validationFile, forKey: .validationFile)
        try keys.encodeIfPresent(testFile, forKey: .testFile)
        try keys.encode(batchSize, forKey: .batchSize)
        try keys.encode(testBatchSize, forKey: .testBatchSize)
        try keys.encode(candidates, forKey: .candidates)
        try keys.encode(usesDualMetrics, forKey: .usesDualMetrics)
    }

    /// The keys of the file and of its sections.
    public static var knownKeys: [(section: String, keys: [String])] {
        TrainingSettings.knownKeys(
            beside: CodingKeys.allCases.map(\.rawValue)
                + FineTuningSettings.CodingKeys.allCases.map(\.rawValue))
    }
}
