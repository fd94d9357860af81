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

/// Fine-tuning: configurations, evaluation after epochs, choice of boxes.
@Suite struct FineTuningTests {
    static let officialDirectory = ConfigurationTests.officialDirectory

    /// The published files of both tasks.
    @Test
    func publishedFilesAreThoseOfTheTasks() throws {
        let names = ["coco", "flickr", "4m_coco", "4m_flickr"]
        for name in names {
            let loaded = try ConfigurationFile.load(
                RetrievalConfiguration.self, Self.officialDirectory + "/Retrieval_\(name).yaml")
            let c = loaded.configuration
            #expect(loaded.warnings == [], "\(name)")
            try c.validate()
            #expect(c.candidates == (name.hasSuffix("coco") ? 256 : 128))
            #expect(c.settings.schedule.epochs == (name.hasSuffix("coco") ? 5 : 10))
            #expect(c.settings.model.vision.imageSize == 380 && c.settings.model.vision.grid == 23)
            #expect(c.fineTuning.distills && c.fineTuning.warmsUp && !c.usesDualMetrics)
            #expect(
                c.validationFile != nil && c.testFile != nil && c.settings.trainFiles.count == 1)
            #expect(
                c.settings.augmentation.cropScale == 0.5
                    && c.settings.model.compatibility == .official)
        }
        let loaded = try ConfigurationFile.load(
            GroundingConfiguration.self, Self.officialDirectory + "/Grounding.yaml")
        #expect(loaded.warnings == [])
        try loaded.configuration.validate()
        #expect(loaded.configuration.testFiles == ["refcoco+_val.json", "refcoco+_test.json"])
        #expect(loaded.configuration.attention == .matching(layer: 8))
        #expect(loaded.configuration.batchSize == 16)
    }

    /// The published files of the reasoning tasks.
    @Test
    func publishedFilesOfReasoningAreRead() throws {
        func load<C: TaskConfiguration>(_ type: C.Type, _ name: String) throws -> C {
            let loaded = try ConfigurationFile.load(
                type, Self.officialDirectory + "/\(name).yaml")
            #expect(loaded.warnings == [], "\(name)")
            try loaded.configuration.validate()
            #expect(loaded.configuration.settings.model.compatibility == .official)
            return loaded.configuration
        }
        for name in ["VQA", "VQA_4m"] {
            let c = try load(QuestionAnsweringConfiguration.self, name)
            #expect(c.settings.trainFiles.first == "vqa_train.json")
            #expect(c.testFiles == ["vqa_test.json"] && c.validationFile == nil)
            #expect(c.candidates == 128 && c.endMark == "[SEP]" && c.settings.schedule.epochs == 8)
            #expect(c.questionImageRoot == "coco/" && c.visualGenomeImageRoot == "visual_genome/")
            #expect(c.batchSize == (name == "VQA" ? 16 : 8) && c.fineTuning.distills)
        }
        for (name, batch, warmsUp) in [
            ("VE", 16, false), ("VE_4m", 16, false), ("NLVR", 8, true), ("NLVR_4m", 8, true),
        ] {
            let c = try load(ClassificationConfiguration.self, name)
            #expect(
                c.settings.trainFiles.count == 1 && c.validationFile != nil && c.testFile != nil)
            #expect(c.batchSize == batch && c.fineTuning.warmsUp == warmsUp, "\(name)")
            #expect(c.testBatchSize == ["VE": 64, "VE_4m": 32][name])
            #expect(!c.fineTuning.imageRoot.isEmpty)
            #expect(c.textTokens(.imagePair) == 512 && c.textTokens(.entailment) == 25)
        }
        for name in ["NLVR_pretrain", "NLVR_pretrain_4m"] {
            let c = try load(PretrainingConfiguration.self, name)
            #expect(
                c.settings.schedule.epochs == 1 && c.batchSize == 32
                    && c.settings.trainFiles.count > 1)
        }
    }

    /// The official code cuts texts only together with concepts.
    @Test func textsAreCutWithoutConceptsWhenCorrected() {
        var settings = TrainingSettings()
        for (compatibility, readsConcepts, length) in [
            (Compatibility.official, false, 512), (.official, true, 25), (.corrected, false, 25),
        ] {
            (settings.model.compatibility, settings.readsConcepts) = (compatibility, readsConcepts)
            #expect(settings.fineTuningTextTokens == length)
        }
    }

    @Test func writtenConfigurationsReadBackEqual() throws {
        let path = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        var retrieval = RetrievalConfiguration()
        (retrieval.settings.trainFiles, retrieval.testFile, retrieval.candidates) = (["a"], "b", 7)
        (retrieval.fineTuning.imageRoot, retrieval.fineTuning.distills) = ("coco", false)
        retrieval.settings.model.vision.imageSize = 380
        try ConfigurationFile.text(retrieval).write(
            toFile: path, atomically: true, encoding: .utf8)
        let loaded = try ConfigurationFile.load(RetrievalConfiguration.self, path)
        #expect(loaded.configuration == retrieval && loaded.warnings == [])
        var grounding = GroundingConfiguration()
        (grounding.heatMode, grounding.block, grounding.testFiles) = (.itc, 3, ["c", "d"])
        try ConfigurationFile.text(grounding).write(
            toFile: path, atomically: true, encoding: .utf8)
        #expect(
            try ConfigurationFile.load(GroundingConfiguration.self, path).configuration
                == grounding)
        var questions = QuestionAnsweringConfiguration()
        (questions.settings.trainFiles, questions.testFiles, questions.validationFile) = (
            ["a"], ["b"], "c"
        )
        (questions.candidates, questions.endMark, questions.answerList) = (9, "[MASK]", "d")
        try ConfigurationFile.text(questions).write(
            toFile: path, atomically: true, encoding: .utf8)
        #expect(
            try ConfigurationFile.load(QuestionAnsweringConfiguration.self, path).configuration
                == questions)
        var sentences = ClassificationConfiguration()
        (sentences.settings.trainFiles, sentences.validationFile, sentences.batchSize) = (
            ["a"], "b", 5
        )
        sentences.imageExtension = ".png"
        try ConfigurationFile.text(sentences).write(
            toFile: path, atomically: true, encoding: .utf8)
        #expect(
            try ConfigurationFile.load(ClassificationConfiguration.self, path).configuration
                == sentences)
    }

    /// Accuracy, its baseline, and the share of sentences that are right of all their pairs.
    @Test func classificationIsMeasured() {
        let told = [("a", true), ("a", false), ("b", true), ("b", true), ("c", true)]
        let sentences = told.enumerated().map { number, pair in
            ClassifiedSentence(
                PairRecord(
                    images: ["x", "y"], sentence: pair.0, isTrue: pair.1, leftConcepts: nil,
                    rightConcepts: nil, identifier: "dev-\(pair.0)-\(number)"))
        }
        let found = ClassificationEvaluation([1, 0, 1, 0, 1], sentences, classes: 2)
        #expect(found.confusion == [[1, 0], [1, 3]])
        #expect(found.accuracy == 0.8 && found.classAccuracy == [1, 0.75])
        #expect(found.majority.label == 1 && found.majority.accuracy == 0.8)
        #expect(found.consistency == 2.0 / 3)
        let lone = EntailmentRecord(image: "x", sentence: "y", label: .neutral, concepts: nil)
        let entailment = ClassificationEvaluation([2], [ClassifiedSentence(lone)], classes: 3)
        #expect(entailment.consistency == nil && entailment.accuracy == 0)
        #expect(entailment.classAccuracy == [0, 0, 0])
    }

    /// Widths that differ between the encoders leave the decoder without weights to start from.
    @Test func decodersNeedOneWidth() {
        var c = QuestionAnsweringConfiguration()
        (c.settings.trainFiles, c.settings.readsConcepts) = (["a"], true)
        #expect(throws: Never.self) { try c.validate() }
        (
            c.settings.model.vision.width, c.settings.model.vision.heads,
            c.settings.model.text.encoderWidth
        ) = (384, 6, 384)
        #expect(throws: ConfigurationKeyError.self) { try c.validate() }
    }

    /// The momentum model's share rises over the first epoch only where that is wanted.
    @Test func distillationIsSwitched() throws {
        var settings = TrainingSettings()
        settings.alpha = 0.4
        let generator = try Generator(seed: 1)
        func alpha(_ epoch: Int, distills: Bool = true, warmsUp: Bool = true) -> Double {
            var fineTuning = FineTuningSettings()
            (fineTuning.distills, fineTuning.warmsUp) = (distills, warmsUp)
            return settings.alpha(
                fineTuning,
                at: TrainingStep(
                    epoch: epoch, iteration: 5, iterationsPerEpoch: 10, device: .cpu,
                    draws: generator, dropout: generator))
        }
        #expect(alpha(0) == 0.2 && alpha(1) == 0.4)
        #expect(alpha(0, warmsUp: false) == 0.4)
        #expect(alpha(0, distills: false) == 0 && alpha(1, distills: false) == 0)
    }

    // MARK: Evaluation after epochs

    /// A task whose evaluations are given.
    private struct ScoredTask: TrainingTask {
        let task: TaskRun<PretrainingTask>
        let scores: [Double]
        let count = Counter()

        final class Counter {
            var value = 0
        }

        var store: ParameterStore { task.store }
        var parameterGroups: [AdamW.Group] { task.parameterGroups }
        var plan: TrainingPlan { task.plan }
        var makeBatch:
            @Sendable ([Int], (UInt64, UInt64)) throws -> (
                batch: ImageTextBatch, skipped: [UnreadableRecord]
            )
        { task.makeBatch }

        func losses(_ batch: ImageTextBatch, _ step: TrainingStep) throws -> TrainingLosses {
            try task.losses(batch, step)
        }

        func evaluate(_ compute: ComputeOptions) throws -> EpochEvaluation? {
            defer { count.value += 1 }
            let score = scores[count.value]
            return EpochEvaluation(results: [("val_r_mean", score)], score: score)
        }

        func limitParameters() throws { try task.limitParameters() }
        var teacher: MomentumTeacher? { task.teacher }
        var queue: FeatureQueue? { task.queue }
        var isEvaluated: Bool { true }
        func dataChecksum() throws -> String { try task.dataChecksum() }
        var vocabulary: VocabularyIdentity { task.vocabulary }
        func configurationText() throws -> String { try task.configurationText() }
    }

    /// The best epoch's checkpoint stays, also over a stop; log.txt has what was found.
    @Test func bestEpochIsKept() throws {
        let setting = try TrainerTests.Setting()
        defer { try? FileManager.default.removeItem(at: setting.directory) }
        var configuration = setting.configuration
        configuration.settings.schedule.epochs = 4
        let output = setting.directory.appendingPathComponent("best").path
        func trainer(
            _ scores: [Double], _ start: RunDirectory.Start = .new, maxSteps: Int? = nil
        ) throws -> Trainer<ScoredTask> {
            var options = TrainingOptions(directory: try RunDirectory(output, start))
            options.maxSteps = maxSteps
            let task = try TaskRun<PretrainingTask>(
                configuration, model: try PretrainingModel(configuration.settings.model, seed: 1),
                dataset: setting.dataset)
            return try Trainer(ScoredTask(task: task, scores: scores), options: options)
        }
        let best: Data
        do {
            let first = try trainer([10, 30, 20, 0], maxSteps: 6)
            #expect(try first.run() == .finished)
            #expect(first.best == .init(score: 30, epoch: 1))
            best = try Data(contentsOf: URL(fileURLWithPath: first.bestCheckpoint))
        }
        let second = try trainer([20, 5], .resuming)
        try second.resume()
        #expect(try second.run() == .finished)
        #expect(second.best == .init(score: 30, epoch: 1))
        #expect(try Data(contentsOf: URL(fileURLWithPath: second.bestCheckpoint)) == best)
        let lines = try String(contentsOfFile: output + "/log.txt", encoding: .utf8)
            .split(separator: "\n")
        #expect(lines.count == 4)
        #expect(
            lines[1].contains("\"val_r_mean\": 30.0") && lines[3].contains("\"val_r_mean\": 5.0"))
    }

    // MARK: Boxes

    /// A map that is hot in its upper right quarter.
    private static let hotCorner = Tensor([0, 1, 0, 0] as [Float], shape: [2, 2])

    @Test func theHottestBoxForItsSizeIsChosen() throws {
        let ranking = try BoxRanking(heat: Self.hotCorner, width: 40, height: 20)
        let boxes = [
            Box(x: 0, y: 10, width: 15, height: 10), Box(x: 25, y: 0, width: 15, height: 10),
            Box(x: 0, y: 0, width: 40, height: 20), Box(x: 100, y: 0, width: 9, height: 9),
            Box(x: 30, y: 3, width: 0, height: 5),
        ]
        #expect(ranking.best(of: boxes) == 1)
        #expect(ranking.best(of: [boxes[3]]) == nil && ranking.best(of: []) == nil)
        #expect(ranking.score(boxes[3]) == 0 && ranking.score(boxes[4]) == 0)
        // What hangs over the edge counts as far as it is there.
        let over = Box(x: 25, y: -5, width: 30, height: 15)
        #expect(ranking.score(over) > 0)
        // Numbers beyond all whole ones are cut as others are.
        let far = Box(x: 25, y: -1e10, width: 1e30, height: 2e30)
        #expect(ranking.score(far) > 0 && ranking.score(far).isFinite)
        #expect(ranking.score(Box(x: 1e300, y: 1, width: 2, height: 3)) == 0)
        #expect(ranking.score(Box(x: .infinity, y: .nan, width: 2, height: 3)) == 0)
        let cold = try BoxRanking(heat: .zeros([2, 2]), width: 40, height: 20)
        #expect(cold.best(of: boxes) == nil)
    }

    private static func references(
        second: String = "testA", box: String = "[25, 0, 15, 10]"
    ) throws -> ReferenceIndex {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try """
        {"images": [{"id": 1, "width": 40, "height": 20, "file_name": "a.jpg"},
                    {"id": 2, "width": 40, "height": 20, "file_name": "b.jpg"}],
         "annotations": [{"id": 7, "image_id": 1, "category_id": 1, "bbox": [25, 0, 15, 10]},
                         {"id": 8, "image_id": 2, "category_id": 1, "bbox": \(box)}],
         "categories": [{"id": 1, "name": "cat"}]}
        """.write(toFile: directory + "/instances.json", atomically: true, encoding: .utf8)
        try """
        [{"ref_id": 1, "ann_id": 7, "image_id": 1, "category_id": 1, "split": "val",
          "sentences": [{"sent_id": 1, "sent": "cat"}]},
         {"ref_id": 2, "ann_id": 8, "image_id": 2, "category_id": 1, "split": "\(second)",
          "sentences": []}]
        """.write(toFile: directory + "/refs.json", atomically: true, encoding: .utf8)
        return try ReferenceIndex(directory: directory)
    }

    /// Without any heat the official code repeats the answer before; corrected, there is none. An
    /// image without boxes is no crash but a wrong answer that is counted.
    @Test(arguments: Compatibility.allCases)
    func phrasesWithoutAnswer(_ compatibility: Compatibility) throws {
        let box = Box(x: 25, y: 0, width: 15, height: 10)
        var evaluation = GroundingEvaluation(
            references: try Self.references(), detections: [1: [box]],
            compatibility: compatibility)
        try evaluation.add(heat: Self.hotCorner, referenceID: 1)
        try evaluation.add(heat: .zeros([2, 2]), referenceID: 1)
        try evaluation.add(heat: Self.hotCorner, referenceID: 2)
        let isOfficial = compatibility == .official
        #expect(evaluation.findings.map { $0.box != nil } == [true, isOfficial, isOfficial])
        #expect(evaluation.withoutDetections == 1)
        #expect(evaluation.accuracy.map(\.split) == ["val", "testA"])
        #expect(evaluation.accuracy[0].share == (isOfficial ? 1 : 0.5))
        #expect(evaluation.chance.map(\.share) == [1, 0])
        #expect(throws: AnnotationError.unknownReference(id: 99, phrase: "")) {
            try evaluation.add(heat: Self.hotCorner, referenceID: 99)
        }
    }

    /// Boxes that no pixel of their image lies in are counted, and once for each image.
    @Test func boxesOutsideOfTheirImageAreCounted() throws {
        let within = Box(x: 39, y: -3, width: 15, height: 10)
        let outside = [
            Box(x: 40, y: 0, width: 5, height: 5), Box(x: 3, y: -5, width: 5, height: 5),
            Box(x: 3, y: 3, width: 0, height: 5), Box(x: 20, y: 3, width: -4, height: 5),
        ]
        for other in [within] + outside {
            var evaluation = GroundingEvaluation(
                references: try Self.references(
                    box: "\([other.x, other.y, other.width, other.height])"),
                detections: [1: [within], 2: outside + [within]], compatibility: .official)
            for reference in [1, 2, 2] {
                try evaluation.add(heat: Self.hotCorner, referenceID: reference)
            }
            #expect(evaluation.truthsOutside == (other == within ? 0 : 2))
            #expect(evaluation.detectionsOutside == 4)
        }
    }

    /// RefCOCOg has a split `test`; splits of other names have their row too.
    @Test(arguments: ["test", "testC"]) func everySplitHasItsRow(_ split: String) throws {
        var evaluation = GroundingEvaluation(
            references: try Self.references(second: split),
            detections: [2: [Box(x: 25, y: 0, width: 15, height: 10)]], compatibility: .official)
        try evaluation.add(heat: Self.hotCorner, referenceID: 2)
        #expect(evaluation.accuracy.map(\.split) == [split])
        #expect(evaluation.accuracy.map(\.share) == [1])
        #expect(evaluation.chance.map(\.split) == [split])
    }

    @Test func overlapCountsPixels() {
        let a = Box(x: 0, y: 0, width: 10, height: 10)
        #expect(a.pixelOverlap(with: a) == 1)
        #expect(abs(a.pixelOverlap(with: Box(x: 5, y: 0, width: 10, height: 10)) - 1 / 3) < 1e-12)
        // One shared column of pixels is none to the official code.
        #expect(a.pixelOverlap(with: Box(x: 9, y: 0, width: 10, height: 10)) == 0)
    }
}
