import Datasets
import Foundation
import Images
import ViCHA

/// What the configuration files of pretraining and of every task have in common.
public struct TrainingSettings: Sendable, Equatable {
    /// Sizes and switches of the model.
    public var model = ModelConfiguration()
    /// Annotation files, relative to the annotation directory.
    public var trainFiles: [String] = []
    /// The optimizer and its settings.
    public var optimizer = OptimizerConfiguration()
    /// The learning rate over time.
    public var schedule = LearningRateSchedule.Configuration()
    /// Share of the momentum model in the targets.
    public var alpha = 0.4
    /// Whether concepts are read from the annotations.
    public var readsConcepts = false
    /// Whether concepts are joined by ` [SEP] `.
    public var separatesConcepts = true
    /// Share of concepts that training draws; nil keeps all.
    public var drawnConceptShare: Double?
    /// Epochs between two numbered checkpoints, nil for none.
    public var saveStep: Int?
    /// What is done to pictures at random.
    public var augmentation = AugmentationConfiguration()
    /// Which image files are read.
    public var images = ImageAcceptance()
    /// Tokens kept of a caption, with its class token.
    public var captionTokens = 25
    /// Tokens kept of all concepts, with their class token.
    public var conceptTokens = 55

    /// The official values.
    public init() {}

    /// - Throws: ``ModelConfigurationError`` naming the first value that cannot be trained with.
    public func validate(for use: ModelUse = .pretraining) throws {
        try model.validate(for: use)
        try require(
            !trainFiles.isEmpty && !trainFiles.contains(""), "train_file",
            "a list of annotation files")
        try schedule.validate()
        try optimizer.validate()
        try augmentation.validate()
        try images.validate()
        try require((0...1).contains(alpha), "alpha", "between 0 and 1", found: alpha)
        try require(saveStep ?? 1 >= 1, "save_step", "1 or more, or left out", found: saveStep)
        try require(
            (0...100).contains(drawnConceptShare ?? 0), "randkw_p",
            "between 0 and 100, or left out", found: drawnConceptShare)
        try require(
            !model.usesConcepts || readsConcepts, "kw_img_dataset",
            "True where kw_img_model is, since the model needs concepts")
        for (key, value) in [("caption_tokens", captionTokens), ("concept_tokens", conceptTokens)] {
            try require(
                (2...model.text.maxPositions).contains(value), key,
                "between 2 and max_position_embeddings (\(model.text.maxPositions))",
                found: value)
        }
    }

    /// Records of a step or of an evaluation at a time, beyond which no machine has the memory.
    static let mostAtATime = 1_000_000

    /// - Throws: ``ModelConfigurationError`` for a number that cannot be taken at a time.
    func validate(count: Int, key: String) throws {
        try require(
            (1...Self.mostAtATime).contains(count), key, "between 1 and \(Self.mostAtATime)",
            found: count)
    }

    /// - Throws: ``ModelConfigurationError`` for a file that is named and has no name.
    func validate(file: String?, key: String) throws {
        try require(file != "", key, "the name of a file, or left out")
    }

    func require(
        _ condition: Bool, _ key: String, _ expected: String, found: (any Sendable)? = nil
    ) throws {
        guard condition else {
            throw ModelConfigurationError(key: key, expected: expected, found: found)
        }
    }

    /// - Throws: ``ModelConfigurationError`` for a batch size that negatives cannot come from or that
    ///   does not divide the queue.
    func validate(batchSize: Int, key: String) throws {
        try require(
            (2...Self.mostAtATime).contains(batchSize), key,
            "between 2, since negatives come from the batch, and \(Self.mostAtATime)",
            found: batchSize)
        try require(
            model.queueSize % batchSize == 0, "queue_size", "a multiple of \(key) (\(batchSize))",
            found: model.queueSize)
    }
}

extension TrainingSettings: Codable {
    /// Keys beside those of the model.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case trainFiles = "train_file"
        case optimizer
        case schedule = "schedular"
        case alpha
        case readsConcepts = "kw_img_dataset"
        case separatesConcepts = "sep_token"
        case drawnConceptShare = "randkw_p"
        case bert = "bert_config"
        case saveStep = "save_step"
        case augmentation
        case images
        case captionTokens = "caption_tokens"
        case conceptTokens = "concept_tokens"
    }

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        self.init()
        try read(from: decoder)
    }

    /// Replaces what a file states.
    mutating func read(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        model = try ModelConfiguration(from: decoder)
        model.text = try keys.decode(BertConfiguration.self, forKey: .bert)
        trainFiles = try keys.fileNames(.trainFiles) ?? trainFiles
        try keys.read(.optimizer, &optimizer)
        try keys.read(.schedule, &schedule)
        try keys.read(.alpha, &alpha)
        try keys.read(.readsConcepts, &readsConcepts)
        try keys.read(.separatesConcepts, &separatesConcepts)
        drawnConceptShare = try keys.decodeIfPresent(Double.self, forKey: .drawnConceptShare)
        saveStep = try keys.decodeIfPresent(Int.self, forKey: .saveStep)
        if keys.contains(.augmentation) {
            try augmentation.read(from: keys.superDecoder(forKey: .augmentation))
        }
        try keys.read(.images, &images)
        try keys.read(.captionTokens, &captionTokens)
        try keys.read(.conceptTokens, &conceptTokens)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        try model.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(model.text, forKey: .bert)
        try keys.encode(trainFiles, forKey: .trainFiles)
        try keys.encode(optimizer, forKey: .optimizer)
        try keys.encode(schedule, forKey: .schedule)
        try keys.encode(alpha, forKey: .alpha)
        try keys.encode(readsConcepts, forKey: .readsConcepts)
        try keys.encode(separatesConcepts, forKey: .separatesConcepts)
        try keys.encodeIfPresent(drawnConceptShare, forKey: .drawnConceptShare)
        try keys.encodeIfPresent(saveStep, forKey: .saveStep)
        try keys.encode(augmentation, forKey: .augmentation)
        try keys.encode(images, forKey: .images)
        try keys.encode(captionTokens, forKey: .captionTokens)
        try keys.encode(conceptTokens, forKey: .conceptTokens)
    }

    /// The keys of a file that has `keys` beside those of the settings, and of its sections.
    static func knownKeys(beside keys: [String]) -> [(section: String, keys: [String])] {
        [
            (
                "",
                keys + CodingKeys.allCases.map(\.rawValue)
                    + ModelConfiguration.CodingKeys.allCases.map(\.rawValue)
            ), ("bert_config", BertConfiguration.CodingKeys.allCases.map(\.rawValue)),
            ("optimizer", OptimizerConfiguration.CodingKeys.allCases.map(\.rawValue)),
            ("augmentation", AugmentationConfiguration.CodingKeys.allCases.map(\.rawValue)),
            ("images", ImageAcceptance.CodingKeys.allCases.map(\.rawValue)),
            ("schedular", LearningRateSchedule.Configuration.CodingKeys.allCases.map(\.rawValue)),
        ]
    }

    /// Keys of the official files and of the official code; each task reads some, and none of the others
    /// changes what it computes (`Documentation/compatibility.md`).
    package static let officialKeys: Set<String> = Set([
        "answer_list", "avoid_optim", "batch_size", "batch_size_test", "batch_size_train",
        "clip_vit", "coco_file", "det_file", "distill", "dual_metrics", "eos", "eval_ema",
        "image_root", "k_test", "kw_model", "multinodes", "num_kws", "optimizer.momentum",
        "refcoco_data", "register_blk_id", "return_attention", "schedular.lr_noise_pct",
        "schedular.lr_noise_std", "schedular.seed", "test_file", "val_file", "vg_root", "vqa_root",
        "warm_up",
    ]).union(BertConfiguration.keysWithoutEffect.map { CodingKeys.bert.rawValue + "." + $0 })
}

extension KeyedDecodingContainer {
    /// Names of files, which the official files write as a list or, where there is one, as a text.
    func fileNames(_ key: Key) throws -> [String]? {
        if contains(key), try decodeNil(forKey: key) { return [] }
        if let one = try? decode(String.self, forKey: key) { return [one] }
        return try decodeIfPresent([String].self, forKey: key)
    }
}

/// A configuration that has settings, whose values are read as if they were its own.
@dynamicMemberLookup
public protocol TrainingConfiguration: FileConfiguration {
    /// What all tasks have in common.
    var settings: TrainingSettings { get set }
    /// Records of a step, on each device.
    var batchSize: Int { get }

    /// - Throws: ``ModelConfigurationError`` naming the first value that cannot be trained with.
    func validate() throws
}

extension TrainingConfiguration {
    /// The settings' values as if they were this configuration's own.
    public subscript<Value>(dynamicMember path: WritableKeyPath<TrainingSettings, Value>) -> Value {
        get { settings[keyPath: path] }
        set { settings[keyPath: path] = newValue }
    }

    /// Keys of the official files that other tasks read.
    public static var keysOfOthers: Set<String> { TrainingSettings.officialKeys }

    /// `bert_config` names a JSON file in the official files.
    public static var keyOfBertFile: String? { TrainingSettings.CodingKeys.bert.rawValue }
}

extension ImageTextOptions {
    /// How settings want images and texts to become inputs; `compatibility` decides whether overflows
    /// of the official augmentation are kept, whether large JPEGs are decoded whole, and whether left
    /// and right change places in the texts of mirrored images.
    ///
    /// - Parameters:
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
