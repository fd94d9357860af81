// A new task: which of some concepts an image shows. Model, batch, losses, evaluation and prediction stand here,
// and nothing in the package knows of them.
//
//     swift run NewTask CONFIG.yaml DATA-DIRECTORY vocab.txt OUTPUT-DIRECTORY IMAGE
import Batches
import Configuration
import Datasets
import Foundation
import Images
import Tasks
import Text
import Torch
import Training
import ViCHA

/// Images with the concepts that they show.
struct TaggingBatch: TensorBatch {
    let images: ImageBatch
    /// 1 for a concept that the image shows. `[B, tags]`
    let targets: Tensor

    func map(_ change: (Tensor) throws -> Tensor) rethrows -> TaggingBatch {
        try TaggingBatch(images: images.map(change), targets: change(targets))
    }
}

/// The image encoder with a linear layer behind its class token.
final class TaggingModel: TaskModel {
    let shell: ModelShell
    private let vision: VisionTransformer
    private let head: Linear

    init(_ c: ModelConfiguration, tags: Int, seed: UInt64?, device: Device) throws {
        (shell, (vision, head)) = try ModelShell.make(
            c, for: .reasoning, decay: c.momentum, seed: seed, device: device
        ) { root in
            let vision = VisionTransformer(root["visual_encoder"], c.vision)
            return (vision, Linear(root["tags"], c.vision.width, tags))
        }
    }

    /// Whatever else pretraining has is passed over.
    func mapping(of keys: [String: Tensor].Keys) -> WeightMapping {
        var mapping = WeightMapping()
        (mapping.allowingMissing, mapping.allowingUnexpected) = (["tags."], [""])
        return mapping
    }

    /// `[B, tags]`
    func logits(_ images: ImageBatch) -> Tensor {
        head(vision(patches: vision.patches(of: images.pixels)).lastHiddenState.select(1, 0))
    }
}

/// What a configuration file of this task says: what all say, and one key more.
struct TaggingConfiguration: TaskConfiguration {
    var settings = TrainingSettings()
    @Key("batch_size", recordsAtATime, "images of a step") var batchSize = 8
    @Key("tags", "concepts to tell") var tags = ["cup", "cat", "moon", "horse", "table"]
}

struct TaggingDataset: TrainingDataset {
    let captions: ImageTextDataset
    let tags: [String]
    var count: Int { captions.count }
    var tokenizer: WordPieceTokenizer { captions.tokenizer }
    var images: TrainingImages { captions.images }

    func batch(_ indices: [Int], seed: (UInt64, UInt64)) throws -> (
        batch: TaggingBatch, skipped: [UnreadableRecord]
    ) {
        var targets: [Float] = []
        let (pixels, skipped) = try images.batch(indices, seed: seed) { sample, _ in
            let shown = Set(try captions.pairs[sample.index].concepts ?? [])
            targets += tags.map { shown.contains($0) ? 1 : 0 }
        }
        let tensor = Tensor(targets, shape: [indices.count, tags.count])
        return (.init(images: .init(pixels: pixels, concepts: nil), targets: tensor), skipped)
    }

    func inspect(_ look: ([String]) -> Void) throws -> String { try captions.inspect(look) }
}

enum TaggingTask: ModelTask {
    static let name = "tagging"

    static func model(_ c: TaggingConfiguration, isTrained: Bool, seed: UInt64?, device: Device)
        throws -> TaggingModel
    { try TaggingModel(c.settings.model, tags: c.tags.count, seed: seed, device: device) }

    static func dataset(_ c: TaggingConfiguration, _ source: TaskSource) throws -> TaggingDataset {
        TaggingDataset(captions: try source.captions(c.settings), tags: c.tags)
    }

    static func losses(_ batch: TaggingBatch, of run: TaskRun<Self>, _ step: TrainingStep) throws
        -> TrainingLosses
    {
        let batch = batch.to(device: step.device)
        let signs = batch.targets * 2 + (-1)
        return TrainingLosses(-(run.model.logits(batch.images) * signs).sigmoid().log().mean())
    }

    /// What was trained on; a task in earnest has a set of its own.
    static func evaluated(_ c: TaggingConfiguration, _: TaggingModel, _ source: TaskSource) throws
        -> TaggingDataset?
    { try dataset(c, source) }

    /// Share of right judgements.
    static func evaluate(_ data: TaggingDataset, of run: TaskRun<Self>, _ compute: ComputeOptions)
        throws
        -> EpochEvaluation?
    {
        let all = try data.batch(Array(0..<data.count), seed: (0, 0)).batch.to(
            device: compute.device)
        let said = withInferenceMode { run.model.logits(all.images).isGreater(than: 0) }
        let right = said.to(dtype: .float32).equals(all.targets).to(dtype: .float32)
        let accuracy = try right.mean().item()
        return EpochEvaluation(results: [("val_acc", accuracy)], score: accuracy)
    }
}

let arguments = CommandLine.arguments
precondition(arguments.count == 6, "NewTask CONFIG.yaml DATA vocab.txt OUTPUT-DIRECTORY IMAGE")
let configuration = try ConfigurationFile.load(
    TaggingConfiguration.self, arguments[1], overrides: ["schedular.epochs=3"]
).configuration
let source = TaskSource(
    images: ImagePaths(dataDirectory: arguments[2]), annotationDirectory: arguments[2],
    tokenizer: try WordPieceTokenizer(vocabularyFile: arguments[3]))
let run = try TaskRun<TaggingTask>(
    configuration, model: TaggingTask.model(configuration, isTrained: true, seed: 1, device: .cpu),
    source: source)
let trainer = try Trainer(
    run, options: TrainingOptions(directory: RunDirectory(arguments[4], .overwriting)))
guard try trainer.run() == .finished, let best = trainer.best else { exit(1) }
print(String(format: "%.0f %% right after epoch %d", 100 * best.score, best.epoch))

// The directory is one that opens like any other.
let trained = try TrainedModel<TaggingTask>(ModelDirectory(arguments[4]))
let image = try ImageBatch(
    [ImageDecoder.decode(path: arguments[5])], concepts: [[]], tokenizer: trained.tokenizer,
    EvaluationOptions(trained.configuration.settings))
let shares = try trained.model.logits(image).sigmoid().array(of: Double.self)
for (tag, share) in zip(trained.configuration.tags, shares) {
    print(String(format: "%5.1f %%  ", 100 * share) + tag)
}
