import Configuration
import Datasets
import Foundation
import Torch
import Training
import ViCHA

/// Fine-tuning for entailment or NLVR2.
typealias ClassificationRun = FineTuningRun<ClassificationConfiguration, ClassificationModel>

extension FineTuningRun<ClassificationConfiguration, ClassificationModel> {
    /// Builds the model and takes over the weights of a checkpoint, where one is given.
    ///
    /// - Parameters:
    ///   - configuration: sizes and settings
    ///   - kind: the task
    ///   - options: where files lie
    ///   - checkpoint: weights to take
    ///   - isTrained: whether a momentum model is needed
    ///   - seed: of random weights
    ///   - device: where the model is made
    init(
        _ configuration: ClassificationConfiguration, _ kind: ClassificationModel.Kind,
        _ options: ModelRunOptions, checkpoint: String?, isTrained: Bool, seed: UInt64 = 0,
        device: Device
    ) throws {
        try configuration.validate()
        try self.init(
            configuration, options, imageRoot: configuration.fineTuning.imageRoot,
            checkpoint: checkpoint
        ) {
            try ClassificationModel(
                configuration.settings.model, kind,
                distills: isTrained && configuration.fineTuning.distills, seed: seed,
                device: device)
        }
    }

    /// The sentences of annotation files.
    private func sentences(_ files: [String]) throws -> [ClassifiedSentence] {
        switch model.kind {
        case .entailment:
            try records(files).map { (record: EntailmentRecord) in
                ClassifiedSentence(record, imageExtension: configuration.imageExtension)
            }
        case .imagePair: try records(files).map { ClassifiedSentence($0 as PairRecord) }
        }
    }

    /// The sentences of training, whose images are there unless that does not matter.
    func dataset() throws -> SentenceDataset {
        let dataset = SentenceDataset(
            sentences: try sentences(configuration.settings.trainFiles), paths: data.images,
            tokenizer: tokenizer)
        try check(dataset.images(ImageTextOptions(configuration, model.kind)))
        return dataset
    }

    /// The sentences of an evaluation.
    private func evaluationSet(_ file: String) throws -> SentenceDataset {
        SentenceDataset(
            sentences: try evaluated(sentences([file]), of: [file]) {
                $0.images.map(data.images.resolve)
            }, paths: data.images, tokenizer: tokenizer)
    }

    /// The sets that the configuration names.
    func evaluationSets() throws -> EvaluationSets<SentenceDataset> {
        .init(
            validation: try configuration.validationFile.map(evaluationSet),
            test: try configuration.testFile.map(evaluationSet))
    }

    /// Trains, with an evaluation after each epoch.
    static func train(
        _ kind: ClassificationModel.Kind, _ model: ModelRunOptions, _ training: TrainingRunOptions
    ) throws {
        let configuration = try model.configuration(ClassificationConfiguration.self)
            .resolved(for: kind)
        let options = try training.options(model)
        let stop = StopSignal()
        stop.watchSignals()
        let run = try ClassificationRun(
            configuration, kind, model, checkpoint: training.startingWeights(), isTrained: true,
            seed: options.seed, device: options.device)
        let dataset = try run.dataset()
        let trainer = try Trainer(
            ClassificationTask(
                configuration, model: run.model, dataset: dataset, sets: run.evaluationSets(),
                workers: options.workers), options: options, stop: stop)
        try training.run(trainer, records: dataset.sentences.count, on: options.device)
    }

    /// Evaluates on each set that the configuration names, and prints the results.
    static func evaluate(
        _ kind: ClassificationModel.Kind, _ model: ModelRunOptions, checkpoint: String,
        labels: [String], outputDir: String?, page: PageOptions
    ) throws {
        let configuration = try model.configuration(ClassificationConfiguration.self)
            .resolved(for: kind)
        let device = try model.model.device.resolved()
        let run = try ClassificationRun(
            configuration, kind, model, checkpoint: checkpoint, isTrained: false, device: device)
        let sets = try run.evaluationSets().named
        guard !sets.isEmpty else {
            throw ConfigurationKeyError(
                key: "test_file", expected: "an annotation file, here or as val_file")
        }
        var log: [(name: String, value: Double)] = []
        var body = ""
        for (name, set) in sets {
            let evaluation = try ClassificationEvaluation(
                set, run.model,
                .init(
                    configuration, kind, device: device, autocast: model.model.device.autocast,
                    workers: model.workers))
            print("\(name): \(set.sentences.count) sentences")
            print(evaluation.table(labels))
            log.append(("\(name)_acc", evaluation.accuracy))
            log.append(("\(name)_majority_acc", evaluation.majority.accuracy))
            if let consistency = evaluation.consistency {
                log.append(("\(name)_consistency", consistency))
            }
            if page.html != nil {
                let part = SentencePage(set: set, evaluation: evaluation, labels: labels)
                body += "<h3>\(name): \(set.sentences.count) sentences</h3>\(part.tables)"
                body += try part.gallery(page.chosen(of: set.sentences.count))
            }
        }
        try page.write { Page(title: kind.title, body: body) }
        try EvaluationLog.append(log, to: outputDir)
    }
}

extension ClassificationModel.Kind {
    /// Title of a page.
    fileprivate var title: String {
        switch self {
        case .entailment: "Sentences about an image"
        case .imagePair: "Sentences about two images"
        }
    }
}

extension ClassificationEvaluation {
    /// Accuracy, its baseline and the confusion of the classes, to read.
    func table(_ labels: [String]) -> String {
        var lines = [
            "  accuracy \(percentage(accuracy)) (always '\(labels[majority.label])': "
                + "\(percentage(majority.accuracy)))"
        ]
        if let consistency {
            lines.append("  right of all pairs of a sentence \(percentage(consistency))")
        }
        lines.append(textTable(confusionRows(labels), indent: "  "))
        return lines.joined(separator: "\n")
    }

    /// What is taken for what: a head, and for each class how often it is called by which name.
    func confusionRows(_ labels: [String]) -> [[String]] {
        [["true \\ said"] + labels + ["right"]]
            + confusion.enumerated().map { label, counts in
                [labels[label]] + counts.map { "\($0)" } + [percentage(classAccuracy[label])]
            }
    }
}
