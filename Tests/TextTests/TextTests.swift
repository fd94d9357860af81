import Foundation
import Testing

@testable import Text

@Suite struct TextTests {
    static func vocabulary(_ lines: [String]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID().uuidString).txt"
        ).path
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    static let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    @Test func captionsAreCleaned() {
        #expect(
            CaptionCleaning.caption("  A Man, riding a horse-cart / <person>!\n")
                == "a man riding a horse cart person")
        #expect(CaptionCleaning.caption("one two three four", maxWords: 2) == "one two")
        #expect(CaptionCleaning.question("what  is it?  ", maxWords: 3) == "what  is")
        #expect(CaptionCleaning.caption("ΟΔΟΣ ΣΑΣ") == "οδος σας")
    }

    @Test func wordsSplitIntoPieces() throws {
        let path = try Self.vocabulary(Self.special + ["un", "##aff", "##able", "a", "e", "##e"])
        defer { try? FileManager.default.removeItem(atPath: path) }
        let tokenizer = try WordPieceTokenizer(vocabularyFile: path)
        func tokens(_ text: String) -> [String] { tokenizer.encode(text).map(tokenizer.token) }
        #expect(tokens("unaffable") == ["[CLS]", "un", "##aff", "##able"])
        #expect(tokens("UNAFF x") == ["[CLS]", "un", "##aff", "[UNK]"])
        #expect(tokens("é éé") == ["[CLS]", "e", "e", "##e"])
        #expect(tokens("a[SEP]a [sep]").prefix(4) == ["[CLS]", "a", "[SEP]", "a"])
        #expect(tokens(String(repeating: "a", count: 101)) == ["[CLS]", "[UNK]"])
        #expect(tokenizer.encode("a a a a", maxLength: 3).count == 3)
        // Pieces are words again, each with the places of its tokens.
        let words = tokenizer.words(of: tokenizer.encode("unaffable a ee") + [0])
        #expect(words.map(\.word) == ["unaffable", "a", "ee"])
        #expect(words.map(\.places) == [[1, 2, 3], [4], [5, 6]])
        let batch = tokenizer.encode(["a", "un a"], padding: .longest)
        #expect(batch.length == 3)
        #expect(batch.inputIDs == [2, 8, 0, 2, 5, 8])
        #expect(batch.attentionMask == [1, 1, 0, 1, 1, 1])
    }

    @Test func unfitVocabulariesAreRefused() throws {
        #expect(throws: VocabularyError.self) {
            try WordPieceTokenizer(vocabularyFile: "/no/such/vocab.txt")
        }
        let incomplete = try Self.vocabulary(["[PAD]", "a"])
        #expect(throws: VocabularyError.missingToken(path: incomplete, token: "[UNK]")) {
            try WordPieceTokenizer(vocabularyFile: incomplete)
        }
        let double = try Self.vocabulary(Self.special + ["a", "a"])
        #expect(throws: VocabularyError.duplicateToken(path: double, token: "a", line: 7)) {
            try WordPieceTokenizer(vocabularyFile: double)
        }
    }
}
