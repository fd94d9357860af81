// A new objective: pairs of images and captions are told apart one by one by a sigmoid (Zhai et al. 2023),
// without momentum model and queue. The trainer does the rest: steps, schedule, logs, checkpoints.
//
//     swift run NewObjective CONFIG.yaml DATA-DIRECTORY vocab.txt OUTPUT-DIRECTORY
import Batches
import Configuration
import Datasets
import Foundation
import Tasks
import Text
import Torch
import Training
import ViCHA

/// Two encoders without fusion, a scale and an offset of their similarities.
final class SigmoidModel: SizedModel {
    let shell: ModelShell
    let parts: (Encoders, FeatureProjections, scale: Tensor, bias: Tensor)

    init(_ c: ModelConfiguration, seed: UInt64?, device: Device) throws {
        (shell, parts) = try ModelShell.make(
            c, for: .retrieval, decay: c.momentum, seed: seed, device: device
        ) { scope in
            (
                Encoders(scope, c), FeatureProjections(scope, c),
                scope.parameter("scale", [], .constant(log(10))),
                scope.parameter("bias", [], .constant(-10))
            )
        }
    }

    func mapping(of keys: [String: Tensor].Keys) -> WeightMapping { WeightMapping() }

    /// Mean over all pairs of −log σ(±(s·cosine + b)), + where image and caption belong together.
    func loss(_ batch: ImageTextBatch, dropout: Generator) -> Tensor {
        let (encoders, projections, scale, bias) = parts
        let image = encoders.encode(batch.images, dropout: dropout)
        let text = encoders.text.encodeText(batch.texts, dropout: dropout)
        let logits =
            projections.features(of: image)
            .matmul(projections.features(ofText: text[text.count - 1]).transposed(0, 1))
            * scale.exp() + bias
        let signs = Tensor.identity(batch.count, device: logits.device) * 2 + (-1)
        return -(logits * signs).sigmoid().log().sum() / Double(batch.count)
    }
}

/// Pretraining with that objective alone, on the same configuration files and annotation files.
enum SigmoidTask: ModelTask {
    typealias Configuration = PretrainingConfiguration
    typealias Model = SigmoidModel
    static let name = "sigmoid pretraining"

    static func losses(
        _ batch: ImageTextBatch, of run: TaskRun<SigmoidTask>, _ step: TrainingStep
    ) throws -> TrainingLosses {
        TrainingLosses(run.model.loss(batch.to(device: step.device), dropout: step.dropout))
    }
}

guard CommandLine.arguments.count == 5 else {
    print("usage: NewObjective CONFIG.yaml DATA-DIRECTORY vocab.txt OUTPUT-DIRECTORY")
    exit(64)
}
let (config, data, vocabulary, output) = (
    CommandLine.arguments[1], CommandLine.arguments[2], CommandLine.arguments[3],
    CommandLine.arguments[4]
)
let configuration = try ConfigurationFile.load(
    PretrainingConfiguration.self, config, overrides: ["schedular.epochs=3"]
).configuration
let source = TaskSource(
    images: ImagePaths(dataDirectory: data), annotationDirectory: data,
    tokenizer: try WordPieceTokenizer(
        vocabularyFile: vocabulary, fitting: configuration.settings.model))
let run = try TaskRun<SigmoidTask>(
    configuration, model: SigmoidTask.model(configuration, isTrained: true, seed: 1, device: .cpu),
    source: source)
let trainer = try Trainer(
    run, options: TrainingOptions(directory: RunDirectory(output, .overwriting)))
guard try trainer.run() == .finished else { exit(1) }
print("look at \(output)/log.txt")
