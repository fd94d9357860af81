import Batches
import Configuration
import Datasets
import Foundation
import Testing
import Text
import Torch
import ViCHA

@testable import Tasks
@testable import Training

/// Odd values of every key of every task: an error that names the key, or a model that makes a step.
@Suite struct ConfigurationValuesTests {
    static let values = [
        "0", "1", "2", "-1", "0.5", "1e300", "9223372036854775807", "-9223372036854775808",
        "18446744073709551616", "4294967296", ".inf", ".nan", "''", "many", "[]", "[-1, .nan]",
        "[x, null]", "{a: 1}", "null", "True",
    ]

    /// A model of a few hundred weights, with every section.
    static let base = """
        train_file: [a.json]
        val_file: v.json
        compatibility: COMPATIBILITY
        image_res: 16
        patch_size: 8
        vision_width: 16
        vision_depth: 3
        vision_heads: 2
        mlp_ratio: 1
        embed_dim: 8
        queue_size: 8
        kw_img_model: True
        kw_img_dataset: True
        num_hidden_layers_kw: 1
        return_hidden_state: True
        num_hidden_align: 2
        ita_hidden_weights: [1, 1]
        mae: True
        unimodal_mae: True
        decoder_width: 16
        decoder_heads: 2
        decoder_depth: 1
        caption_tokens: 16
        concept_tokens: 16
        save_step: 1
        randkw_p: 0.5
        schedular: {epochs: 1, warmup_epochs: 0}
        batch_size: 4
        batch_size_train: 4
        block_num: 2
        bert_config: {hidden_size: 16, encoder_width: 16, intermediate_size: 16, num_hidden_layers: 3,
          num_attention_heads: 2, fusion_layer: 2, vocab_size: 130, max_position_embeddings: 32}
        """

    /// Every key that a type knows, with its section.
    static func keys(_ type: (some KeyedConfiguration).Type) -> [String] {
        type.knownKeys.flatMap { section, keys in
            (section.isEmpty ? [] : [section])
                + keys.map { section.isEmpty ? $0 : "\(section).\($0)" }
        }
    }

    /// Tries all values of all keys, and makes a step with those configurations that are taken.
    func tryAll<C: TaskConfiguration>(
        _ type: C.Type, _ compatibility: Compatibility, _ step: (C) throws -> Void
    ) throws {
        let path = try ConfigurationTests.file(
            Self.base.replacing("COMPATIBILITY", with: compatibility.rawValue))
        let base = try ConfigurationFile.load(type, path).configuration
        try base.validate()
        try step(base)
        var seen = [base.settings.model]
        var (refused, taken) = (0, 0)
        for key in Self.keys(type) {
            let name = String(key.split(separator: ".").last ?? "")
            for value in Self.values {
                do {
                    let c = try ConfigurationFile.load(
                        type, path, overrides: ["\(key)=\(value)"]
                    ).configuration
                    try c.validate()
                    // A step takes long; of what the tasks beside pretraining read, the model decides it.
                    if !seen.contains(c.settings.model) || type == PretrainingConfiguration.self {
                        seen.append(c.settings.model)
                        try step(c)
                    }
                    taken += 1
                } catch {
                    refused += 1
                    let message = "\(error)"
                    let isNamed =
                        message.contains("'\(name)'") || message.contains(".\(name)'")
                        || message.contains("'\(name).") || message.contains(" \(name) ")
                        || message.contains(".\(name) ") || message.contains(".\(name).")
                    #expect(isNamed, "\(key)=\(value): \(message)")
                    #expect(
                        error is ConfigurationError || error is ConfigurationKeyError
                            || (key == "images.max_pixels" && error is ReplacementError),
                        "\(key)=\(value): \(message)")
                    for word in ["Swift", "CodingKey", "Decod", "Optional(", "Yams", "Node"] {
                        #expect(!message.contains(word), "\(key)=\(value): \(message)")
                    }
                }
            }
        }
        #expect(refused > 500 && taken > 50)
    }

    @Test func pretraining() throws {
        let setting = try TrainerTests.Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        var options = TrainingOptions(
            directory: try RunDirectory(setting.directory.appendingPathComponent("out").path))
        options.maxSteps = 1
        let path = setting.directory.appendingPathComponent("config.yaml").path
        let tokenizer = try WordPieceTokenizer(
            vocabularyFile: setting.directory.appendingPathComponent("vocab.txt").path)
        try tryAll(PretrainingConfiguration.self, .official) { c in
            // As the commands do, which know the vocabulary.
            guard tokenizer.vocabularySize <= c.settings.model.text.vocabularySize else { return }
            let trainer = try Trainer(
                TaskRun<PretrainingTask>(
                    c, model: PretrainingModel(c.settings.model),
                    dataset: ImageTextDataset(
                        pairs: setting.dataset.pairs, paths: setting.dataset.paths,
                        tokenizer: tokenizer, options: ImageTextOptions(c.settings))),
                options: options)
            let arrays = try trainer.task.makeBatch([0, 1, 2, 3], (1, 2)).batch
            let step = TrainingStep(
                epoch: 0, iteration: 0, iterationsPerEpoch: 2, device: .cpu,
                draws: try Generator(seed: 1), dropout: try Generator(seed: 1))
            try trainer.task.losses(arrays, step).total.backward()
            try ConfigurationFile.text(c).write(toFile: path, atomically: true, encoding: .utf8)
            let again = try ConfigurationFile.load(PretrainingConfiguration.self, path)
            #expect(again.configuration == c)
            let schedule = LearningRateSchedule(
                c.settings.schedule, learningRate: c.settings.optimizer.learningRate)
            #expect((0..<3).allSatisfy { schedule.rate(epoch: $0, iteration: 150).isFinite })
        }
    }

    /// Ids of two texts for each of the image inputs of a tiny model.
    private func tokens(_ length: Int) -> TokenBatch {
        TokenBatch(
            inputIDs: .zeros([2, length], dtype: .int64),
            attentionMask: .ones([2, length], dtype: .int64))
    }

    private func images(_ c: ModelConfiguration) throws -> ImageBatch {
        ImageBatch(
            pixels: .normal(
                [2, 3, c.vision.imageSize, c.vision.imageSize],
                generator: try Generator(seed: 1)), concepts: c.usesConcepts ? tokens(2) : nil)
    }

    @Test func retrieval() throws {
        try tryAll(RetrievalConfiguration.self, .official) { c in
            let model = try RetrievalModel(c.settings.model)
            let losses = try model.losses(
                ImageTextBatch(
                    images: images(c.settings.model), texts: tokens(2), identities: .range(0..<2)),
                .drawn(noise: .uniform([2, 2, 2], generator: try Generator(seed: 1))),
                alpha: c.settings.alpha)
            try losses.total.backward()
        }
    }

    @Test func grounding() throws {
        try tryAll(GroundingConfiguration.self, .corrected) { c in
            try RetrievalModel(c.settings.model).heatMapper.check(c.attention)
        }
    }

    @Test func classification() throws {
        let kind = ClassificationModel.Kind.imagePair
        try tryAll(ClassificationConfiguration.self, .official) { c in
            let c = c.resolved(for: kind)
            let model = try ClassificationModel(
                c.settings.model, kind, distills: c.fineTuning.distills)
            let images = try images(c.settings.model)
            let batch = ClassificationBatch(
                images: Array(repeating: images, count: kind.imagesPerSentence), texts: tokens(2),
                targets: .ones([2], dtype: .int64))
            try model.loss(batch, alpha: c.settings.alpha).backward()
        }
    }

    @Test func questions() throws {
        try tryAll(QuestionAnsweringConfiguration.self, .corrected) { c in
            let model = try QuestionAnsweringModel(
                c.settings.model, distills: c.fineTuning.distills)
            let batch = QuestionBatch(
                images: try images(c.settings.model),
                questions: tokens(2), answers: tokens(2), questionOfAnswer: .range(0..<2),
                weights: .ones([2]))
            try model.loss(batch, alpha: c.settings.alpha).backward()
        }
    }
}
