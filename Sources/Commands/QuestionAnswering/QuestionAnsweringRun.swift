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
                configuration.model, distills: isTrained && configuration.fineTuning.distills,
                seed: seed, device: device)
        }
    }

    /// The questions of annotation files, whose images are there unless that does not matter.
    private func dataset(_ files: [String], needsAnswers: Bool, endMark: String) throws
        -> QuestionDataset
    {
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
        let dataset = QuestionDataset(
            records: all,
            paths: QuestionImagePaths(
                visualQuestions: data.images.inside(configuration.questionImageRoot),
                visualGenome: data.images.inside(configuration.visualGenomeImageRoot)),
            tokenizer: tokenizer, endMark: endMark)
        try check(dataset.images(ImageTextOptions(configuration.settings)))
        return dataset
    }

    /// The questions of training.
    func dataset() throws -> QuestionDataset {
        try dataset(
            configuration.trainFiles, needsAnswers: true, endMark: configuration.trainingEndMark)
    }

    /// The questions of test_file, nil where there is none.
    func testSet() throws -> QuestionDataset? {
        configuration.testFiles.isEmpty
            ? nil
            : try dataset(
                configuration.testFiles, needsAnswers: false, endMark: configuration.endMark)
    }

    /// The questions of val_file, nil where there is none.
    func validationSet() throws -> QuestionDataset? {
        try configuration.validationFile.map {
            try dataset([$0], needsAnswers: true, endMark: configuration.endMark)
        }
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
