import Datasets
import Foundation
import Nouns
import Text

extension Reader {
    /// Vocabularies, and texts as they come.
    static let texts: [Reader] = [
        Reader(
            name: "vocabulary", file: "vocab.txt", form: .text,
            seeds: { _ in
                [Data(vocabulary.utf8), Data(vocabulary.replacing("\n", with: "\r\n").utf8)]
            },
            uses: [
                { input in
                    let tokenizer = try WordPieceTokenizer(vocabularyFile: input.path)
                    let ids = tokenizer.encode("a dog[MASK]s é ##", maxLength: 9)
                    _ = tokenizer.words(of: ids)
                }
            ]),
        Reader(
            name: "merges", file: "merges.txt", form: .text, seeds: { _ in [Data(merges.utf8)] },
            uses: [
                { input in
                    let tokenizer = try CLIPTokenizer(
                        mergesFile: input.path, vocabularySize: mergesSize, contextLength: 8)
                    _ = tokenizer.decode(tokenizer.encode("hello <|endoftext|> the hut's"))
                }
            ]),
        Reader(
            name: "captions", file: "caption.txt", form: .text,
            seeds: { directory in
                try Data(vocabulary.utf8).write(to: URL(fileURLWithPath: directory + "/vocab.txt"))
                try Data(merges.utf8).write(to: URL(fileURLWithPath: directory + "/merges.txt"))
                return [
                    "A man's dog, sitting on the left & running!",
                    "cafÃ© &amp; &lt;b&gt; “quoted” ﬁn…",
                    "<person> 3.5 x 4th [MASK] <|startoftext|> don't ", "日本語 한국어 İstanbul ſ\u{301}",
                ].map { Data($0.utf8) }
            }, uses: [captions]),
        Reader(
            name: "tagger", file: "tagger.txt", form: .text,
            seeds: { _ in
                [
                    Data(
                        "vicha tagger 1\t3\nbias\t\tNN:-6.67 V:-1.3 JJ:1.7\ncompound\tend\tNNS:4.06\n"
                            .utf8)
                        + Data("word\ta b\tRB:1 F:-2.5\n".utf8)
                ]
            },
            uses: [{ _ = try PerceptronTagger(path: $0.path) }]),
        Reader(
            name: "wordnet", file: "index.noun", form: .text,
            seeds: { directory in
                for name in [
                    "index.verb", "index.adj", "index.adv", "cntlist.rev", "noun.exc", "verb.exc",
                    "adj.exc",
                ] {
                    try Data("  1 licence\ndogs dog\nrun v 1\ndog%1:05:00:: 1 42\n".utf8)
                        .write(to: URL(fileURLWithPath: directory + "/" + name))
                }
                return [Data("  1 licence\ndog n 7 5 @ ~ 7 1 02086723\nhot_dog n 3 0 3\n".utf8)]
            },
            uses: [
                { input in
                    let wordNet = try WordNet(path: input.directory)
                    _ = (
                        wordNet.isNoun("dog"), wordNet.lookUp("dogs"),
                        wordNet.nounLemma(of: "hot dogs")
                    )
                }
            ]),
    ]

    private static let vocabulary =
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ndog\n##s\nsit\n##ting\né\n##é\n'\n日\n"
    private static let merges = "#version: 0.2\nh e\nhe l\nhel l\nhell o</w>\nt h\nth e</w>\n"
    private static let mergesSize = 512 + 2 + 6

    private static let captions: Use = { input in
        let text = String(decoding: input.bytes, as: UTF8.self)
        let caption = CaptionCleaning.caption(text)
        _ = CaptionCleaning.question(text, maxWords: 50)
        _ = CaptionCleaning.sidesSwapped(caption)
        _ = CaptionCleaning.repaired(text)
        _ = AnswerNormalization.prediction(text)
        _ = AnswerNormalization.punctuation(text)
        let pieces = try WordPieceTokenizer(vocabularyFile: input.directory + "/vocab.txt")
        _ = pieces.words(of: pieces.encode(text))
        let pairs = try CLIPTokenizer(
            mergesFile: input.directory + "/merges.txt", vocabularySize: mergesSize)
        _ = pairs.decode(pairs.encode(text))
        _ = pairs.isTooLong(text)
    }
}
