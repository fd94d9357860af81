import Batches
import Datasets
import Foundation
import Images
import Tasks
import Text
import Torch

/// What the official data classes make of small annotation lists: texts, concepts and labels. Images are
/// small images made for the purpose.
extension ParityCase {
    private struct DatasetFields: Decodable {
        struct Case: Decodable {
            let annotations: [JSONValue]
            let length: Int
            let items: [JSONValue]
            let paths: [String]?
            let collated: Collated?
            let texts: JSONValue?
            let imageOfText: [String: Int]?
            /// Whether concepts are separated, where the case says so.
            let separates: Bool?

            enum CodingKeys: String, CodingKey {
                case annotations, length, items, collated
                case separates = "sep_token"
                case paths = "resolved_paths_relative_to_data_dir"
                case texts = "text"
                case imageOfText = "txt2img"
            }
        }

        /// The questions of a training batch.
        struct Collated: Decodable {
            let questions: [String]
            let concepts: [String]
            let answers: [String]
            let weights: [Float]
            let counts: [Int]

            enum CodingKeys: String, CodingKey {
                case questions, answers, weights
                case concepts = "kwords"
                case counts = "n"
            }
        }

        let cases: [String: Case]
    }

    /// Compares every data class.
    func compareDatasets(vocabulary: String) throws -> Comparison {
        let fields: DatasetFields = try fields()
        let tokenizer = try WordPieceTokenizer(vocabularyFile: vocabulary)
        var comparison = Comparison()
        for (name, item) in fields.cases {
            let bench = try DatasetBench(
                name: name, item.annotations, separates: Self.separates(name, item), tokenizer)
            defer { bench.remove() }
            let length: Int
            switch name.split(separator: "_")[0] {
            case "pretrain": length = try comparePretraining(bench, item, &comparison)
            case "retrieval" where name.contains("eval"):
                length = try compareRetrievalSet(bench, item, &comparison)
            case "retrieval", "grounding":
                length = try comparePairs(bench, item, &comparison)
            case "vqa": length = try compareQuestions(bench, item, &comparison)
            case "ve", "nlvr": length = try compareSentences(bench, item, &comparison)
            default:
                throw ParityError.malformed(
                    case: self.name, reason: "there is no data set '\(name)'")
            }
            comparison.same("\(name).length", length, item.length)
        }
        return comparison
    }

    /// Whether the concepts of a case are separated: as it says, by its name, or else as its texts are,
    /// since then nothing but these tells which argument the official data class had.
    private static func separates(_ name: String, _ item: DatasetFields.Case) -> Bool {
        if let separates = item.separates { return separates }
        if name.contains("sepTrue") || name.contains("sepFalse") { return name.contains("sepTrue") }
        let texts =
            item.items.flatMap { $0.list }.flatMap(\.texts) + (item.collated?.concepts ?? [])
        return texts.contains { $0.contains(" [SEP] ") }
    }

    private func comparePretraining(
        _ bench: DatasetBench, _ item: DatasetFields.Case, _ comparison: inout Comparison
    ) throws -> Int {
        let records: [PretrainingRecord] = try bench.records()
        let dataset = bench.dataset(ImageTextPair.pairs(of: RecordList(records)))
        var random = SeededGenerator(0)
        for (index, expected) in item.items.enumerated() {
            let found = try dataset.texts(of: index, isMirrored: false, using: &random)
            let texts = expected[1].texts
            // A caption drawn at random from several is compared as one of the possible ones.
            let possible = try dataset.pairs[index].texts.map { CaptionCleaning.caption($0) }
            comparison.same("\(bench.name).\(index) caption", possible.contains(texts[0]), true)
            comparison.same("\(bench.name).\(index) drawn", possible.contains(found.text), true)
            if possible.count == 1 {
                comparison.same("\(bench.name).\(index)", found.text, texts[0])
            }
            comparison.same("\(bench.name).\(index) concepts", found.concepts, texts[1])
        }
        for (index, path) in (item.paths ?? []).enumerated() {
            try comparison.same(
                "\(bench.name).\(index) path",
                ImagePaths(dataDirectory: "", absolutePaths: .shortened)
                    .resolve(dataset.pairs[index].image), path)
        }
        return dataset.pairs.count
    }

    /// Training pairs of retrieval and grounding, and the phrases of grounding's evaluation.
    private func comparePairs(
        _ bench: DatasetBench, _ item: DatasetFields.Case, _ comparison: inout Comparison
    ) throws -> Int {
        if bench.name.hasPrefix("grounding_test") {
            let records: [ReferringRecord] = try bench.records()
            var options = bench.evaluation
            options.textTokens = 512
            let set = ReferringEvaluationSet(
                records: records,
                source: TaskSource(images: bench.paths, tokenizer: bench.tokenizer),
                options: options)
            for (index, expected) in item.items.enumerated() {
                let batch = try set.batch(index..<index + 1).batch
                try comparison.same(
                    "\(bench.name).\(index)", batch.texts,
                    bench.tokenizer.batch([expected[1].text]))
                try comparison.same(
                    "\(bench.name).\(index) concepts", batch.images.concepts,
                    bench.concepts([expected[0][1].text], padding: .length(55)))
                comparison.same(
                    "\(bench.name).\(index) ref_id", set.records[index].referenceID,
                    expected[2].integer)
            }
            return set.records.count
        }
        let pairs =
            bench.name.hasPrefix("grounding")
            ? try ImageTextPair.pairs(of: RecordList(bench.records(ReferringRecord.self)))
            : try ImageTextPair.pairs(of: RecordList(bench.records(RetrievalRecord.self)))
        let dataset = bench.dataset(pairs)
        var random = SeededGenerator(0)
        for (index, expected) in item.items.enumerated() {
            let found = try dataset.texts(of: index, isMirrored: false, using: &random)
            let texts = expected[1].texts
            comparison.same("\(bench.name).\(index)", found.text, texts[0])
            if texts.count > 1 {
                comparison.same("\(bench.name).\(index) concepts", found.concepts, texts[1])
            }
            try comparison.same(
                "\(bench.name).\(index) image", pairs[index].identity, expected[2].integer)
        }
        return pairs.count
    }

    private func compareRetrievalSet(
        _ bench: DatasetBench, _ item: DatasetFields.Case, _ comparison: inout Comparison
    ) throws -> Int {
        let set = RetrievalEvaluationSet(
            records: try bench.records(), paths: bench.paths, tokenizer: bench.tokenizer,
            options: bench.evaluation)
        for (index, expected) in (item.texts?.list ?? []).enumerated() {
            comparison.same(
                "\(bench.name) text \(index)", set.inputs.texts[index], expected.texts[0])
            comparison.same(
                "\(bench.name) image of text \(index)", set.imageOfText[index],
                item.imageOfText?["\(index)"])
        }
        for (index, expected) in item.items.enumerated() where expected[0].list.count > 1 {
            try comparison.same(
                "\(bench.name).\(index) concepts",
                set.inputs.images(index..<index + 1).batch.concepts,
                bench.concepts([expected[0][1].text], padding: .length(55)))
        }
        return set.records.count
    }

    private func compareQuestions(
        _ bench: DatasetBench, _ item: DatasetFields.Case, _ comparison: inout Comparison
    ) throws -> Int {
        let dataset = QuestionDataset(
            records: try bench.records(),
            paths: QuestionImagePaths(visualQuestions: bench.paths, visualGenome: bench.paths),
            tokenizer: bench.tokenizer, endMark: "[SEP]", options: bench.training)
        let all = 0..<dataset.records.count
        if let collated = item.collated {
            let batch = try dataset.batch(Array(all), seed: (0, 0)).batch
            try comparison.same(
                "questions", batch.questions, bench.tokenizer.batch(collated.questions))
            try comparison.same(
                "concepts", batch.images.concepts, bench.concepts(collated.concepts))
            try comparison.same("answers", batch.answers, bench.tokenizer.batch(collated.answers))
            comparison.same("weights", try batch.weights.array(of: Float.self), collated.weights)
            let questions = try batch.questionOfAnswer.array(of: Int.self)
            comparison.same(
                "n", all.map { question in questions.count { $0 == question } }, collated.counts)
        } else {
            let batch = try dataset.batch(all, bench.evaluation)
            let texts = item.items.map { $0[1].texts }
            try comparison.same(
                "test questions", batch.questions, bench.tokenizer.batch(texts.map { $0[0] }))
            try comparison.same(
                "test concepts", batch.images.concepts,
                bench.concepts(texts.map { $0[1] }, padding: .length(55)))
            comparison.same(
                "question ids", dataset.records.map(\.questionID), item.items.map { $0[2].integer })
        }
        return dataset.records.count
    }

    private func compareSentences(
        _ bench: DatasetBench, _ item: DatasetFields.Case, _ comparison: inout Comparison
    ) throws -> Int {
        var sentences: [ClassifiedSentence] = []
        var items: [JSONValue] = []
        var refusals = 0
        let isEntailment = bench.name.hasPrefix("ve")
        comparison.same("\(bench.name) items", item.annotations.count, item.items.count)
        for (annotation, expected) in zip(item.annotations, item.items) {
            let one = try DatasetBench(
                name: bench.name, [annotation], separates: bench.separates, bench.tokenizer)
            defer { one.remove() }
            if !isEntailment, !["True", "False"].contains(annotation["label"].text) {
                // The official code takes every other label for False; here it is an error.
                let isRefused = (try? one.records(PairRecord.self)) == nil
                comparison.same("\(bench.name): unknown label is refused", isRefused, true)
                refusals += 1
                continue
            }
            sentences +=
                isEntailment
                ? try one.records(EntailmentRecord.self).map { ClassifiedSentence($0) }
                : try one.records(PairRecord.self).map { ClassifiedSentence($0) }
            items.append(expected)
        }
        let dataset = SentenceDataset(
            sentences: sentences, paths: bench.paths, tokenizer: bench.tokenizer,
            options: bench.training)
        var options = bench.evaluation
        options.textTokens = 512
        options.padsToLength = false
        let training = try dataset.batch(Array(sentences.indices), seed: (0, 0)).batch
        let place = isEntailment ? 1 : 2
        for batch in [try dataset.batch(sentences.indices, options).batch, training] {
            let texts = items.map { $0[place].texts }
            try comparison.same(
                "\(bench.name) sentences", batch.texts,
                bench.tokenizer.batch(texts.map { $0[0] }))
            for (number, images) in batch.images.enumerated() {
                try comparison.same(
                    "\(bench.name) concepts \(number)", images.concepts,
                    bench.concepts(texts.map { $0[1 + number] }))
            }
            comparison.same(
                "\(bench.name) labels", try batch.targets.array(of: Int.self),
                items.map { $0[place + 1].integer ?? -1 })
        }
        return dataset.sentences.count + refusals
    }
}

/// Annotations in a file, with images where they say.
private struct DatasetBench {
    let name: String
    let tokenizer: WordPieceTokenizer
    /// Whether concepts are joined by ` [SEP] `.
    let separates: Bool
    private let directory: URL

    init(
        name: String, _ annotations: [JSONValue], separates: Bool, _ tokenizer: WordPieceTokenizer
    ) throws {
        self.name = name
        self.separates = separates
        self.tokenizer = tokenizer
        directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("parity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try JSONEncoder().encode(annotations)
            .write(to: directory.appendingPathComponent("records.json"))
        let grey = try ImageEncoder.png(
            RGBImage(width: 8, height: 8, pixels: [UInt8](repeating: 128, count: 8 * 8 * 3)))
        for annotation in annotations {
            let images = annotation["images"].list.map(\.text) + [annotation["image"].text]
            for image in images where !image.isEmpty && !image.hasPrefix("/") {
                let file = directory.appendingPathComponent(
                    image.contains(".") ? image : image + ".jpg")
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try grey.write(to: file)
            }
        }
    }

    func remove() { try? FileManager.default.removeItem(at: directory) }

    var paths: ImagePaths { ImagePaths(dataDirectory: directory.path) }

    var training: ImageTextOptions {
        var options = ImageTextOptions(transform: .evaluation(side: 8))
        options.separatesConcepts = separates
        return options
    }

    var evaluation: EvaluationOptions {
        var options = EvaluationOptions(side: 8)
        options.separatesConcepts = separates
        return options
    }

    func records<Record: AnnotationRecord>(_ type: Record.Type = Record.self) throws -> [Record] {
        try AnnotationFile.load(
            files: [directory.appendingPathComponent("records.json").path],
            requiresConcepts: false)
    }

    func dataset(_ pairs: RecordList<ImageTextPair>) -> ImageTextDataset {
        ImageTextDataset(pairs: pairs, paths: paths, tokenizer: tokenizer, options: training)
    }

    func concepts(_ texts: [String], padding: Padding = .longest) -> TokenBatch {
        tokenizer.batch(texts, maxLength: 55, padding: padding)
    }
}
