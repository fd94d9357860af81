import Datasets
import Foundation
import Torch
import Training
import ViCHA

/// Fine-tuning for questions about images.
typealias QuestionAnsweringRun = FineTuningRun<
    QuestionAnsweringConfiguration, QuestionAnsweringModel
>

extension FineTuningRun<QuestionAnsweringConfiguration, QuestionAnsweringModel> {
    /// Builds the model and takes over the weights of a checkpoint, where one is given.
    init(
        _ configuration: QuestionAnsweringConfiguration, _ options: ModelRunOptions,
        checkpoint: String?, isTrained: Bool, seed: UInt64 = 0, device: Device
    ) throws {
        try configuration.validate()
        try self.init(configuration, options, checkpoint: checkpoint) {
            try QuestionAnsweringModel(
                configuration.settings.model,
                distills: isTrained && configuration.fineTuning.distills,
                seed: seed, device: device)
        }
    }

    /// The questions of annotation files.
    private func questions(_ files: [String], needsAnswers: Bool) throws -> [QuestionRecord] {
        var all: [QuestionRecord] = []
        for file in files {
            let records: [QuestionRecord] = try self.records([file])
            if needsAnswers, let number = records.firstIndex(where: { $0.answers == nil }) {
                throw AnnotationError.invalidRecord(
                    file: data.annotationFile(file), record: number, field: "answer",
                    expected: "an answer or several, since they are learnt from or compared with")
            }
            all += records
        }
        return all
    }

    private var paths: QuestionImagePaths {
        QuestionImagePaths(
            visualQuestions: data.images.inside(configuration.questionImageRoot),
            visualGenome: data.images.inside(configuration.visualGenomeImageRoot))
    }

    private func dataset(_ records: [QuestionRecord], endMark: String) -> QuestionDataset {
        QuestionDataset(records: records, paths: paths, tokenizer: tokenizer, endMark: endMark)
    }

    private func evaluationSet(_ files: [String], needsAnswers: Bool) throws -> QuestionDataset {
        let paths = paths
        return dataset(
            try evaluated(questions(files, needsAnswers: needsAnswers), of: files) {
                [paths.resolve($0)]
            }, endMark: configuration.endMark)
    }

    /// The questions of training, whose images are there unless that does not matter.
    func dataset() throws -> QuestionDataset {
        let dataset = dataset(
            try questions(configuration.settings.trainFiles, needsAnswers: true),
            endMark: configuration.trainingEndMark)
        try check(dataset.images(ImageTextOptions(configuration.settings)))
        return dataset
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
        guard data.allowsMissingImages else { return all }
        let asked = Set(set.records.compactMap(\.questionID))
        let leftOut = Set(
            try questions(configuration.testFiles, needsAnswers: false).compactMap(\.questionID)
        ).subtracting(asked)
        return all.filter { !leftOut.contains($0.questionID) }
    }

    /// The answers that are ranked.
    func answers() throws -> [String] {
        let file = data.annotationFile(configuration.answerList)
        let list = try AnnotationFile.load([String].self, file: file)
        guard !list.isEmpty else { throw AnnotationError.empty(files: [file]) }
        if configuration.candidates > list.count {
            note(
                "k_test is \(configuration.candidates), but there are \(list.count) answers; all of "
                    + "them are candidates")
        }
        return list
    }

    /// Answers the questions of a set.
    ///
    /// - Parameters:
    ///   - set: the questions
    ///   - answers: what is ranked
    ///   - options: how it is done
    ///   - device: where the model is
    ///   - kept: answers of each question that are kept
    func answered(
        _ set: QuestionDataset, _ answers: [String], _ options: ModelRunOptions, device: Device,
        kept: Int = 1
    ) throws -> QuestionAnsweringEvaluation {
        var evaluation = QuestionAnsweringEvaluation.Options(
            configuration, device: device, autocast: options.model.device.autocast,
            workers: options.workers)
        evaluation.kept = kept
        return try QuestionAnsweringEvaluation(set, answers: answers, model.answerer, evaluation)
    }

    /// Answers in the form that VQA v2's server takes.
    func results(_ set: QuestionDataset, _ found: QuestionAnsweringEvaluation) throws
        -> [AnswerResult]
    {
        try zip(set.records, found.answers).enumerated().map { number, pair in
            guard let id = pair.0.questionID else {
                throw AnnotationError.invalidRecord(
                    file: configuration.testFiles.joined(separator: ", "), record: number,
                    field: "question_id", expected: "a number, since results name questions by it")
            }
            return AnswerResult(questionID: id, answer: pair.1)
        }
    }
}
