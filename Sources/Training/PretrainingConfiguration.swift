import Foundation
import ViCHA

/// Everything that a pretraining configuration file says.
public struct PretrainingConfiguration: Sendable, Equatable {
    /// Sizes and switches of the model.
    public var model = ModelConfiguration()
    /// Annotation files, relative to the annotation directory.
    public var trainFiles: [String] = []
    /// Pairs of a step, on each device.
    public var batchSize = 32
    /// The optimizer and its settings.
    public var optimizer = OptimizerConfiguration()
    /// The learning rate over time.
    public var schedule = LearningRateSchedule.Configuration()
    /// Share of the momentum model in the targets after epoch 0.
    public var alpha = 0.4
    /// Whether concepts are read from the annotations.
    public var readsConcepts = false
    /// Whether concepts are joined by ` [SEP] `.
    public var separatesConcepts = false
    /// Share of concepts that training draws; nil keeps all.
    public var drawnConceptShare: Double?
    /// Epochs between two numbered checkpoints, nil for none.
    public var saveStep: Int?
    /// What is done to pictures at random.
    public var augmentation = AugmentationConfiguration()
    /// Tokens kept of a caption, with its class token.
    public var captionTokens = 25
    /// Tokens kept of all concepts, with their class token.
    public var conceptTokens = 55

    /// The official values, or those that a file states.
    public init() {}

    /// - Throws: ``ModelConfigurationError`` naming the first value that cannot be trained with.
    public func validate() throws {
        try model.validate()
        func require(_ condition: Bool, _ key: String, _ expected: String) throws {
            guard condition else { throw ModelConfigurationError(key: key, expected: expected) }
        }
        try require(!trainFiles.isEmpty, "train_file", "a list of annotation files")
        try require(batchSize >= 2, "batch_size", "2 or more, since negatives come from the batch")
        try require(
            model.queueSize % batchSize == 0, "queue_size",
            "a multiple of batch_size (\(batchSize))")
        try require(schedule.epochs > 0, "schedular.epochs", "1 or more")
        try require((0...1).contains(alpha), "alpha", "between 0 and 1")
        try require(optimizer.learningRate > 0, "optimizer.lr", "greater than 0")
        try require(
            !model.usesConcepts || readsConcepts, "kw_img_dataset",
            "True where kw_img_model is, since the model needs concepts")
        try require(
            (0.01...1).contains(augmentation.cropScale), "augmentation.crop_scale",
            "between 0.01 and 1")
        for (key, value) in [("caption_tokens", captionTokens), ("concept_tokens", conceptTokens)] {
            try require(
                (2...model.text.maxPositions).contains(value), key,
                "between 2 and max_position_embeddings (\(model.text.maxPositions))")
        }
    }
}

extension PretrainingConfiguration: Codable {
    /// Keys beside those of the model.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case trainFiles = "train_file"
        case batchSize = "batch_size"
        case optimizer
        case schedule = "schedular"
        case alpha
        case readsConcepts = "kw_img_dataset"
        case separatesConcepts = "sep_token"
        case drawnConceptShare = "randkw_p"
        case bert = "bert_config"
        case saveStep = "save_step"
        case augmentation
        case captionTokens = "caption_tokens"
        case conceptTokens = "concept_tokens"
    }

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        func read<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
            value = try keys.decodeIfPresent(Value.self, forKey: key) ?? value
        }
        model = try ModelConfiguration(from: decoder)
        model.text = try keys.decode(BertConfiguration.self, forKey: .bert)
        // The official files name several in a list and one as a text.
        if let one = try? keys.decode(String.self, forKey: .trainFiles) {
            trainFiles = [one]
        } else {
            try read(.trainFiles, &trainFiles)
        }
        try read(.batchSize, &batchSize)
        try read(.optimizer, &optimizer)
        try read(.schedule, &schedule)
        try read(.alpha, &alpha)
        try read(.readsConcepts, &readsConcepts)
        try read(.separatesConcepts, &separatesConcepts)
        drawnConceptShare = try keys.decodeIfPresent(Double.self, forKey: .drawnConceptShare)
        saveStep = try keys.decodeIfPresent(Int.self, forKey: .saveStep)
        try read(.augmentation, &augmentation)
        try read(.captionTokens, &captionTokens)
        try read(.conceptTokens, &conceptTokens)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        try model.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(model.text, forKey: .bert)
        try keys.encode(trainFiles, forKey: .trainFiles)
        try keys.encode(batchSize, forKey: .batchSize)
        try keys.encode(optimizer, forKey: .optimizer)
        try keys.encode(schedule, forKey: .schedule)
        try keys.encode(alpha, forKey: .alpha)
        try keys.encode(readsConcepts, forKey: .readsConcepts)
        try keys.encode(separatesConcepts, forKey: .separatesConcepts)
        try keys.encodeIfPresent(drawnConceptShare, forKey: .drawnConceptShare)
        try keys.encodeIfPresent(saveStep, forKey: .saveStep)
        try keys.encode(augmentation, forKey: .augmentation)
        try keys.encode(captionTokens, forKey: .captionTokens)
        try keys.encode(conceptTokens, forKey: .conceptTokens)
    }
}

extension PretrainingConfiguration: FileConfiguration {
    /// The keys of the file and of its sections.
    public static var knownKeys: [(section: String, keys: [String])] {
        [
            (
                "",
                CodingKeys.allCases.map(\.rawValue)
                    + ModelConfiguration.CodingKeys.allCases.map(\.rawValue)
            ), ("optimizer", OptimizerConfiguration.CodingKeys.allCases.map(\.rawValue)),
            ("augmentation", AugmentationConfiguration.CodingKeys.allCases.map(\.rawValue)),
            ("schedular", LearningRateSchedule.Configuration.CodingKeys.allCases.map(\.rawValue)),
        ]
    }

    /// Keys of the official files that other tasks read; pretraining passes over them.
    public static let keysOfOthers: Set<String> = [
        "answer_list", "batch_size_test", "batch_size_train", "coco_file", "det_file", "distill",
        "dual_metrics", "eos", "eval_ema", "image_root", "k_test", "refcoco_data", "test_file",
        "val_file", "vg_root", "vqa_root", "warm_up", "model_mae", "avoid_optim",
    ]

    /// `bert_config` names a JSON file in the official files.
    public static var keyOfBertFile: String? { CodingKeys.bert.rawValue }
}
