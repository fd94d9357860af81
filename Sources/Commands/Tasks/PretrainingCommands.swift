import ArgumentParser
import Files
import Foundation
import Tasks
import Text
import Torch
import Training
import ViCHA

/// `vicha pretrain`
enum PretrainingCommands: TaskCommands {
    typealias Training = PretrainingExtras

    static let training = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Pretrain a model on image-caption pairs.",
        discussion: """
            Reads an official YAML file or one of this project's, and official annotation files. \
            Writes config.yaml, log.txt (one JSON object an epoch), metrics.jsonl (one a step), \
            TensorBoard events and checkpoints to the output directory. Ctrl-C finishes the step, \
            saves and exits; --resume goes on from there as if nothing had happened.

            EXAMPLES
              vicha pretrain --config configs/pretrain_tiny.yaml --data-dir Samples \\
                --data-json-dir Samples --output-dir output/tiny
              vicha pretrain --config configs/pretrain_tiny.yaml --data-dir Samples \\
                --data-json-dir Samples --output-dir output/tiny --resume
              vicha pretrain --config Pretrain.yaml --data-dir /data --data-json-dir /data/json \\
                --output-dir output/base --device cuda --precision bf16 --set batch_size=64
            """)
}

/// Where weights of pretraining come from.
struct PretrainingExtras: TrainingExtras {
    typealias Task = PretrainingTask

    static let beginsAnew = true

    @Option(
        name: [.long, .customLong("text_encoder")],
        help: "BERT directory (config.json, vocab.txt, model.safetensors) for initial text weights."
    )
    var textEncoder: String?

    @Option(help: "Vision transformer in timm's layout (.safetensors) for initial image weights.")
    var imageEncoder: String?

    var vocabulary: String? { textEncoder.map { $0 + "/vocab.txt" } }

    func initialize(_ model: PretrainingModel, _ tokenizer: WordPieceTokenizer) throws {
        if let textEncoder {
            let own = textEncoder + "/vocab.txt"
            if FileManager.default.fileExists(atPath: own) {
                let vocabulary = try WordPieceTokenizer(vocabularyFile: own).identity
                guard vocabulary.isSame(as: tokenizer.identity) else {
                    throw CheckpointError.otherVocabulary(
                        path: textEncoder, saved: vocabulary, now: tokenizer.identity)
                }
            }
            let names = ["/model.safetensors", "/pytorch_model.bin"].map { textEncoder + $0 }
            // The second is only read to say what to do with it.
            let file = names.first(where: FileManager.default.fileExists) ?? names[0]
            let report = try StateDictionaryError.naming(file) {
                try model.store.load(bert: SafetensorsFile(path: file).tensors())
            }
            if report.initialized.contains(where: BertWeights.isLanguageHead) {
                note("'\(file)' has no head for masked words; it starts with random weights")
            }
        }
        if let imageEncoder {
            try StateDictionaryError.naming(imageEncoder) {
                try model.load(imageEncoder: SafetensorsFile(path: imageEncoder).tensors())
            }
        }
    }
}
