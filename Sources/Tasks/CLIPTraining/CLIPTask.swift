import Batches
import CLIP
import Configuration
import Datasets
import Images
import Text
import Torch
import Training
import ViCHA

/// Contrastive training of a CLIP model on image-caption pairs (Radford et al. 2021, section 2.3), for concepts where no CLIP weights are at hand.
public struct CLIPTask: TrainingTask {
    /// The largest factor of the similarities, as in the original training.
    private static let mostLogitScale = 4.605170185988092  // ln 100

    /// The weights of the model.
    public let store: ParameterStore
    /// The model that is trained.
    public let model: CLIPModel
    private let configuration: CLIPTrainingConfiguration
    private let records: RecordList<PretrainingRecord>
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
    /// - Throws: `CLIPError`, `ConfigurationKeyError`, `VocabularyError`, `TorchError`
    public init(
        _ configuration: CLIPTrainingConfiguration, records: RecordList<PretrainingRecord>,
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
            names: records.mapped { [$1.image] }, paths: paths,
            transform: .training(
                configuration.augmentation.framing(side: configuration.model.vision.imageSize),
                flips: configuration.augmentation.flips,
                augmentation: configuration.augmentation.usesRandAugment
                    ? RandAugment(keepsOverflows: false) : nil), decodesReduced: true,
            acceptance: configuration.images)
    }

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

    /// Makes the batch of some records, each of which counts as an image of its own.
    public var makeBatch:
        @Sendable ([Int], (UInt64, UInt64)) throws -> (
            batch: ImageTextBatch, skipped: [UnreadableRecord]
        )
    {
        { [images, records, tokenizer, nouns, share = configuration.conceptShare] indices, seed in
            var captions: [String] = []
            let (pixels, skipped) = try images.batch(indices, seed: seed) { sample, random in
                let all = try records[sample.index].captions
                let caption = all[random.index(below: all.count)]
                let concepts = random.uniform() < share ? nouns(caption) : []
                captions.append(
                    concepts.isEmpty ? caption : concepts[random.index(below: concepts.count)])
            }
            let batch = ImageTextBatch(
                images: ImageBatch(pixels: pixels, concepts: nil),
                texts: TokenBatch(captions.map(tokenizer.sequence), pad: 0),
                identities: Tensor(indices))
            return (batch, skipped)
        }
    }

    /// The factor of the similarities.
    public func limitParameters() throws {
        try withoutGradient { try model.logitScale.clamp(to: 0...Self.mostLogitScale) }
    }

    /// The contrastive loss.
    public func losses(_ batch: ImageTextBatch, _ step: TrainingStep) throws -> TrainingLosses {
        let batch = batch.to(device: step.device)
        let loss = model.contrastiveLoss(
            images: model.encode(images: batch.images.pixels),
            texts: model.encode(texts: batch.texts.inputIDs))
        return TrainingLosses(total: loss, parts: [("loss_contrastive", loss)])
    }

    /// The configuration of the run with every value, as YAML.
    public func configurationText() throws -> String { try ConfigurationFile.text(configuration) }

    /// Of all images and captions in their order, which are checked on the way.
    public func dataChecksum() throws -> String {
        try images.paths.checkingImages { look in
            let sum = RecordChecksum()
            try records.visit { record in
                look([record.image])
                sum.add(record.image)
                sum.add(record.captions)
            }
            return sum.text
        }
    }

    /// What the ids of tokens mean.
    public var vocabulary: VocabularyIdentity { tokenizer.identity }

    /// Saves the model in open_clip's form.
    /// - Throws: `FileWritingError`, `SafetensorsError`, `TorchError`
    public func save(to directory: String) throws {
        try CLIPCheckpoint.save(store, configuration.model, to: directory)
    }
}
