import Batches
import Datasets
import Files
import Torch
import Training

/// Fine-tuning for questions about images (Li et al. 2021, section 5).
public enum QuestionAnsweringTask: EvaluatedTask {
    /// What is asked beside training.
    public struct Questions: Sendable {
        /// Questions whose answers are known, which the best epoch is chosen by.
        public var validation: QuestionDataset?
        /// Questions that are answered at the end.
        public var test: QuestionDataset?
        /// What can be answered.
        public var answers: [String]
    }

    /// What model directories call it.
    public static let name = "question answering"

    /// Makes the model of a configuration.
    public static func model(
        _ configuration: QuestionAnsweringConfiguration, isTrained: Bool, seed: UInt64?,
        device: Device
    ) throws -> QuestionAnsweringModel {
        try QuestionAnsweringModel(
            configuration.settings.model,
            distills: isTrained && configuration.fineTuning.distills, seed: seed, device: device)
    }

    /// The questions of train_file, each of which has an answer.
    public static func dataset(
        _ configuration: QuestionAnsweringConfiguration, _ source: TaskSource
    ) throws -> QuestionDataset { try QuestionFiles(configuration, source).trainingSet() }

    /// The questions of val_file and of test_file.
    public static func evaluated(
        _ configuration: QuestionAnsweringConfiguration, _ model: QuestionAnsweringModel,
        _ source: TaskSource
    ) throws -> Questions? {
        let files = QuestionFiles(configuration, source)
        let (validation, test) = try (files.validationSet(), files.testSet())
        guard validation != nil || test != nil else { return nil }
        return Questions(validation: validation, test: test, answers: try files.answers())
    }

    /// Accuracy on the validation set.
    public static func evaluate(
        _ questions: Questions, of run: TaskRun<QuestionAnsweringTask>, _ compute: ComputeOptions
    ) throws -> EpochEvaluation? {
        guard let set = questions.validation else { return nil }
        let found = try QuestionAnsweringEvaluation(
            set, answers: questions.answers, run.model.answerer, .init(run.configuration, compute))
        let accuracy = try AnswerAccuracy(found.answers, set.records).overall
        return EpochEvaluation(results: [("val_acc", accuracy)], score: accuracy)
    }

    /// Answers the questions of the test, in the form of the VQA v2 server.
    public static func finish(
        _ run: TaskRun<QuestionAnsweringTask>, in directory: RunDirectory,
        _ compute: ComputeOptions
    ) throws -> String? {
        guard let questions = run.evaluated, let test = questions.test else { return nil }
        let configuration = run.configuration
        let results = try QuestionAnsweringEvaluation(
            test, answers: questions.answers, run.model.answerer, .init(configuration, compute)
        ).results(test, of: configuration.testFiles)
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
