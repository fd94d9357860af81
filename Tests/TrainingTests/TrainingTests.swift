import Batches
import Configuration
import Datasets
import Foundation
import Images
import Testing
import Text
import Torch
import ViCHA

@testable import Tasks
@testable import Training

@Suite struct ConfigurationTests {
    static func file(_ text: String, beside files: [String: String] = [:]) throws -> String {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (name, content) in files {
            try content.write(
                to: directory.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
        let path = directory.appendingPathComponent("config.yaml")
        try text.write(to: path, atomically: true, encoding: .utf8)
        return path.path
    }

    /// The values of the official Pretrain.yaml, in its own notation.
    static let official = """
        train_file: ['coco_kw.json',
                      'sbu_kw.json',
                       ]
        image_res: 256
        vision_width: 768
        embed_dim: 256
        batch_size: 32
        temp: 0.07
        mlm_probability: 0.15
        queue_size: 65536
        momentum: 0.995
        alpha: 0.4
        optimizer: {opt: adamW, lr: 1e-4, weight_decay: 0.02}
        schedular: {sched: cosine, lr: 1e-4, epochs: 11, min_lr: 1e-5, decay_rate: 1, warmup_lr: 1e-5, warmup_epochs: 20, cooldown_epochs: 0}
        kw_img_dataset: True
        sep_token: False
        kw_img_model: True
        num_hidden_layers_kw: 2
        randkw_p: 0.3
        return_hidden_state: true
        num_hidden_align: 5
        ita_hidden_weight: 0.1 # 0.5
        ita_hidden_weights: [1, 1, 1, 1, 1]
        bert_config: 'configs/config_bert.json'
        mae: True
        mask_ratio: 0.75
        unimodal_mae: True
        """
    static let bert = """
        {"architectures": ["BertForMaskedLM"], "attention_probs_dropout_prob": 0.1, "hidden_size": 768,
         "layer_norm_eps": 1e-12, "num_hidden_layers": 12, "fusion_layer": 6, "encoder_width": 768,
         "vocab_size": 30522}
        """

    @Test func officialNotationIsRead() throws {
        let path = try Self.file(Self.official, beside: ["config_bert.json": Self.bert])
        let loaded = try ConfigurationFile.load(PretrainingConfiguration.self, path)
        let c = loaded.configuration
        #expect(loaded.warnings == [])
        #expect(c.settings.trainFiles == ["coco_kw.json", "sbu_kw.json"])
        #expect(c.settings.optimizer.learningRate == 1e-4)
        #expect(c.settings.schedule.epochs == 11)
        #expect(c.settings.schedule.warmupEpochs == 20)
        #expect(c.settings.model.compatibility == .official)
        #expect(c.settings.model.maskedImage == .unimodal)
        #expect(c.settings.model.usesConcepts && c.settings.readsConcepts)
        #expect(c.settings.drawnConceptShare == 0.3)
        #expect(c.settings.model.text == BertConfiguration())
        #expect(c.settings.model.layerWeights == [1, 1, 1, 1, 1])
        try c.validate()
    }

    static let officialDirectory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/published").path

    /// The keys and values of all published files.
    @Test
    func publishedFilesDecodeWithoutWarnings() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.officialDirectory)
            .filter { $0.hasSuffix(".yaml") }
        #expect(names.count == 15)
        for name in names {
            let loaded = try ConfigurationFile.load(
                PretrainingConfiguration.self, Self.officialDirectory + "/" + name)
            #expect(loaded.warnings == [], "\(name)")
            #expect(loaded.configuration.settings.model.compatibility == .official)
            if name.hasPrefix("Pretrain") { try loaded.configuration.validate() }
        }
    }

    @Test func everyPresetIsSound() throws {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../configs").path
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter {
            $0.hasSuffix(".yaml")
        }
        #expect(names.count >= 4)
        for name in names {
            let loaded = try ConfigurationFile.load(
                PretrainingConfiguration.self, directory + "/" + name)
            #expect(loaded.warnings == [], "\(name)")
            #expect(loaded.configuration.settings.model.compatibility == .corrected, "\(name)")
            try loaded.configuration.validate()
        }
    }

    @Test func unknownKeysAreWarnedOfWithTheNearest() throws {
        let path = try Self.file(
            "batchsize: 4\noptimizer: {lr: 1e-3, weigth_decay: 0}\ntrain_file: [a]")
        let warnings = try ConfigurationFile.load(PretrainingConfiguration.self, path).warnings
        #expect(warnings.count == 2)
        #expect(warnings[0].contains("'batchsize'") && warnings[0].contains("'batch_size'"))
        #expect(warnings[1].contains("'optimizer.weight_decay'"))
    }

    @Test func errorsNameFileAndKey() throws {
        func error(_ text: String) throws -> String {
            let path = try Self.file(text)
            let error = try #require(throws: ConfigurationError.self) {
                try ConfigurationFile.load(PretrainingConfiguration.self, path)
            }
            #expect("\(error)".contains(path))
            return "\(error)"
        }
        #expect(try error("batch_size: many").contains("'batch_size'"))
        #expect(try error("schedular: {epochs: [1]}").contains("'schedular.epochs'"))
        #expect(
            try error("schedular: {sched: step}").hasSuffix(
                "key 'schedular.sched': expected one of cosine, found 'step'"))
        #expect(
            try error("batch_size: [1]").hasSuffix(
                "key 'batch_size': expected a single value, found a list"))
        #expect(
            try error("kw_img_model: {a: 1}").hasSuffix(
                "key 'kw_img_model': expected a single value, found a section of keys"))
        #expect(
            try error("ita_hidden_weights: [1, x]").hasSuffix(
                "key 'ita_hidden_weights.1': expected a number, found 'x'"))
        #expect(
            try error("optimizer: 3").hasSuffix(
                "key 'optimizer': expected a section of keys with values, found '3'"))
        #expect(
            try error("compatibility: 3").hasSuffix(
                "key 'compatibility': expected one of official, corrected, found '3'"))
        #expect(try error("compatibility: sometimes").contains("'compatibility'"))
        #expect(try error("bert_config: nowhere.json").contains("nowhere.json"))
        // Said once for each place that was looked at, and still to be read.
        let long = "bert_config: " + String(repeating: "😀", count: 2000)
        #expect(try error(long).utf8.count < 2500)
        #expect(try error("a: [1").contains("no valid YAML"))
        #expect(try error("- 1").contains("no mapping"))
        #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.load(PretrainingConfiguration.self, "/no/such.yaml")
        }
    }

    @Test func compatibilityDecidesHowImagesAreRead() throws {
        var configuration = PretrainingConfiguration()
        configuration.settings.separatesConcepts = true
        configuration.settings.drawnConceptShare = 0.3
        for compatibility in Compatibility.allCases {
            configuration.settings.model.compatibility = compatibility
            let options = ImageTextOptions(configuration.settings)
            guard case .training(.crop(let crop), let flips, let augmentation) = options.transform
            else {
                Issue.record("pretraining without augmentation")
                continue
            }
            #expect(crop.side == 256 && crop.scale == 0.2...1 && flips)
            #expect(augmentation?.keepsOverflows == (compatibility == .official))
            #expect(options.decodesReduced == (compatibility == .corrected))
            #expect(options.separatesConcepts && options.drawnConceptShare == 0.3)
        }
    }

    @Test func augmentationCanBeChosen() throws {
        let path = try Self.file("train_file: [a]")
        let configuration = try ConfigurationFile.load(
            PretrainingConfiguration.self, path,
            overrides: ["augmentation={crop_scale: 0.8, flip: False, rand_augment: False}"]
        ).configuration
        guard
            case .training(.crop(let crop), let flips, let augmentation) =
                ImageTextOptions(configuration.settings).transform
        else {
            Issue.record("pretraining without augmentation")
            return
        }
        #expect(crop.scale == 0.8...1 && !flips && augmentation == nil)
        var whole = configuration.settings
        whole.augmentation.crops = false
        #expect(
            ImageTextOptions(whole).transform
                == .training(
                    .whole(side: whole.model.vision.imageSize), flips: false, augmentation: nil))
        var wrong = configuration
        wrong.settings.augmentation.cropScale = 2
        #expect(throws: ConfigurationKeyError.self) { try wrong.validate() }
    }

    @Test func overridesChangeValues() throws {
        let path = try Self.file("batch_size: 4\ntrain_file: [a]")
        let c = try ConfigurationFile.load(
            PretrainingConfiguration.self, path,
            overrides: [
                "batch_size=8", "optimizer.lr=1e-5", "train_file=[b, c]",
                "bert_config.hidden_size=24",
            ]
        ).configuration
        #expect(c.batchSize == 8)
        #expect(c.settings.optimizer.learningRate == 1e-5)
        #expect(c.settings.trainFiles == ["b", "c"])
        #expect(c.settings.model.text.hiddenSize == 24)
        #expect(throws: ConfigurationError.invalidOverride("batch_size")) {
            try ConfigurationFile.load(
                PretrainingConfiguration.self, path, overrides: ["batch_size"])
        }
    }

    @Test func writtenConfigurationReadsBackEqual() throws {
        let path = try Self.file(Self.official, beside: ["config_bert.json": Self.bert])
        let configuration = try ConfigurationFile.load(PretrainingConfiguration.self, path)
            .configuration
        let copy = path + ".copy.yaml"
        try ConfigurationFile.text(configuration).write(
            toFile: copy, atomically: true, encoding: .utf8)
        let again = try ConfigurationFile.load(PretrainingConfiguration.self, copy)
        #expect(again.configuration == configuration)
        #expect(again.warnings == [])
    }
}

@Suite struct TrainerTests {
    /// A run of a tiny model on generated images in a directory of its own.
    struct Setting {
        let directory: URL
        var configuration = PretrainingConfiguration()
        var dataset: ImageTextDataset
        let tokenizer: WordPieceTokenizer

        init(records count: Int = 12, dropout: Double = 0.1) throws {
            directory = FileManager.default.temporaryDirectory.appendingPathComponent(
                UUID().uuidString)
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true)
            var words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
            let wordCount = min(count, 26)
            words += (0..<wordCount).map { "word\($0)" }
            let vocabulary = directory.appendingPathComponent("vocab.txt")
            // Ids of special tokens are those of BERT, so that masking leaves them alone.
            var lines = (0..<130).map { "[unused\($0)]" }
            for (index, id) in [0, 100, 101, 102, 103].enumerated() { lines[id] = words[index] }
            for index in 0..<wordCount { lines[104 + index] = words[5 + index] }
            try lines.joined(separator: "\n").write(
                to: vocabulary, atomically: true, encoding: .utf8)
            var records: [PretrainingRecord] = []
            for index in 0..<count {
                let image = RGBImage(
                    width: 24, height: 24,
                    pixels: (0..<24 * 24 * 3).map { UInt8(truncatingIfNeeded: $0 * (index + 3)) })
                try ImageEncoder.png(image).write(
                    to: directory.appendingPathComponent("\(index).png"))
                let caption = (0..<4).map { "word\((index + $0) % wordCount)" }.joined(
                    separator: " ")
                records.append(
                    PretrainingRecord(
                        image: "\(index).png", captions: [caption],
                        concepts: ["word\(index % wordCount)"]))
            }
            var model = ModelConfiguration()
            model.usesConcepts = true
            model.vision.imageSize = 16
            model.vision.patchSize = 8
            (model.vision.width, model.vision.depth, model.vision.heads) = (16, 3, 2)
            (model.text.hiddenSize, model.text.encoderWidth, model.text.intermediateSize) = (
                16, 16, 32
            )
            (model.text.attentionHeads, model.text.layers, model.text.fusionLayer) = (2, 3, 2)
            (model.text.vocabularySize, model.text.maxPositions) = (130, 32)
            (model.text.hiddenDropout, model.text.attentionDropout) = (dropout, dropout)
            (model.embedDim, model.queueSize, model.momentum) = (8, 8, 0.9)
            (model.decoderWidth, model.decoderHeads, model.decoderDepth) = (16, 2, 1)
            model.conceptLayers = 1
            model.maskedImage = .unimodal
            model.mlmProbability = 0.4
            model.compatibility = .corrected
            configuration.settings.model = model
            configuration.settings.trainFiles = ["unused.json"]
            configuration.batchSize = 4
            configuration.settings.readsConcepts = true
            configuration.settings.captionTokens = 16
            configuration.settings.conceptTokens = 16
            configuration.settings.schedule.epochs = 3
            configuration.settings.schedule.warmupEpochs = 0
            configuration.settings.optimizer.learningRate = 1e-3
            var options = ImageTextOptions(
                transform: .training(
                    .crop(RandomResizedCrop(side: 16, scale: 0.2...1)), flips: true,
                    augmentation: RandAugment(keepsOverflows: false)))
            options.textTokens = 16
            options.conceptTokens = 16
            tokenizer = try WordPieceTokenizer(vocabularyFile: vocabulary.path)
            dataset = ImageTextDataset(
                pairs: ImageTextPair.pairs(of: RecordList(records)),
                paths: ImagePaths(dataDirectory: directory.path), tokenizer: tokenizer,
                options: options)
        }

        func trainer(
            _ output: String, _ start: RunDirectory.Start = .new, maxSteps: Int? = nil,
            stepsPerEpoch: Int? = nil, workers: Int = 1,
            stop: StopSignal = StopSignal()
        ) throws -> Trainer<TaskRun<PretrainingTask>> {
            var options = TrainingOptions(
                directory: try RunDirectory(
                    directory.appendingPathComponent(output).path, start))
            options.maxSteps = maxSteps
            options.stepsPerEpoch = stepsPerEpoch
            options.workers = workers
            return try Trainer(
                TaskRun(
                    configuration,
                    model: try PretrainingModel(configuration.settings.model, seed: 1),
                    dataset: dataset), options: options, stop: stop)
        }

        func lines(_ output: String, _ file: String) throws -> [String] {
            try String(
                contentsOf: directory.appendingPathComponent(output).appendingPathComponent(file),
                encoding: .utf8
            )
            .split(separator: "\n").map(String.init)
        }
    }

    /// The heart of resuming: interrupted in the middle of an epoch and continued by a new process'
    /// worth of objects, a run has the same weights, bit for bit, and the same logs.
    @Test(arguments: [1, 4, 6, 7]) func interruptedRunEqualsUninterrupted(_ steps: Int) throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let whole = try setting.trainer("whole")
        #expect(try whole.run() == .finished)
        let copy = setting.directory.appendingPathComponent("copy").path
        do {
            let first = try setting.trainer("parts", maxSteps: steps, workers: 2)
            #expect(try first.run() == .finished)
            try FileManager.default.copyItem(atPath: first.lastCheckpoint, toPath: copy)
        }
        // Twice from the same place: what the first continuation logged is not logged again.
        do {
            let lost = try setting.trainer("parts", .resuming)
            try lost.resume(from: copy)
            _ = try lost.run()
        }
        let second = try setting.trainer("parts", .resuming, workers: 3)
        try second.resume(from: copy)
        #expect(try second.run() == .finished)
        for (a, b) in zip(whole.task.model.store.entries, second.task.model.store.entries) {
            #expect(a.key == b.key)
            #expect(
                try a.tensor.array(of: Double.self) == b.tensor.array(of: Double.self), "\(a.key)")
        }
        for file in ["metrics.jsonl", "log.txt"] {
            #expect(try setting.lines("whole", file) == setting.lines("parts", file))
        }
        #expect(try setting.lines("whole", "metrics.jsonl").count == 9)
        #expect(try setting.lines("whole", "log.txt").count == 3)
    }

    @Test func lossesFall() throws {
        var setting = try Setting(dropout: 0)
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        setting.configuration.settings.schedule.epochs = 60
        _ = try setting.trainer("out").run()
        let totals = try setting.lines("out", "log.txt").map { line -> Double in
            let values = try JSONDecoder().decode([String: Loose].self, from: Data(line.utf8))
            return ["train_loss_mlm", "train_loss_ita", "train_loss_itm", "train_loss_mae"]
                .compactMap { values[$0]?.number }.reduce(0, +)
        }
        #expect(totals.count == 60)
        #expect(totals.suffix(5).reduce(0, +) / 5 < 0.8 * totals[0])
    }

    struct Loose: Decodable {
        let number: Double
        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let plain = try? value.decode(Double.self) {
                number = plain
            } else {
                number = Double(try value.decode(String.self)) ?? .nan
            }
        }
    }

    @Test func logsHaveTheOfficialForm() throws {
        var setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        setting.configuration.settings.schedule.epochs = 1
        setting.configuration.settings.saveStep = 1
        let trainer = try setting.trainer("out")
        _ = try trainer.run()
        let line = try #require(try setting.lines("out", "log.txt").first)
        let pattern =
            #/\{"train_loss_ita": "\d+\.\d{3}", "train_loss_itm": "\d+\.\d{3}", "train_loss_mae": "\d+\.\d{3}", "train_loss_mlm": "\d+\.\d{3}", "train_lr": "\d+\.\d{3}", "epoch": 0\}/#
        #expect(line.wholeMatch(of: pattern) != nil, "\(line)")
        let names = try FileManager.default.contentsOfDirectory(
            atPath: setting.directory.appendingPathComponent("out").path)
        #expect(names.contains("checkpoint_00.safetensors"))
        #expect(names.contains("config.yaml"))
        #expect(names.contains { $0.hasPrefix("events.out.tfevents.") })
        let file = try SafetensorsFile(path: trainer.lastCheckpoint)
        let weights = file.keys.filter { key in
            !TrainingCheckpoint.statePrefixes.contains(where: key.hasPrefix)
        }
        #expect(
            weights.contains("text_encoder_m.bert.encoder.layer.2.crossattention.self.key.weight"))
        #expect(weights.contains("queue_ptr"))
        #expect(file.keys.contains("optimizer.exp_avg.temp"))
    }

    @Test func stopRequestSavesAndEnds() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let stop = StopSignal()
        stop.request()
        let trainer = try setting.trainer("out", stop: stop)
        #expect(try trainer.run() == .interrupted)
        #expect(try setting.lines("out", "metrics.jsonl").count == 1)
        #expect(FileManager.default.fileExists(atPath: trainer.lastCheckpoint))
    }

    @Test func divergenceStopsWithSoundWeights() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let trainer = try setting.trainer("out")
        let head = try #require(trainer.task.model.store["itm_head.weight"])
        try withoutGradient { try head.fill(3e38) }
        let weight = try #require(trainer.task.model.store["vision_proj.weight"])
        let before = try weight.array(of: Float.self)
        let error = try #require(throws: DivergenceError.self) { try trainer.run() }
        #expect(error.epoch == 0 && error.iteration == 0)
        #expect("\(error)".contains("loss_itm nan"))
        #expect(try weight.array(of: Float.self) == before)
        #expect(FileManager.default.fileExists(atPath: error.checkpoint))
    }

    /// What is broken before the first step is no divergence, and is said by its name.
    @Test func weightsThatAreNotFiniteAreNotTrained() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let trainer = try setting.trainer("out")
        let bias = try #require(trainer.task.model.store["itm_head.bias"])
        try withoutGradient { try bias.fill(.nan) }
        let error = try #require(throws: StateDictionaryError.self) { try trainer.run() }
        #expect(error.notFinite == ["itm_head.bias"])
        #expect(!FileManager.default.fileExists(atPath: trainer.lastCheckpoint))
    }

    @Test func checkpointsOfOtherRunsAreRefused() throws {
        let setting = try Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        let trainer = try setting.trainer("a", maxSteps: 1)
        _ = try trainer.run()
        var other = setting
        other.configuration.batchSize = 2
        let error = try #require(throws: CheckpointError.self) {
            try other.trainer("b").resume(from: trainer.lastCheckpoint)
        }
        #expect("\(error)".contains("batch size of 4, not 2"))
        let limited = try #require(throws: CheckpointError.self) {
            try setting.trainer("d", stepsPerEpoch: 1).resume(from: trainer.lastCheckpoint)
        }
        #expect("\(limited)".contains("steps of an epoch limited to all, not 1"))
        let weights = setting.directory.appendingPathComponent("weights.safetensors").path
        try writeSafetensors(trainer.task.model.store.state, to: weights)
        #expect(throws: CheckpointError.noTrainingState(path: weights)) {
            try setting.trainer("c").resume(from: weights)
        }
    }

    @Test func weightDecayLeavesEmbeddingsOutWhenCorrected() throws {
        let model = try PretrainingModel(try Setting().configuration.settings.model)
        func decayed(_ compatibility: Compatibility) -> Set<String> {
            Set(
                ParameterGroups.make(model.store, weightDecay: 0.02, compatibility: compatibility)[
                    1
                ]
                .parameters.map(\.key))
        }
        let extra = decayed(.official).subtracting(decayed(.corrected))
        #expect(
            extra.contains("temp") && extra.contains("visual_encoder.pos_embed")
                && extra.contains("mask_token"))
        #expect(extra.contains("text_encoder.bert.embeddings.word_embeddings.weight"))
        #expect(decayed(.corrected).contains("itm_head.weight"))
        #expect(decayed(.corrected).isSubset(of: decayed(.official)))
    }

    @Test func warmupIsCutWithTheEpoch() {
        var c = LearningRateSchedule.Configuration()
        c.epochs = 4
        c.warmupEpochs = 2
        let schedule = LearningRateSchedule(c, learningRate: 1e-3)
        #expect(schedule.rate(epoch: 0, iteration: 100) == 1e-5)
        #expect(schedule.rate(epoch: 0, iteration: 101) > 1e-5)
        #expect(schedule.rate(epoch: 0, iteration: 201) == 1e-3)
        #expect(schedule.rate(epoch: 9, iteration: 0) == 1e-5)
    }

    /// The bytes of an event file as TensorBoard's format describes them: lengths and checksums.
    @Test func eventFileHasSoundRecords() throws {
        let directory = FileManager.default.temporaryDirectory.path
        let file = try EventFile(directory: directory, startedAt: Date(timeIntervalSince1970: 1000))
        defer { try? FileManager.default.removeItem(atPath: file.path) }
        try file.add([("loss/mlm", 2.5)], step: 300, at: Date(timeIntervalSince1970: 2000))
        let data = try Data(contentsOf: URL(fileURLWithPath: file.path))
        // The length 24 and its checksum as TensorFlow itself writes them.
        #expect(Array(data.prefix(12)) == [24, 0, 0, 0, 0, 0, 0, 0, 163, 127, 75, 34])
        #expect(data.range(of: Data("brain.Event:2".utf8)) != nil)
        let second = data.dropFirst(8 + 4 + 24 + 4)
        #expect(second.range(of: Data("loss/mlm".utf8)) != nil)
        #expect(second.range(of: Data([0x00, 0x00, 0x20, 0x40])) != nil)
        #expect(second.range(of: Data([0x10, 0xac, 0x02])) != nil)
    }
}
