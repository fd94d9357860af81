// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Datasets
import Foundation
import Images
import ViCHA

/// What the configuration files of pretraining and of every task have in common.
public struct TrainingSettings: KeyedConfiguration {
    public static let title: String? = "All files"

    /// Records of a step or of an evaluation at a time, beyond which no machine has the memory.
    public static let mostAtATime = 1_000_000

    @Key("train_file", .someFiles, "annotation file or list of files below --data-json-dir")
    public var trainFiles: [String] = []
    @Section("optimizer") public var optimizer = OptimizerConfiguration()
    @Section("schedular") public var schedule = LearningRateSchedule.Configuration()
    @Key("alpha", 0...1, "share of the momentum model in the targets") public var alpha = 0.4
    @Key("kw_img_dataset", "read concepts from the annotations") public var readsConcepts = false
    @Key("sep_token", "write [SEP] between concepts; the published files say False")
    public var separatesConcepts = true
    @Key(
        "randkw_p", 0...100, defaultText: "all",
        "share of an image's concepts that training draws, with replacement")
    public var drawnConceptShare: Double? = nil
    @Key(
        "save_step", Check("1 or more, or left out") { $0 ?? 1 >= 1 },
        "epochs between two numbered checkpoints") public var saveStep: Int? = nil
    @Section("concepts") public var concepts = ConceptSettings()
    @Section("augmentation") public var augmentation = AugmentationConfiguration()
    @Section("images") public var images = ImageAcceptance()
    @Key("caption_tokens", "tokens kept of a caption, with its class token")
    public var captionTokens = 25
    @Key("concept_tokens", "tokens kept of all concepts, with their class token")
    public var conceptTokens = 55
    public var model = ModelConfiguration()

    /// The official values.
    public init() {}

    /// - Throws: ``ConfigurationKeyError`` for values that do not go together.
    public func validateTogether() throws {
        try ConfigurationKeyError.require(
            !model.usesConcepts || readsConcepts, $readsConcepts.name,
            "True where kw_img_model is, since the model needs concepts")
        for tokens in [$captionTokens, $conceptTokens] {
            try ConfigurationKeyError.require(
                (2...model.text.maxPositions).contains(tokens.wrappedValue), tokens.name,
                "between 2 and max_position_embeddings (\(model.text.maxPositions))",
                found: tokens.wrappedValue)
        }
    }

    /// Keys of the official files that nothing reads.
    public static let keysWithoutEffect = [
        "coco_file", "eval_ema", "multinodes", "num_kws", "refcoco_data", "register_blk_id",
        "return_attention",
    ]
}

/// A number of records that are taken at a time.
public let recordsAtATime = 1...TrainingSettings.mostAtATime

/// The configuration of a task.
public protocol TaskConfiguration: KeyedConfiguration {
    /// What all tasks have in common.
    var settings: TrainingSettings { get set }
    /// Records of a step, on each device.
    var batchSize: Int { get }
}

extension TaskConfiguration {
    /// Checks a batch size that negatives come from.
    ///
    /// - Throws: `ConfigurationKeyError` where there are none, or where it does not divide the queue
    public func validateNegatives(_ batchSize: Key<Int>) throws {
        let size = batchSize.wrappedValue
        try ConfigurationKeyError.require(
            (2...TrainingSettings.mostAtATime).contains(size), batchSize.name,
            "between 2, since negatives come from the batch, and \(TrainingSettings.mostAtATime)",
            found: size)
        try ConfigurationKeyError.require(
            settings.model.queueSize % size == 0, "queue_size",
            "a multiple of \(batchSize.name) (\(size))", found: settings.model.queueSize)
    }
}

extension ImageTextOptions {
    /// How settings want images and texts to become inputs; `compatibility` decides whether overflows
    /// of the official augmentation are kept, whether large JPEGs are decoded whole, and whether left
    /// and right change places in the texts of mirrored images.
    ///
    /// - Parameters:
    ///   - settings: of a configuration
    ///   - framing: what images are cut to; nil for what the settings say
    ///   - swapsSides: whether texts of mirrored images are changed where that is corrected
    ///   - textTokens: tokens kept of a text; nil for those of the settings
    public init(
        _ settings: TrainingSettings, framing: ImageTransform.Framing? = nil,
        swapsSides: Bool = false, textTokens: Int? = nil
    ) {
        let isOfficial = settings.model.compatibility == .official
        self.init(
            transform: .training(
                framing ?? settings.augmentation.framing(side: settings.model.vision.imageSize),
                flips: settings.augmentation.flips,
                augmentation: settings.augmentation.usesRandAugment
                    ? RandAugment(keepsOverflows: isOfficial) : nil))
        self.textTokens = textTokens ?? settings.captionTokens
        conceptTokens = settings.conceptTokens
        usesConcepts = settings.model.usesConcepts
        separatesConcepts = settings.separatesConcepts
        drawnConceptShare = settings.drawnConceptShare
        decodesReduced = !isOfficial
        acceptance = settings.images
        self.swapsSides = swapsSides && !isOfficial
    }
}

extension EvaluationOptions {
    /// How settings want the records of an evaluation.
    public init(_ settings: TrainingSettings) {
        self.init(side: settings.model.vision.imageSize)
        textTokens = settings.captionTokens
        conceptTokens = settings.model.usesConcepts ? settings.conceptTokens : nil
        separatesConcepts = settings.separatesConcepts
        decodesReduced = settings.model.compatibility == .corrected
        acceptance = settings.images
        mergesRepeatedImages = settings.model.compatibility == .corrected
    }
}
