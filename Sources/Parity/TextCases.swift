import Datasets
import Text

extension ParityCase {
    private struct CleaningFields: Decodable {
        let items: [[String: String]]
    }

    /// Cleaning of captions and questions; the number of words stands in each field's name.
    func compareTextCleaning() throws -> Comparison {
        let fields: CleaningFields = try fields()
        var comparison = Comparison()
        for (index, item) in fields.items.enumerated() {
            guard let input = item["input"] else { continue }
            for (name, expected) in item {
                guard let words = name.split(separator: "_").last.flatMap({ Int($0) }) else {
                    continue
                }
                let found =
                    name.hasPrefix("pre_caption")
                    ? CaptionCleaning.caption(input, maxWords: words)
                    : CaptionCleaning.question(input, maxWords: words)
                comparison.same(
                    "items.\(index).\(name)", found.unicodeScalars.map(\.value),
                    expected.unicodeScalars.map(\.value))
            }
        }
        return comparison
    }

    private struct TokenizerFields: Decodable {
        struct Item: Decodable {
            let input: String
            let tokens: [String]
            let ids: [Int64]
            let idsTrunc25: [Int64]
            let idsTrunc55: [Int64]
            let idsTrunc30: [Int64]

            private enum CodingKeys: String, CodingKey {
                case input
                case tokens
                case ids
                case idsTrunc25 = "ids_trunc_25"
                case idsTrunc55 = "ids_trunc_55"
                case idsTrunc30 = "ids_trunc_30"
            }
        }
        struct Batch: Decodable {
            let start: Int
            let count: Int
            let padding: String
            let truncation: Bool
            let maxLength: Int?
            let inputIds: [[Int64]]
            let attentionMask: [[Int64]]

            private enum CodingKeys: String, CodingKey {
                case start
                case count
                case padding
                case truncation
                case maxLength = "max_length"
                case inputIds = "input_ids"
                case attentionMask = "attention_mask"
            }
        }
        let items: [Item]
        let batches: [Batch]
        let special: [String: Int64]
    }

    /// Token ids of single texts and of padded batches.
    func compareTokenizer(vocabulary: String) throws -> Comparison {
        let fields: TokenizerFields = try fields()
        let tokenizer = try WordPieceTokenizer(vocabularyFile: vocabulary)
        var comparison = Comparison()
        let special = tokenizer.special
        comparison.same(
            "special",
            [
                "pad": special.pad, "unk": special.unknown, "cls": special.cls,
                "sep": special.sep, "mask": special.mask,
            ], fields.special)
        for (index, item) in fields.items.enumerated() {
            let ids = tokenizer.encode(item.input)
            comparison.same("items.\(index).ids", ids, item.ids)
            comparison.same(
                "items.\(index).tokens", ids.dropFirst().map(tokenizer.token), item.tokens)
            for (length, expected) in [
                (25, item.idsTrunc25), (55, item.idsTrunc55), (30, item.idsTrunc30),
            ] {
                comparison.same(
                    "items.\(index).ids_trunc_\(length)",
                    tokenizer.encode(item.input, maxLength: length), expected)
            }
        }
        for (index, batch) in fields.batches.enumerated() {
            let texts = fields.items[batch.start..<batch.start + batch.count].map(\.input)
            let found = tokenizer.batch(
                texts, maxLength: batch.truncation ? batch.maxLength : nil,
                padding: batch.padding == "max_length" ? .length(batch.maxLength ?? 0) : .longest)
            comparison.same(
                "batches.\(index).input_ids", try found.inputIDs.array(of: Int64.self),
                batch.inputIds.flatMap { $0 })
            comparison.same(
                "batches.\(index).attention_mask",
                try found.attentionMask.array(of: Int64.self),
                batch.attentionMask.flatMap { $0 })
        }
        return comparison
    }
}
