// Builds encoders from a configuration and lets a text look at an image, without any task.
//
//     swift run BuildEncoders IMAGE
import Batches
import Configuration
import Datasets
import Foundation
import Images
import Text
import Torch
import ViCHA

guard CommandLine.arguments.count == 3 else {
    print("usage: BuildEncoders IMAGE vocab.txt")
    exit(64)
}
var configuration = ModelConfiguration()
(configuration.vision.width, configuration.vision.depth, configuration.vision.heads) = (64, 4, 4)
(configuration.vision.imageSize, configuration.vision.patchSize) = (96, 16)
(configuration.text.hiddenSize, configuration.text.intermediateSize) = (64, 128)
(configuration.text.encoderWidth, configuration.text.attentionHeads) = (64, 4)
(configuration.text.layers, configuration.text.fusionLayer) = (4, 2)
configuration.usesConcepts = true
configuration.compatibility = .corrected
try configuration.validate()

// Parts name their weights in a store, whose keys are those of the state dictionary.
let store = try ParameterStore(seed: 1)
let encoders = Encoders(store.root, configuration)
let projections = FeatureProjections(store.root, configuration)
try store.validate()
print("\(store.parameters.map(\.tensor.count).reduce(0, +)) weights")

let tokenizer = try WordPieceTokenizer(vocabularyFile: CommandLine.arguments[2])
let images = try ImageBatch(
    [ImageDecoder.decode(path: CommandLine.arguments[1])], concepts: [["cup", "table"]],
    tokenizer: tokenizer, EvaluationOptions(side: configuration.vision.imageSize))
let texts = tokenizer.batch(["a cup on a table"])
try withInferenceMode {
    let image = encoders.encode(images)
    let text = encoders.text.encodeText(texts)
    let similarity = projections.features(of: image)
        .matmul(projections.features(ofText: text[text.count - 1]).transposed(0, 1))
    let fused = encoders.fuse(texts, encoders.text.keyValues(of: image))
    print("image \(image.lastHiddenState.shape), text that looks at it \(fused.shape)")
    print(String(format: "cosine of their features %.3f", try similarity.item()))
}
