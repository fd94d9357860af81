import Files
import Foundation
import Testing

@testable import Text

/// 10,000 generated texts against what the reference implementations make of them
/// (`Fixtures/record.py`).
@Suite struct RecordedTextTests {
    private struct Item: Decodable {
        let text: String
        let clip: String
        let bert: String
        let words: String

        init(from decoder: any Decoder) throws {
            var fields = try decoder.unkeyedContainer()
            text = try fields.decode(String.self)
            clip = try fields.decode(String.self)
            bert = try fields.decode(String.self)
            words = try fields.decode(String.self)
        }
    }

    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let resources = here.appendingPathComponent("../../.venv").standardized.path
    private static let items = Result {
        try JSONDocument(path: here.appendingPathComponent("Fixtures/texts.json").path)
            .decode([Item].self)
    }

    private func hash(_ ids: some Sequence<Int64>) -> String {
        var hash = StableHash()
        for id in ids { withUnsafeBytes(of: Int32(id).littleEndian) { hash.add($0) } }
        return Self.hexadecimal(hash)
    }

    private static func hexadecimal(_ hash: StableHash) -> String {
        let digits = hash.text
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private func compare(_ find: (Item) -> (found: String, expected: String)) throws {
        let items = try Self.items.get()
        #expect(items.count == 10_000)
        let wrong = items.filter {
            let (found, expected) = find($0)
            return found != expected
        }
        let examples = wrong.prefix(10).map(\.text)
        #expect(examples == [], "\(wrong.count) are wrong")
    }

    @Test func textsOfCLIP() throws {
        let tokenizer = try CLIPTokenizer(mergesFile: Self.resources + "/clip/merges.txt")
        try compare { (hash(tokenizer.encode($0.text)), $0.clip) }
    }

    @Test func textsOfBERT() throws {
        let tokenizer = try WordPieceTokenizer(
            vocabularyFile: Self.resources + "/minilm/vocab.txt")
        try compare { (hash(tokenizer.encode($0.text).dropFirst()), $0.bert) }
    }

    @Test func wordsInLowerCase() throws {
        try compare { item in
            var hash = StableHash()
            hash.add(item.text.pythonLowercased().splitAtPythonSpace().joined(separator: " ").utf8)
            return (Self.hexadecimal(hash), item.words)
        }
    }
}
