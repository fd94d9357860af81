import CLIP
import Datasets
import Images
import Text
import Torch
import ViCHA

/// What a configuration file of `vicha concepts train-clip` says.
public struct CLIPTrainingConfiguration: Sendable, Equatable {
    /// Sizes of the model.
    public var model = CLIPConfiguration()
    /// Annotation files, relative to the annotation directory.
    public var trainFiles: [String] = []
    /// Pairs of a step.
    public var batchSize = 128
    /// The optimizer and its settings.
    public var optimizer = OptimizerConfiguration()
    /// The learning rate over time, and the number of epochs.
    public var schedule = LearningRateSchedule.Configuration()
    /// What is done to pictures.
    public var augmentation = AugmentationConfiguration()
    /// Which image files are read.
    public var images = ImageAcceptance()
    /// Share of texts that are one noun of a caption instead of all of it. Concepts are embedded
    /// without a sentence around them, which a small model that only ever saw sentences does badly.
    public var conceptShare = 0.0

    /// The sizes of ViT-B/16, without data.
    public init() {}

    /// - Throws: `CLIPError`, ``ModelConfigurationError`` naming the first value that cannot be
    ///   trained with.
    public func validate() throws {
        try model.validate()
        func require(
            _ condition: Bool, _ key: String, _ expected: String, found: (any Sendable)? = nil
        ) throws {
            guard condition else {
                throw ModelConfigurationError(key: key, expected: expected, found: found)
            }
        }
        try require(!trainFiles.isEmpty, "train_file", "a list of annotation files")
        try require(
            (2...TrainingSettings.mostAtATime).contains(batchSize), "batch_size",
            "between 2, since negatives come from the batch, and \(TrainingSettings.mostAtATime)",
            found: batchSize)
        try schedule.validate()
        try optimizer.validate()
        try augmentation.validate()
        try images.validate()
        try require(
            (0...1).contains(conceptShare), "concept_share", "between 0 and 1", found: conceptShare)
    }
}

extension CLIPTrainingConfiguration: FileConfiguration {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case trainFiles = "train_file"
        case batchSize = "batch_size"
        case optimizer
        case schedule = "schedular"
        case augmentation
        case images
        case conceptShare = "concept_share"
    }

    /// The values of a file; the sizes of the model must be there.
    public init(from decoder: any Decoder) throws {
        self.init()
        model = try CLIPConfiguration(from: decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        try keys.read(.trainFiles, &trainFiles)
        try keys.read(.batchSize, &batchSize)
        try keys.read(.optimizer, &optimizer)
        try keys.read(.schedule, &schedule)
        try keys.read(.augmentation, &augmentation)
        try keys.read(.images, &images)
        try keys.read(.conceptShare, &conceptShare)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        try model.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(trainFiles, forKey: .trainFiles)
        try keys.encode(batchSize, forKey: .batchSize)
        try keys.encode(optimizer, forKey: .optimizer)
        try keys.encode(schedule, forKey: .schedule)
        try keys.encode(augmentation, forKey: .augmentation)
        try keys.encode(images, forKey: .images)
        try keys.encode(conceptShare, forKey: .conceptShare)
    }

    /// The keys of the file and of its sections.
    public static var knownKeys: [(section: String, keys: [String])] {
        [
            (
                "",
                CodingKeys.allCases.map(\.rawValue)
                    + CLIPConfiguration.knownKeys.filter { $0.section.isEmpty }.flatMap(\.keys)
            ), ("optimizer", OptimizerConfiguration.CodingKeys.allCases.map(\.rawValue)),
            ("augmentation", AugmentationConfiguration.CodingKeys.allCases.map(\.rawValue)),
            ("images", ImageAcceptance.CodingKeys.allCases.map(\.rawValue)),
            ("schedular", LearningRateSchedule.Configuration.CodingKeys.allCases.map(\.rawValue)),
        ] + CLIPConfiguration.knownKeys.filter { !$0.section.isEmpty }
    }

    /// None: no other program reads these files.
    public static var keysOfOthers: Set<String> { [] }

    /// None.
    public static var keyOfBertFile: String? { nil }
}

/// Trains a CLIP model by its contrastive loss (Radford et al. 2021, section 2.3).
public typealias CLIPTrainer = Trainer<CLIPTask>

/// Contrastive training on image-caption pairs, for concepts where no CLIP weights are at hand.
public struct CLIPTask: TrainingTask {
    /// Pixels and tokens of a batch, ready to become tensors.
    public struct Arrays: Sendable {
        /// Normalised. `[rows, 3, side, side]`
        public var pixels: [Float]
        /// One row a caption.
        public var captions: EncodedBatch
    }

    /// The largest factor of the similarities, as in the original training.
    private static let mostLogitScale = 4.605170185988092  // ln 100

    /// The weights of the model.
    public let store: ParameterStore
    /// The model that is trained.
    public let model: CLIPModel
    private let configuration: CLIPTrainingConfiguration
    private let records: [PretrainingRecord]
    private let images: TrainingImages
    private let tokenizer: CLIPTokenizer
    private let nouns: @Sendable (String) -> [String]

    /// Describes the task; the weights are drawn.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - records: image-caption pairs; of several captions each epoch draws one
    ///   - paths: where the images lie
    ///   - merges: `merges.txt` of CLIP's tokenizer, of which the vocabulary takes the first
    ///   - nouns: gives the nouns of a caption, of which ``CLIPTrainingConfiguration/conceptShare``
    ///     takes some; called from several threads
    ///   - seed: of the first weights
    ///   - device: where to compute
    /// - Throws: `CLIPError`, ``ModelConfigurationError``, `VocabularyError`, `TorchError`
    public init(
        _ configuration: CLIPTrainingConfiguration, records: [PretrainingRecord],
        paths: ImagePaths, merges: String, nouns: @escaping @Sendable (String) -> [String],
        seed: UInt64, device: Device
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.nouns = nouns
        self.records = records
        store = try ParameterStore(seed: seed, device: device)
        model = try CLIPModel(store.root, configuration.model)
        try store.validate()
        tokenizer = try CLIPTokenizer(
            mergesFile: merges, vocabularySize: configuration.model.text.vocabularySize,
            contextLength: configuration.model.text.contextLength)
        images = TrainingImages(
            names: records.map { [$0.image] }, paths: paths,
            transform: .training(
                configuration.augmentation.framing(side: configuration.model.vision.imageSize),
                flips: configuration.augmentation.flips,
                augmentation: configuration.augmentation.usesRandAugment
                    ? RandAugment(keepsOverflows: false) : nil), decodesReduced: true,
            acceptance: configuration.images)
    }

    /// Makes sure that every image file exists.
    /// - Throws: `AnnotationError`
    public func checkImages() throws { try images.checkExistence() }

    /// Which weights the optimizer decays: all but gains, biases, embeddings and the temperature.
    public var parameterGroups: [AdamW.Group] {
        ParameterGroups.make(
            store, weightDecay: configuration.optimizer.weightDecay, compatibility: .corrected)
    }

    /// How steps follow each other.
    public var plan: TrainingPlan {
        TrainingPlan(
            recordCount: records.count, batchSize: configuration.batchSize,
            optimizer: configuration.optimizer, schedule: configuration.schedule)
    }

    /// Makes the batch of some records.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (batch: Arrays, skipped: [UnreadableRecord])
    {
        { [images, records, tokenizer, nouns, share = configuration.conceptShare] indices, seed in
            var captions: [String] = []
            let (pixels, skipped) = try images.batch(indices, seed: seed) { sample, random in
                let all = records[sample.index].captions
                let caption = all[random.index(below: all.count)]
                let concepts = random.uniform() < share ? nouns(caption) : []
                captions.append(
                    concepts.isEmpty ? caption : concepts[random.index(below: concepts.count)])
            }
            return (Arrays(pixels: pixels, captions: tokenizer.encode(captions)), skipped)
        }
    }

    /// The contrastive loss.
    public func losses(_ arrays: Arrays, _ step: TrainingStep) throws -> TrainingLosses {
        try withoutGradient { try model.logitScale.clamp(to: 0...Self.mostLogitScale) }
        let side = configuration.model.vision.imageSize
        let captions = arrays.captions
        let pixels = Tensor(arrays.pixels, shape: [captions.rows, 3, side, side])
        let ids = Tensor(captions.inputIDs, shape: [captions.rows, captions.length])
        let loss = model.contrastiveLoss(
            images: model.encode(images: pixels.to(device: step.device)),
            texts: model.encode(texts: ids.to(device: step.device)))
        return TrainingLosses(total: loss, parts: [("loss_contrastive", loss)])
    }

    /// The configuration of the run with every value, as YAML.
    public func configurationText() throws -> String { try ConfigurationFile.text(configuration) }

    /// Of all records in their order.
    public var dataChecksum: String { records.checksum }

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { tokenizer.identity }

    /// Saves the model in open_clip's form.
    /// - Throws: `FileWritingError`, `SafetensorsError`, `TorchError`
    public func save(to directory: String) throws {
        try CLIPCheckpoint.save(store, configuration.model, to: directory)
    }
}
