import Datasets
import Foundation
import Images
import Text

extension ParityCase {
    private struct DatasetFields: Decodable {
        struct Case: Decodable {
            let annotations: [Annotation]
            let length: Int?
            let items: [Item]?
            let resolvedPathsRelativeToDataDir: [String]?

            private enum CodingKeys: String, CodingKey {
                case annotations
                case length
                case items
                case resolvedPathsRelativeToDataDir = "resolved_paths_relative_to_data_dir"
            }
        }
        /// Only pretraining records are read by this kind so far.
        struct Annotation: Decodable {
            let image: String?
            let caption: JSONTexts?
            let kwords: [String]?
        }
        /// `["IMAGE", [caption, concepts]]`; nil fields for other data sets.
        struct Item: Decodable {
            var texts: [String]?

            init(from decoder: any Decoder) throws {
                guard var list = try? decoder.unkeyedContainer(),
                    (try? list.decode(String.self)) != nil
                else { return }
                texts = try? list.decode([String].self)
            }
        }
        let cases: [String: Case]
    }

    /// A text or a list of texts.
    private enum JSONTexts: Codable {
        case one(String)
        case many([String])

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            self =
                try (try? value.decode(String.self)).map { .one($0) }
                ?? .many(value.decode([String].self))
        }

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .one(let text): try value.encode(text)
            case .many(let texts): try value.encode(texts)
            }
        }
    }

    private struct Record: Encodable {
        let image: String
        let caption: JSONTexts
        let kwords: [String]?
    }

    /// Texts and image paths of the pretraining data set.
    func compareDatasets(vocabulary: String) throws -> Comparison {
        let fields: DatasetFields = try fields()
        let tokenizer = try WordPieceTokenizer(vocabularyFile: vocabulary)
        var comparison = Comparison()
        for (name, item) in fields.cases where name.hasPrefix("pretrain") {
            let file = FileManager.default.temporaryDirectory
                .appendingPathComponent("parity-\(UUID().uuidString).json")
            defer { try? FileManager.default.removeItem(at: file) }
            let records = item.annotations.compactMap { annotation -> Record? in
                guard let image = annotation.image, let caption = annotation.caption else {
                    return nil
                }
                return Record(image: image, caption: caption, kwords: annotation.kwords)
            }
            try JSONEncoder().encode(records).write(to: file)
            var options = ImageTextOptions(transform: .evaluation(side: 8))
            options.separatesConcepts = name.contains("sepTrue")
            let read: [PretrainingRecord] = try AnnotationFile.load(
                files: [file.path], requiresConcepts: false)
            let dataset = ImageTextDataset(
                pairs: ImageTextPair.pairs(of: read), paths: ImagePaths(dataDirectory: ""),
                tokenizer: tokenizer, options: options)
            if let length = item.length {
                comparison.same("\(name).length", dataset.pairs.count, length)
            }
            var random = SeededGenerator(0)
            for (index, expected) in (item.items ?? []).enumerated() {
                guard let texts = expected.texts, texts.count == 2 else { continue }
                let found = dataset.texts(of: index, isMirrored: false, using: &random)
                // A caption drawn at random from several is compared as one of the possible ones.
                let possible = dataset.pairs[index].texts.map { CaptionCleaning.caption($0) }
                comparison.same("\(name).\(index) caption", possible.contains(texts[0]), true)
                comparison.same("\(name).\(index) drawn", possible.contains(found.text), true)
                if possible.count == 1 {
                    comparison.same("\(name).\(index)", found.text, texts[0])
                }
                comparison.same("\(name).\(index) concepts", found.concepts, texts[1])
            }
            for (index, path) in (item.resolvedPathsRelativeToDataDir ?? []).enumerated() {
                comparison.same(
                    "\(name).\(index) path", dataset.paths.resolve(dataset.pairs[index].image),
                    path)
            }
        }
        return comparison
    }
}
