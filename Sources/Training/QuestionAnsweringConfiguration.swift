import ViCHA

/// Everything that a configuration file of question answering says.
public struct QuestionAnsweringConfiguration: FineTuningConfiguration, Sendable, Equatable {
    /// What all tasks have in common.
    public var settings = TrainingSettings.fineTuning
    /// What downstream tasks have in common.
    public var fineTuning = FineTuningSettings()
    /// Annotation file with answers that the best checkpoint is chosen by; the official files have none.
    public var validationFile: String?
    /// Annotation files of the test.
    public var testFiles: [String] = []
    /// The answers that are ranked: a JSON list of texts.
    public var answerList = "answer_list.json"
    /// Directory of the images of VQA inside the data directory.
    public var questionImageRoot = ""
    /// Directory of the images of Visual Genome inside the data directory.
    public var visualGenomeImageRoot = ""
    /// Questions of a step, on each device.
    public var batchSize = 16
    /// Questions of an evaluation at a time.
    public var testBatchSize = 16
    /// Answers that are ranked by their whole likelihood.
    public var candidates = 128
    /// Written behind each answer.
    public var endMark = Self.officialEndMark

    /// What the official data set writes behind the answers of training, whatever the file says; the key
    /// counts in its evaluation alone.
    private static let officialEndMark = "[SEP]"

    /// Written behind each answer of training.
    public var trainingEndMark: String {
        settings.model.compatibility == .official ? Self.officialEndMark : endMark
    }

    /// The official values.
    public init() {}

    /// - Throws: ``ModelConfigurationError`` naming the first value that cannot be trained with.
    public func validate() throws {
        try settings.validate(for: .reasoning)
        for (key, value) in [
            (CodingKeys.batchSize, batchSize), (.testBatchSize, testBatchSize),
            (.candidates, candidates),
        ] {
            try settings.validate(count: value, key: key.rawValue)
        }
        try settings.validate(file: validationFile, key: CodingKeys.validationFile.rawValue)
        try settings.validate(file: answerList, key: CodingKeys.answerList.rawValue)
        for file in testFiles {
            try settings.validate(file: file, key: CodingKeys.testFiles.rawValue)
        }
        try settings.require(
            settings.model.vision.width == settings.model.text.hiddenSize,
            "bert_config.hidden_size",
            "the vision_width (\(settings.model.vision.width)), since the decoder's cross-attention "
                + "starts as that of the fusion layers")
    }
}

extension QuestionAnsweringConfiguration: Codable {
    /// Keys beside those of the settings.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case validationFile = "val_file"
        case testFiles = "test_file"
        case answerList = "answer_list"
        case questionImageRoot = "vqa_root"
        case visualGenomeImageRoot = "vg_root"
        case batchSize = "batch_size_train"
        case testBatchSize = "batch_size_test"
        case candidates = "k_test"
        case endMark = "eos"
    }

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        self.init()
        try settings.read(from: decoder)
        fineTuning = try FineTuningSettings(from: decoder)
        try decoder.refuseForeignImageEncoder()
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        validationFile = try keys.decodeIfPresent(String.self, forKey: .validationFile)
        testFiles = try keys.fileNames(.testFiles) ?? testFiles
        try keys.read(.answerList, &answerList)
        try keys.read(.questionImageRoot, &questionImageRoot)
        try keys.read(.visualGenomeImageRoot, &visualGenomeImageRoot)
        try keys.read(.batchSize, &batchSize)
        try keys.read(.testBatchSize, &testBatchSize)
        try keys.read(.candidates, &candidates)
        try keys.read(.endMark, &endMark)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        try fineTuning.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encodeIfPresent(validationFile, forKey: .validationFile)
        try keys.encode(testFiles, forKey: .testFiles)
        try keys.encode(answerList, forKey: .answerList)
        try keys.encode(questionImageRoot, forKey: .questionImageRoot)
        try keys.encode(visualGenomeImageRoot, forKey: .visualGenomeImageRoot)
        try keys.encode(batchSize, forKey: .batchSize)
        try keys.encode(testBatchSize, forKey: .testBatchSize)
        try keys.encode(candidates, forKey: .candidates)
        try keys.encode(endMark, forKey: .endMark)
    }

    /// The keys of the file and of its sections.
    public static var knownKeys: [(section: String, keys: [String])] {
        TrainingSettings.knownKeys(
            beside: CodingKeys.allCases.map(\.rawValue)
                + FineTuningSettings.CodingKeys.allCases.map(\.rawValue))
    }
}
