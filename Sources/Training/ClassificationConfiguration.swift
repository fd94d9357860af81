import ViCHA

/// Everything that a configuration file of entailment or of NLVR2 says.
public struct ClassificationConfiguration: FineTuningConfiguration, Sendable, Equatable {
    /// What all tasks have in common.
    public var settings = TrainingSettings.fineTuning
    /// What downstream tasks have in common.
    public var fineTuning = FineTuningSettings()
    /// Annotation file that the best checkpoint is chosen by.
    public var validationFile: String?
    /// Annotation file of the test.
    public var testFile: String?
    /// What names of images lack in the records of entailment.
    public var imageExtension = ".jpg"
    /// Sentences of a step and of an evaluation, which NLVR2 has; nil where a file states none.
    public var bothBatchSizes: Int?
    /// Sentences of a step, on each device.
    public var batchSize = 16
    /// Sentences of an evaluation at a time; nil for as many as in a step.
    public var testBatchSize: Int?

    /// The official values.
    public init() {}

    /// - Throws: ``ModelConfigurationError`` naming the first value that cannot be trained with.
    public func validate() throws {
        try settings.validate(for: .reasoning)
        try settings.validate(count: bothBatchSizes ?? 1, key: CodingKeys.bothBatchSizes.rawValue)
        try settings.validate(count: batchSize, key: CodingKeys.batchSize.rawValue)
        try settings.validate(count: testBatchSize ?? 1, key: CodingKeys.testBatchSize.rawValue)
        try settings.validate(file: validationFile, key: CodingKeys.validationFile.rawValue)
        try settings.validate(file: testFile, key: CodingKeys.testFile.rawValue)
    }

    /// The batch sizes that count for a task: the official code reads `batch_size` alone for NLVR2 and
    /// does not know it for entailment. Elsewhere the more particular keys win.
    public func resolved(for kind: ClassificationModel.Kind) -> ClassificationConfiguration {
        guard settings.model.compatibility == .official, kind == .imagePair,
            let bothBatchSizes
        else { return self }
        var result = self
        (result.batchSize, result.testBatchSize) = (bothBatchSizes, nil)
        return result
    }
}

extension ClassificationConfiguration: Codable {
    /// Keys beside those of the settings.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case validationFile = "val_file"
        case testFile = "test_file"
        case imageExtension = "image_extension"
        case bothBatchSizes = "batch_size"
        case batchSize = "batch_size_train"
        case testBatchSize = "batch_size_test"
    }

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        self.init()
        try settings.read(from: decoder)
        fineTuning = try FineTuningSettings(from: decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        validationFile = try keys.decodeIfPresent(String.self, forKey: .validationFile)
        testFile = try keys.decodeIfPresent(String.self, forKey: .testFile)
        try keys.read(.imageExtension, &imageExtension)
        bothBatchSizes = try keys.decodeIfPresent(Int.self, forKey: .bothBatchSizes)
        batchSize = bothBatchSizes ?? batchSize
        try keys.read(.batchSize, &batchSize)
        try decoder.refuse(
            "kw_model", because: "the official model has no such initialisation and fails on it")
        testBatchSize = try keys.decodeIfPresent(Int.self, forKey: .testBatchSize)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        try fineTuning.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encodeIfPresent(validationFile, forKey: .validationFile)
        try keys.encodeIfPresent(testFile, forKey: .testFile)
        try keys.encode(imageExtension, forKey: .imageExtension)
        try keys.encodeIfPresent(bothBatchSizes, forKey: .bothBatchSizes)
        try keys.encode(batchSize, forKey: .batchSize)
        try keys.encodeIfPresent(testBatchSize, forKey: .testBatchSize)
    }

    /// The keys of the file and of its sections.
    public static var knownKeys: [(section: String, keys: [String])] {
        TrainingSettings.knownKeys(
            beside: CodingKeys.allCases.map(\.rawValue)
                + FineTuningSettings.CodingKeys.allCases.map(\.rawValue))
    }
}
