import Datasets
import Files
import Foundation
import Images

/// Writes the annotation files of a data set of scenes.
struct SceneFiles {
    /// The published pretraining files carry absolute paths, of which readers drop the first three
    /// directories.
    private static let pretrainingPrefix = "/data/vicha/scenes/"
    /// Training captions that are compared with all other training images.
    private static let comparedCaptions = 400
    /// Share of the questions about training images that come as Visual Genome's do.
    private static let visualGenomePeriod = 10

    let directory: String
    let options: SceneDataset.Options
    private let texts: SceneTexts

    init(directory: String, options: SceneDataset.Options) {
        self.directory = directory
        self.options = options
        texts = SceneTexts(options: options)
    }

    func write(_ images: [SceneImage]) throws -> SceneDataset.Summary {
        let splits = Dictionary(grouping: images, by: \.split)
        var records: [String: Int] = [:]
        func save<Record: Encodable>(_ name: String, _ list: [Record]) throws {
            try encode(list, to: name)
            records[name] = list.count
        }
        var shared: [String: Double] = [:]
        for split in SceneSplit.allCases {
            let images = splits[split] ?? []
            let captions = texts.captions(of: images, isDistinct: split != .train)
            shared[split.rawValue] = sharedShare(captions, images.map(\.scene), of: split)
            if split == .train {
                try save("pretrain.json", pretraining(images, captions))
                try save("retrieval_train.json", retrievalTraining(images, captions))
            } else {
                try save("retrieval_\(split.rawValue).json", retrieval(images, captions))
            }
            try writeQuestions(split, texts.questions(about: images), save)
            // Entailment and NLVR2 call their validation set dev.
            let name = split == .validation ? "dev" : split.rawValue
            try save("ve_\(name).json", texts.statements(about: images))
            try save("nlvr_\(name).json", texts.pairs(of: images, named: name))
        }
        try writeReferences(splits, save)
        try encode(images, to: "scenes.json")
        try writeAtomically(
            Data((SceneVocabulary.tokens.joined(separator: "\n") + "\n").utf8),
            to: directory + "/vocab.txt")
        let summary = SceneDataset.Summary(
            options: options,
            images: Dictionary(uniqueKeysWithValues: splits.map { ($0.rawValue, $1.count) }),
            records: records, sharedCaptions: shared)
        try encode(summary, to: SceneDataset.summaryFile)
        return summary
    }

    // MARK: Captions

    private func sharedShare(_ captions: [[Caption]], _ scenes: [Scene], of split: SceneSplit)
        -> Double
    {
        let all = captions.enumerated().flatMap { index, list in list.map { (index, $0) } }
        let step = split == .train ? max(1, all.count / Self.comparedCaptions) : 1
        let compared = stride(from: 0, to: all.count, by: step).map { all[$0] }
        let fitting = compared.filter { SceneTexts.fitsAnother($0.1, than: $0.0, of: scenes) }
        return Double(fitting.count) / Double(max(1, compared.count))
    }

    private func pretraining(_ images: [SceneImage], _ captions: [[Caption]])
        -> [PretrainingRecord]
    {
        zip(images, captions).map { image, captions in
            PretrainingRecord(
                image: Self.pretrainingPrefix + image.path, captions: captions.map(\.text),
                concepts: image.concepts)
        }
    }

    private func retrievalTraining(_ images: [SceneImage], _ captions: [[Caption]])
        -> [RetrievalRecord]
    {
        zip(images, captions).flatMap { image, captions in
            captions.map {
                RetrievalRecord(
                    image: image.path, captions: [$0.text], imageID: "scene_\(image.id)",
                    concepts: image.concepts)
            }
        }
    }

    private func retrieval(_ images: [SceneImage], _ captions: [[Caption]]) -> [RetrievalRecord] {
        zip(images, captions).map { image, captions in
            RetrievalRecord(
                image: image.path, captions: captions.map(\.text), imageID: "scene_\(image.id)",
                concepts: image.concepts)
        }
    }

    // MARK: Questions

    private func writeQuestions(
        _ split: SceneSplit, _ questions: [(image: SceneImage, question: SceneQuestion)],
        _ save: (String, [QuestionRecord]) throws -> Void
    ) throws {
        var own: [QuestionRecord] = []
        var visualGenome: [QuestionRecord] = []
        for (index, (image, question)) in questions.enumerated() {
            func record(_ source: QuestionRecord.Source, _ answers: [String]?) -> QuestionRecord {
                QuestionRecord(
                    image: image.path, source: source, question: question.text,
                    questionID: question.id(image), answers: answers, concepts: image.concepts)
            }
            switch split {
            case .train where index.isMultiple(of: Self.visualGenomePeriod):
                visualGenome.append(record(.visualGenome, [question.truth]))
            case .train, .validation: own.append(record(.vqa, question.answers))
            case .test, .unseen: own.append(record(.vqa, nil))
            }
        }
        try save("vqa_\(split.rawValue).json", own)
        if split == .train {
            try save("vg_qa.json", visualGenome)
            let counts = Dictionary(
                questions.flatMap(\.question.answers).map { ($0, 1) }, uniquingKeysWith: +)
            let sorted = counts.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }
            try encode(sorted.map(\.key), to: "answer_list.json")
        } else {
            try encode(
                QuestionFile(
                    questions: questions.map { image, question in
                        .init(
                            questionID: question.id(image), imageID: image.id,
                            question: question.text)
                    }),
                to: "vqa_\(split.rawValue)_questions.json")
            try encode(
                AnswerAnnotations(annotations: questions.map(annotation)),
                to: "vqa_\(split.rawValue)_annotations.json")
        }
    }

    private func annotation(_ image: SceneImage, _ question: SceneQuestion)
        -> AnswerAnnotations.Annotation
    {
        AnswerAnnotations.Annotation(
            questionID: question.id(image), imageID: image.id,
            questionType: question.text.lowercased().split(separator: " ").prefix(2)
                .joined(separator: " "),
            answerType: question.kind.rawValue, commonAnswer: question.truth,
            answers: question.answers.enumerated().map { .init(answer: $1, answerID: $0 + 1) })
    }

    // MARK: References

    /// The files of RefCOCO+: phrases, references as the pickle that is published, instances and
    /// detections. Compound objects are its test set A, plain shapes its test set B.
    private func writeReferences(
        _ splits: [SceneSplit: [SceneImage]], _ save: (String, [ReferringRecord]) throws -> Void
    ) throws {
        let folder = directory + "/refcoco+"
        try makeDirectory(folder)
        var references: [PickleValue] = []
        var sentences = 0
        for split in [SceneSplit.train, .validation, .test] {
            var records: [ReferringRecord] = []
            for (image, object, phrases) in texts.references(in: splits[split] ?? []) {
                let id = references.count + 1
                records += phrases.map {
                    ReferringRecord(
                        image: image.path, text: $0, referenceID: id, concepts: image.concepts)
                }
                references.append(
                    reference(id, image, object: object, phrases, firstSentence: sentences))
                sentences += phrases.count
            }
            try save("refcoco+_\(split.rawValue).json", records)
        }
        try writeAtomically(PickleWriter.data(.list(references)), to: folder + "/refs(unc).p")
        let images = [SceneSplit.train, .validation, .test].flatMap { splits[$0] ?? [] }
        try encode(instances(images), to: "refcoco+/instances.json")
        let evaluated = images.filter { $0.split != .train }
        try encode(
            evaluated.keyed { texts.detections(in: $0) }, to: "refcoco+/dets.json")
        // The official evaluation opens this file without using it: the true boxes.
        try encode(evaluated.keyed { $0.boxes }, to: "refcoco+/cocos.json")
    }

    private func reference(
        _ id: Int, _ image: SceneImage, object index: Int, _ phrases: [String], firstSentence: Int
    ) -> PickleValue {
        let shape = image.scene.objects[index].shape
        let part =
            image.split == .test ? (shape.isCompound ? "testA" : "testB") : image.split.rawValue
        return .dictionary([
            "ref_id": .int(id), "ann_id": .int(image.annotationID(index)),
            "category_id": .int(shape.category), "image_id": .int(image.id),
            "file_name": .string(image.path), "split": .string(part),
            "sent_ids": .list(phrases.indices.map { .int(firstSentence + $0) }),
            "sentences": .list(
                phrases.enumerated().map { number, phrase in
                    .dictionary([
                        "sent_id": .int(firstSentence + number), "sent": .string(phrase),
                        "raw": .string(phrase),
                        "tokens": .list(phrase.split(separator: " ").map { .string(String($0)) }),
                    ])
                }),
        ])
    }

    private func instances(_ images: [SceneImage]) -> ReferenceIndex.Instances {
        ReferenceIndex.Instances(
            images: images.map {
                .init(id: $0.id, width: options.side, height: options.side, fileName: $0.path)
            },
            annotations: images.flatMap { image in
                image.scene.objects.enumerated().map { index, object in
                    .init(
                        id: image.annotationID(index), imageID: image.id,
                        categoryID: object.shape.category, box: image.boxes[index])
                }
            },
            categories: Shape.allCases.map { .init(id: $0.category, name: $0.rawValue) })
    }

    private func encode(_ value: some Encodable, to name: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(value), to: directory + "/" + name)
    }
}

extension SceneQuestion {
    /// Names it: one question of each kind is asked about an image.
    fileprivate func id(_ image: SceneImage) -> Int {
        image.id * 10 + (Kind.allCases.firstIndex(of: kind) ?? 0)
    }
}

extension Shape {
    /// Its number among RefCOCO's categories, from 1.
    fileprivate var category: Int { (Self.allCases.firstIndex(of: self) ?? 0) + 1 }
}

extension SceneImage {
    /// Names an object of the image.
    fileprivate func annotationID(_ object: Int) -> Int { id * 10 + object }
}

extension [SceneImage] {
    /// A value of each image under its id, as the files of detectors have it.
    fileprivate func keyed<Value>(_ value: (SceneImage) -> Value) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: map { (String($0.id), value($0)) })
    }
}
