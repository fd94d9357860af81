import CLIP
import Concepts
import Foundation
import Testing

/// Tokens of models whose text tower is not OpenAI's.
@Suite struct CLIPTextTokenizerTests {
    private func withVocabulary(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Numbers of the lines: 0 padding, 2 start, 3 end, 5 a, 6 dog, 7 s, 8 &.
        try "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ndog\n##s\n&\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        try body(path)
    }

    private func tokenizer(
        _ vocabulary: String, dropsSeparator: Bool,
        _ change: (inout CLIPConfiguration.Text) -> Void = { _ in }
    ) throws -> CLIPTextTokenizer {
        var text = CLIPConfiguration.Text()
        text.contextLength = 6
        text.tokenization = .wordPieces(
            vocabularyFile: vocabulary, dropsSeparator: dropsSeparator)
        change(&text)
        return try CLIPTextTokenizer(text, merges: "", path: "model")
    }

    /// As open_clip's `HFTokenizer` with `strip_sep_token`, which CLIPA's models have: padded to the
    /// context length, since the last place becomes the embedding.
    @Test func wordPiecesAreThoseOfCLIPA() throws {
        try withVocabulary { vocabulary in
            let tokenizer = try tokenizer(vocabulary, dropsSeparator: true) {
                $0.pooling = .last
                $0.isCausal = false
            }
            let batch = tokenizer.encode(["A  dogs &amp; ", "a a a a a a a"])
            #expect(batch.length == 6)
            #expect(try batch.inputIDs.array(of: Int.self) == [2, 5, 6, 7, 8, 0, 2, 5, 5, 5, 5, 0])
            #expect(!tokenizer.isTooLong("A  dogs &amp; "))
            #expect(tokenizer.isTooLong("a a a a a a a"))
        }
    }

    @Test func theSeparatorIsKeptUnlessItIsDropped() throws {
        try withVocabulary { vocabulary in
            let batch = try tokenizer(vocabulary, dropsSeparator: false).encode(["a dog", "a"])
            #expect(batch.length == 4)
            #expect(try batch.inputIDs.array(of: Int.self) == [2, 5, 6, 3, 2, 5, 3, 0])
        }
    }

    /// An embedding that is taken at a token which no text has would be that of the first one.
    @Test func theEndMustBeOneThatTextsHave() throws {
        try withVocabulary { vocabulary in
            _ = try tokenizer(vocabulary, dropsSeparator: false) { $0.pooling = .end(3) }
            for (end, drops) in [(2, false), (3, true)] {
                #expect(throws: CLIPError.self) {
                    _ = try tokenizer(vocabulary, dropsSeparator: drops) { $0.pooling = .end(end) }
                }
            }
            #expect(throws: CLIPError.self) {
                _ = try tokenizer(vocabulary, dropsSeparator: false) { $0.vocabularySize = 5 }
            }
        }
    }
}
