// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Training
import ViCHA

/// Everything that a configuration file of question answering says.
public struct QuestionAnsweringConfiguration: FineTuningConfiguration {
    public static let title: String? = "Questions"

    public var settings = TrainingSettings.fineTuning
    public var fineTuning = FineTuningSettings()
    @Key(
        "val_file", .file,
        "annotation file with answers that the best epoch is chosen by; the official files have none"
    )
    public var validationFile: String? = nil
    @Key("test_file", .files, "annotation files of the test") public var testFiles: [String] = []
    @Key("answer_list", .fileName, "JSON list of the answers that are ranked")
    public var answerList = "answer_list.json"
    @Key("vqa_root", "directory of the images of VQA in the data directory")
    public var questionImageRoot = ""
    @Key("vg_root", "directory of the images of Visual Genome in the data directory")
    public var visualGenomeImageRoot = ""
    @Key("batch_size_train", recordsAtATime, "questions of a step, on each device")
    public var batchSize = 16
    @Key("batch_size_test", recordsAtATime, "questions of an evaluation at a time")
    public var testBatchSize = 16
    @Key("k_test", recordsAtATime, "answers that are ranked by their whole likelihood")
    public var candidates = 128
    @Key("eos", "written behind each answer") public var endMark = Self.officialEndMark

    /// What the official data set writes behind the answers of training, whatever the file says; the key
    /// counts in its evaluation alone.
    private static let officialEndMark = "[SEP]"

    /// The official values.
    public init() {}

    public static let fixedKeys = [FixedKey.clipImageEncoder]

    /// Written behind each answer of training.
    public var trainingEndMark: String {
        settings.model.compatibility == .official ? Self.officialEndMark : endMark
    }

    /// - Throws: ``ConfigurationKeyError`` naming the first value that cannot be trained with.
    public func validateTogether() throws {
        let model = settings.model
        try model.validate(for: .reasoning)
        try ConfigurationKeyError.require(
            model.vision.width == model.text.hiddenSize, "bert_config.hidden_size",
            "the vision_width (\(model.vision.width)), since the decoder's cross-attention starts as that "
                + "of the fusion layers")
    }
}
