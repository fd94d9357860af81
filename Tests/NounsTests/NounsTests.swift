import Foundation
import Testing

@testable import Nouns

/// Nouns of captions.
@Suite struct NounsTests {
    // Read once: they take a while.
    private static let wordNet = Result { try WordNet() }
    private static let tagger = Result { try PerceptronTagger.standard() }

    private struct Labelled: Decodable {
        let caption: String
        let heads: [String]
        let rootLemmas: [String]
    }

    private func labelled() throws -> [Labelled] {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/captions_nouns.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode([Labelled].self, from: Data(contentsOf: url))
    }

    private struct Score {
        var found = 0
        var wanted = 0
        var right = 0

        mutating func add(_ a: Set<String>, _ b: Set<String>) {
            found += a.count
            wanted += b.count
            right += a.intersection(b).count
        }

        var f1: Double { 200 * Double(right) / Double(found + wanted) }
    }

    @Test func labelledCaptions() throws {
        let wordNet = try Self.wordNet.get()
        var extractor = try NounExtractor(wordNet, Self.tagger.get())
        var (roots, heads) = (Score(), Score())
        for item in try labelled() {
            let found = extractor.concepts(of: item.caption).heads
            heads.add(Set(found), Set(item.heads))
            roots.add(
                Set(
                    found.compactMap { $0.split(separator: " ").last.map(String.init) }
                        .map(wordNet.nounLemma)), Set(item.rootLemmas))
        }
        #expect(roots.f1 >= 93)
        #expect(heads.f1 >= 94)
    }

    private func extractor(_ change: (inout NounExtractor.Options) -> Void = { _ in }) throws
        -> NounExtractor
    {
        var options = NounExtractor.Options()
        change(&options)
        return try NounExtractor(Self.wordNet.get(), Self.tagger.get(), options)
    }

    @Test(
        arguments: [
            ("", []), ("   \t\u{1}", []), ("!!! ... ---", []), ("🐶🐶", []),
            ("Two dogs 🐶 play with a frisbee!", ["dogs", "frisbee"]),
            // Possessors are no heads; a phrase keeps its compound words.
            ("The man's hat lies on the kitchen counter.", ["hat", "kitchen counter"]),
            ("a woman’s umbrella", ["umbrella"]),
            ("A man in front of a house on top of a hill", ["man", "house", "hill"]),
            ("Someone pets something.", []),
            ("They don't see it.", []),
            ("A t-shirt on a chair", ["t shirt", "chair"]),
            // An -ing word after a noun: mostly what someone does, here a thing.
            ("A man walks past a brick building .", ["man", "brick building"]),
            ("a dog running", ["dog"]),
            ("A CAR IN A PARKING LOT", ["car", "parking lot"]),
        ] as [(String, [String])]) func headsOfCaptions(_ caption: String, _ heads: [String]) throws
    {
        var extractor = try extractor()
        #expect(extractor.concepts(of: caption).heads == heads, "\(caption)")
    }

    /// What other languages, long lines and odd bytes hold does not matter; that they pass does.
    @Test(arguments: [
        "Ein Hund läuft über die Wiese", "一只狗在草地上跑", "собака бежит по траве",
        String(repeating: "a dog, ", count: 300), String(repeating: "x", count: 5000),
        "\u{0}\u{7}a dog\u{fffd}", "https://example.org/a.jpg?b=c",
    ]) func strangeCaptionsPass(_ caption: String) throws {
        var extractor = try extractor()
        let heads = extractor.concepts(of: caption).heads
        #expect(heads.allSatisfy { !$0.isEmpty && $0 == $0.lowercased() }, "\(heads)")
    }

    /// Parts of a long caption are the caption again, cut where a sentence or a word ends.
    @Test(arguments: ["a dog. A cat! ", "a dog and ", "dog", "é", "🐶\u{301}"]) func partsOfCaptions(
        _ text: String
    ) {
        let caption = String(repeating: text, count: 100_000)
        let parts = Array(CaptionParts(caption))
        #expect(parts.count > 1 && parts.allSatisfy { $0.utf8.count <= CaptionParts.longest })
        #expect(parts.joined().utf8.elementsEqual(caption.utf8))
        if text.hasSuffix(" ") {
            #expect(
                parts.dropLast().allSatisfy { $0.last == "!" || $0.last == "." || $0.last == " " })
        }
        #expect(Array(CaptionParts(text)) == [text] && Array(CaptionParts("")) == [])
    }

    /// Marks in any number and order take time with their number only.
    @Test func manyMarks() throws {
        var extractor = try extractor()
        let marks = String(repeating: "\u{301}\u{323}", count: 20_000)
        #expect(extractor.concepts(of: "a dog on a mat" + marks).heads.first == "dog")
    }

    @Test func lemmasAttributesAndRelations() throws {
        var extractor = try extractor {
            $0.usesLemmas = true
            $0.takesAttributes = true
            $0.takesRelations = true
        }
        let concepts = extractor.concepts(of: "Two brown dogs chase a red Ball in the grass")
        #expect(concepts.heads == ["dog", "ball", "grass"])
        #expect(concepts.attributes == ["dogs Two", "dogs brown", "Ball red"])
        #expect(concepts.relations == ["dogs chase Ball", "Ball in grass"])
    }

    @Test(arguments: [
        ("women", "woman"), ("glasses", "glass"), ("buses", "bus"), ("wolves", "wolf"),
        ("parties", "party"), ("grass", "grass"), ("jeans", "jeans"), ("geese", "goose"),
        ("xyzzys", "xyzzys"),
    ]) func nounLemmas(_ word: String, _ lemma: String) throws {
        #expect(try Self.wordNet.get().nounLemma(of: word) == lemma)
    }

    @Test func missingWordNetIsNamed() {
        let error = #expect(throws: NounError.self) { try WordNet(path: "/no/wordnet") }
        #expect("\(error.map { "\($0)" } ?? "")".contains("'/no/wordnet'"))
    }

    // MARK: Taggers

    @Test(arguments: [
        ("", 1, "are expected"), ("vicha tagger 1\t2\nword\tdog\tNN:1\n", 2, "2 features"),
        ("vicha tagger 1\t9223372036854775807\nword\tdog\tNN:1\n", 2, "features are expected"),
        ("vicha tagger 1\t-9223372036854775808\nword\tdog\tNN:1\n", 2, "features are expected"),
        ("vicha tagger 1\t1\nword\tdog\n", 2, "three fields"),
        ("vicha tagger 1\t1\nword\tdog\tXX:1\n", 2, "a tag and a weight"),
        ("vicha tagger 1\t1\nword\tdog\tNN:nan\n", 2, "a tag and a weight"),
        ("vicha tagger 1\t2\nword\tdog\tNN:1\nword\tdog\tV:1\n", 3, "was there before"),
    ]) func damagedTaggersAreRefused(_ text: String, _ line: Int, _ reason: String) throws {
        let path = NSTemporaryDirectory() + UUID().uuidString
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = try #require(throws: NounError.self) { try PerceptronTagger(path: path) }
        #expect("\(error)".contains("line \(line)"), "\(error)")
        #expect("\(error)".contains(reason), "\(error)")
    }

    /// Features hash to the same numbers when they are read as when captions are tagged.
    @Test func featuresOfFilesAreThoseOfCaptions() throws {
        var lexicon = try Lexicon(Self.wordNet.get())
        let caption = LookedUpCaption("Two Brown dogs' toys, and 3 apples — 5 für $", &lexicon)
        var context = FeatureContext(caption, lexicon)
        for token in caption.tokens {
            var hashes: [UInt64] = []
            context.hashes { hashes.append($0) }
            for (template, hash) in zip(FeatureTemplate.all, hashes) {
                let values = context.texts(template)
                #expect(FeatureContext.hash(template: template.name, values: values) == hash)
                #expect(values.allSatisfy { !$0.isEmpty && !$0.contains(" ") }, "\(values)")
            }
            context.append(token.fixedPartOfSpeech(lexicon) == nil ? .adjective : nil)
        }
    }

    /// What link-parser writes: a parse, none, one that ran out of time, and its death over the last.
    @Test func answersOfLinkParserAreRead() {
        let sentences = ["the U.S. wug runs .", "of the in", "a big one", "a man"]
        let output = """
            verbosity set to 1
            the U.S. wug runs .
            Found 4 linkages (4 had no P.P. violations)
            \tLinkage 1, cost vector = (UNUSED=0 DIS= 0.00 LEN=10)
            [(LEFT-WALL)(the)(U.S.)(wug[?].n)(runs.v-d)(.)]
            [[0 7 0 (Xp)]]
            [0]

            of the in
            No complete linkages found.
            a big one
            Timer is expired!
            [(LEFT-WALL)(a)(big.a)(one)]
            a man
            """
        let answers = LinkParser.answers(to: sentences[...], in: output)
        #expect(answers.count == 3)
        #expect(
            answers.first??.map { "\($0.surface)|\($0.mark)" } == [
                "the|", "U.S.|", "wug|n", "runs|v-d", ".|",
            ])
        #expect(answers[1...].allSatisfy { $0 == nil })
        #expect(LinkParser.answers(to: sentences[...], in: output + "\nBye.\n").count == 4)
    }
}
