import Batches
import Configuration
import Datasets
import Files
import Foundation
import Torch
import Training
import ViCHA

/// Fine-tuning for questions about images (Li et al. 2021, section 5).
public struct QuestionAnsweringTask: EvaluatedTask {
    /// What model directories call it.
    public static let name = "question answering"
    /// The model that is trained.
    public let model: QuestionAnsweringModel
    /// Sizes and settings.
    public let configuration: QuestionAnsweringConfiguration
    /// What is trained on.
    public let dataset: QuestionDataset
    /// What the best epoch is chosen by are questions whose answers are known; those of the test are answered
    /// at the end.
    private let sets: EvaluationSets<QuestionDataset>
    private let answers: [String]
    private let workers: Int

    /// Describes the task.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - model: with the weights to start from
    ///   - dataset: what is trained on; every question has an answer
    ///   - sets: what is evaluated after each epoch, and what is answered at the end
    ///   - answers: what can be answered
    ///   - workers: threads that prepare images of an evaluation
    /// - Throws: `ConfigurationKeyError`
    public init(
        _ configuration: QuestionAnsweringConfiguration, model: QuestionAnsweringModel,
        dataset: QuestionDataset, sets: EvaluationSets<QuestionDataset>, answers: [String],
        workers: Int = 2
    ) throws {
        try configuration.validate()
        self.configuration = configuration
        self.model = model
        self.dataset = dataset
        self.sets = sets
        self.answers = answers
        self.workers = workers
    }

    /// Reads what is trained on, and what is evaluated after each epoch.
    public init(
        _ configuration: QuestionAnsweringConfiguration, model: QuestionAnsweringModel,
        source: TaskSource, workers: Int
    ) throws {
        let files = QuestionFiles(configuration, source)
        let dataset = try files.trainingSet()
        // Read before training: what is wrong with these files should not be found hours later.
        let sets = try EvaluationSets(validation: files.validationSet(), test: files.testSet())
        try self.init(
            configuration, model: model, dataset: dataset, sets: sets,
            answers: sets.named.isEmpty ? [] : files.answers(), workers: workers)
    }

    /// Makes the model of a configuration.
    public static func model(
        _ configuration: QuestionAnsweringConfiguration, isTrained: Bool, seed: UInt64?,
        device: Device
    ) throws -> QuestionAnsweringModel {
        try QuestionAnsweringModel(
            configuration.settings.model,
            distills: isTrained && configuration.fineTuning.distills, seed: seed, device: device)
    }

    /// The momentum model.
    public var teacher: MomentumTeacher? { model.teacher }

    /// The loss.
    public func losses(_ batch: QuestionBatch, _ step: TrainingStep) throws -> TrainingLosses {
        let loss = try model.loss(
            batch.to(device: step.device),
            alpha: configuration.settings.alpha(configuration.fineTuning, at: step),
            dropout: step.dropout)
        return TrainingLosses(total: loss, parts: [("loss", loss)])
    }

    /// Whether there is anything to evaluate on.
    public var isEvaluated: Bool { sets.validation != nil }

    /// Accuracy on the validation set.
    public func evaluate(on device: Device) throws -> EpochEvaluation? {
        guard let set = sets.validation else { return nil }
        let found = try answered(set, ComputeOptions(device: device, workers: workers))
        let accuracy = try AnswerAccuracy(found.answers, set.records).overall
        return EpochEvaluation(results: [("val_acc", accuracy)], score: accuracy)
    }

    private func answered(_ set: QuestionDataset, _ compute: ComputeOptions) throws
        -> QuestionAnsweringEvaluation
    {
        try QuestionAnsweringEvaluation(
            set, answers: answers, model.answerer, .init(configuration, compute))
    }

    /// Answers the questions of the test, in the form of the VQA v2 server.
    public func finish(in directory: RunDirectory, _ compute: ComputeOptions) throws -> String? {
        guard let test = sets.test else { return nil }
        let results = try answered(test, compute).results(test, of: configuration.testFiles)
        let path =
            directory.path
            + "/result/vqa_result_epoch\(configuration.settings.schedule.epochs - 1).json"
        try makeDirectory(path.parentDirectory)
        try AnswerResult.write(results, to: path)
        return "\(results.count) answers are in \(path)"
    }
}

/// The questions and answers that a configuration names.
struct QuestionFiles {
    private let configuration: QuestionAnsweringConfiguration
    private let source: TaskSource
    private let paths: QuestionImagePaths

    init(_ configuration: QuestionAnsweringConfiguration, _ source: TaskSource) {
        self.configuration = configuration
        self.source = source
        paths = QuestionImagePaths(
            visualQuestions: source.images.inside(configuration.questionImageRoot),
            visualGenome: source.images.inside(configuration.visualGenomeImageRoot))
    }

    private func questions(_ files: [String], needsAnswers: Bool) throws -> [QuestionRecord] {
        var all: [QuestionRecord] = []
        for file in files {
            let records: [QuestionRecord] = try source.records([file], configuration.settings)
            if needsAnswers, let number = records.firstIndex(where: { $0.answers == nil }) {
                throw AnnotationError.invalidRecord(
                    file: source.file(file), record: number, field: "answer",
                    expected: "an answer or several, since they are learnt from or compared with")
            }
            all += records
        }
        return all
    }

    private func dataset(_ records: [QuestionRecord], endMark: String) -> QuestionDataset {
        QuestionDataset(
            records: records, paths: paths, tokenizer: source.tokenizer, endMark: endMark,
            options: ImageTextOptions(configuration.settings))
    }

    private func evaluationSet(_ files: [String], needsAnswers: Bool) throws -> QuestionDataset {
        dataset(
            try source.evaluated(
                questions(files, needsAnswers: needsAnswers), of: files, configuration.settings
            ) { [paths.resolve($0)] }, endMark: configuration.endMark)
    }

    /// The questions of train_file.
    func trainingSet() throws -> QuestionDataset {
        dataset(
            try questions(configuration.settings.trainFiles, needsAnswers: true),
            endMark: configuration.trainingEndMark)
    }

    /// The questions of test_file, nil where there is none.
    func testSet() throws -> QuestionDataset? {
        configuration.testFiles.isEmpty
            ? nil : try evaluationSet(configuration.testFiles, needsAnswers: false)
    }

    /// The questions of val_file, nil where there is none.
    func validationSet() throws -> QuestionDataset? {
        try configuration.validationFile.map { try evaluationSet([$0], needsAnswers: true) }
    }

    /// The annotations of the questions that are asked: those of questions that were left out for
    /// their missing image are left out too.
    func annotations(_ all: [AnswerAnnotations.Annotation], of set: QuestionDataset) throws
        -> [AnswerAnnotations.Annotation]
    {
        guard source.images.allowsMissingImages else { return all }
        let asked = Set(set.records.compactMap(\.questionID))
        let leftOut = Set(
            try questions(configuration.testFiles, needsAnswers: false).compactMap(\.questionID)
        ).subtracting(asked)
        return all.filter { !leftOut.contains($0.questionID) }
    }

    /// The answers that are ranked.
    func answers() throws -> [String] {
        let list = try AnswerList.texts(source.file(configuration.answerList))
        if configuration.candidates > list.count {
            StandardError.note(
                "k_test is \(configuration.candidates), but there are \(list.count) answers; all of "
                    + "them are candidates")
        }
        return list
    }
}

extension AnswerList {
    /// The answers of a JSON list.
    /// - Throws: `AnnotationError`
    public static func texts(_ file: String) throws -> [String] {
        let list = try AnnotationFile.load([String].self, file: file)
        guard !list.isEmpty else { throw AnnotationError.empty(files: [file]) }
        return list
    }
}
