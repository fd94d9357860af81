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
        #expect(
            tokenizer.vocabularyText == Array(try Data(contentsOf: URL(fileURLWithPath: path)))
                + Array("\n".utf8))
    }

    /// Files of other systems: byte order marks and line ends.
    @Test(arguments: ["\n", "\r\n", "\r"]) func linesOfVocabularies(_ end: String) throws {
        let words = try Self.vocabulary([
            (Self.special + ["a", "##b"]).joined(separator: end) + end
        ])
        let marked = try Self.vocabulary(["\u{feff}" + Self.special.joined(separator: end)])
        let merges = try Self.vocabulary([
            ["#version: 0.2", "a b</w>", "c ab</w>", ""].joined(separator: end)
        ])
        defer {
            for path in [words, marked, merges] {
                try? FileManager.default.removeItem(atPath: path)
            }
        }
        let tokenizer = try WordPieceTokenizer(vocabularyFile: words)
        #expect(tokenizer.vocabularySize == 7 && tokenizer.encode("ab") == [2, 5, 6])
        #expect(try WordPieceTokenizer(vocabularyFile: marked).special.pad == 0)
        let pairs = try CLIPTokenizer(mergesFile: merges, vocabularySize: 516)
        #expect(pairs.encode("cab ab") == [513, 512])
    }

    /// Texts that the reference makes one of.
    @Test(arguments: [
        ("ΟΔΟΣ", "οδος"), ("Women&#146;s shoes", "women's shoes"), ("&alpha;", "α"),
        ("&amp;amp;lt;", "<"), ("caf&eacute", "café"), ("&NTILDE;", "ñ"), ("&notit;", "¬it;"),
        ("&#xFDD0;a", "a"), ("&#0;", "\u{fffd}"), ("a\u{85}b", "a…b"), ("ŉ", "'n"), ("ǅ", "dž"),
        ("a\u{c}b", "a b"), ("sÃ³ cafÃ©", "só café"), ("â€œquotedâ€\u{9d}", "\"quoted\""),
        ("Ｌｏｕｄ　ﾊﾟ", "loud パ"), ("\u{1b}[36mblue\u{1b}[0m", "blue"), ("e\u{301}", "é"),
        ("\u{e0067}\u{30c}e\u{301}", "\u{e0067}\u{30c}é"),
        ("<b>&amp;eacute;", "<b>é"),
    ]) func repairedTexts(_ text: String, _ plain: String) {
        #expect(TextRepair.cleaned(text).unicodeScalars.elementsEqual(plain.unicodeScalars))
    }

    /// Runs of combining marks, references inside of references and long words in time with their
    /// length: with its square, this test would take minutes.
    @Test func longRuns() throws {
        let count = 50_000
        let marks = String(repeating: "\u{301}\u{323}", count: count)
        let cleaned = TextRepair.cleaned("a" + marks).unicodeScalars
        #expect(cleaned.count == 2 * count && cleaned.first == "\u{1ea1}")
        #expect(TextRepair.cleaned("&" + String(repeating: "amp;", count: count) + "lt;") == "<")
        let merges = try Self.vocabulary(["#version", "a a", "aa aa"])
        defer { try? FileManager.default.removeItem(atPath: merges) }
        let tokenizer = try CLIPTokenizer(mergesFile: merges, vocabularySize: 516)
        #expect(tokenizer.encode(String(repeating: "a", count: 4 * count)).count == count + 2)
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
