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
                guard let words = name.split(separator: "_").last.flatMap({ Int($0) }) else { continue }
                let found =
                    name.hasPrefix("pre_caption")
                    ? CaptionCleaning.caption(input, maxWords: words)
                    : CaptionCleaning.question(input, maxWords: words)
                comparison.same("items.\(index).\(name)", found.unicodeScalars.map(\.value), expected.unicodeScalars.map(\.value))
            }
        }
        return comparison
    }

    private struct TokenizerFields: Decodable {
        struct Item: Decodable {
            let input: String
            let tokens: [String]
            let ids: [Int64]
            let ids_trunc_25: [Int64]  // swift-format-ignore: AlwaysUseLowerCamelCase
            let ids_trunc_55: [Int64]  // swift-format-ignore: AlwaysUseLowerCamelCase
            let ids_trunc_30: [Int64]  // swift-format-ignore: AlwaysUseLowerCamelCase
        }
        struct Batch: Decodable {
            let start: Int
            let count: Int
            let padding: String
            let truncation: Bool
            let max_length: Int?  // swift-format-ignore: AlwaysUseLowerCamelCase
            let input_ids: [[Int64]]  // swift-format-ignore: AlwaysUseLowerCamelCase
            let attention_mask: [[Int64]]  // swift-format-ignore: AlwaysUseLowerCamelCase
        }
        let items: [Item]
        let batches: [Batch]
    }

    /// Token ids of single texts and of padded batches.
    func compareTokenizer(vocabulary: String) throws -> Comparison {
        let fields: TokenizerFields = try fields()
        let tokenizer = try WordPieceTokenizer(vocabularyFile: vocabulary)
        var comparison = Comparison()
        for (index, item) in fields.items.enumerated() {
            let ids = tokenizer.encode(item.input)
            comparison.same("items.\(index).ids", ids, item.ids)
            comparison.same("items.\(index).tokens", ids.dropFirst().map(tokenizer.token), item.tokens)
            for (length, expected) in [
                (25, item.ids_trunc_25), (55, item.ids_trunc_55), (30, item.ids_trunc_30),
            ] {
                comparison.same(
                    "items.\(index).ids_trunc_\(length)",
                    tokenizer.encode(item.input, maxLength: length), expected)
            }
        }
        for (index, batch) in fields.batches.enumerated() {
            let texts = fields.items[batch.start..<batch.start + batch.count].map(\.input)
            let found = tokenizer.encode(
                texts, maxLength: batch.truncation ? batch.max_length : nil,
                padding: batch.padding == "max_length" ? .length(batch.max_length ?? 0) : .longest)
            comparison.same("batches.\(index).input_ids", found.inputIDs, batch.input_ids.flatMap { $0 })
            comparison.same(
                "batches.\(index).attention_mask", found.attentionMask,
                batch.attention_mask.flatMap { $0 })
        }
        return comparison
    }
}
