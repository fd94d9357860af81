import Files
import Foundation

/// Makes a ``PerceptronTagger`` without hand-made labels: link-grammar parses sentences, and those on
/// whose nouns ``RuleTagger`` agrees with it are learnt.
public struct TaggerTraining {
    /// What became of the sentences.
    public struct Report: Sendable {
        /// Different sentences.
        public var sentences = 0
        /// Those of which link-grammar found a full parse.
        public var parsed = 0
        /// Those that were learnt: the rules agree on the nouns.
        public var learnt = 0
        /// Share of the learnt words of open classes that the tagger tags as in training.
        public var accuracy = 0.0
    }

    /// What a step of training is about.
    public enum Progress: Sendable {
        /// Sentences parsed, of all.
        case parsed(Int, of: Int)
        /// Epochs done, of all.
        case learnt(Int, of: Int)
    }

    private static let epochs = 5
    /// Weights up to this are left out of the file.
    private static let leastWeight: Float = 1
    /// Sentences that one process parses.
    private static let batchSize = 250
    private static let mostTokens = 60
    private static let mostCommas = 20
    /// Of so many sentences are taken without capitals: captions often have none.
    private static let loweredPercent: UInt64 = 30

    private struct Example {
        let caption: LookedUpCaption
        /// nil at signs and words of closed classes
        let tags: [OpenTag?]
        let key: UInt64
    }

    private let wordNet: WordNet
    private var lexicon: Lexicon
    private var weights = FeatureWeights()
    private var features: [(template: String, values: [String])] = []
    /// Sums of the weights over all words so far, up to `stamps`, for averaging.
    private var totals: [Float] = []
    private var stamps: [Int32] = []
    private var step: Int32 = 0

    /// Trains a tagger and writes it.
    ///
    /// - Parameters:
    ///   - wordNet: its glosses are the sentences
    ///   - captions: more sentences
    ///   - path: file of the tagger
    ///   - workers: processes of link-grammar at a time
    ///   - progress: told how far training is
    /// - Throws: ``NounError/noLinkGrammar(reason:)``, `FileWritingError`
    public static func run(
        _ wordNet: WordNet, captions: [String], to path: String, workers: Int,
        progress: (Progress) -> Void
    ) throws -> Report {
        var training = TaggerTraining(wordNet)
        return try training.run(captions, to: path, workers: workers, progress: progress)
    }

    private init(_ wordNet: WordNet) {
        self.wordNet = wordNet
        lexicon = Lexicon(wordNet)
    }

    private mutating func run(
        _ captions: [String], to path: String, workers: Int, progress: (Progress) -> Void
    ) throws -> Report {
        var seen: Set<ExactString> = []
        let sentences = try (GlossSentences.all(of: wordNet) + captions).filter {
            isFit($0) && seen.insert(ExactString($0)).inserted
        }
        var report = Report(sentences: sentences.count)
        var examples: [Example] = []
        try parse(sentences, workers: workers, progress) { sentence, words in
            report.parsed += 1
            if let example = example(sentence, words) { examples.append(example) }
        }
        report.learnt = examples.count
        for epoch in 0..<Self.epochs {
            // Shuffled by a hash: the same order on every machine.
            let order = examples.indices.sorted {
                (Self.shuffled(examples[$0].key, epoch), $0)
                    < (Self.shuffled(examples[$1].key, epoch), $1)
            }
            for index in order { learn(examples[index]) }
            progress(.learnt(epoch + 1, of: Self.epochs))
        }
        average()
        report.accuracy = accuracy(examples)
        try PerceptronTagger.write(features, weights.values, least: Self.leastWeight, to: path)
        return report
    }

    private func isFit(_ sentence: String) -> Bool {
        let count = sentence.utf8.count { $0 == UInt8(ascii: " ") } + 1
        let commas = sentence.utf8.count { $0 == UInt8(ascii: ",") }
        return sentence.first?.isLetter == true && count <= Self.mostTokens
            && commas <= Self.mostCommas && !sentence.utf8.contains { $0 < 32 }
    }

    private static func shuffled(_ key: UInt64, _ epoch: Int) -> UInt64 {
        let mixed = (key ^ UInt64(epoch + 1) &* 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9
        return mixed ^ mixed >> 31
    }

    // MARK: Labels

    /// Gives each parsed sentence to `body`, in their order.
    private func parse(
        _ sentences: [String], workers: Int, _ progress: (Progress) -> Void,
        _ body: (String, [LinkParser.Word]) -> Void
    ) throws {
        let parser = try LinkParser()
        let round = workers * Self.batchSize
        for start in stride(from: 0, to: sentences.count, by: round) {
            let end = min(sentences.count, start + round)
            let batches = stride(from: start, to: end, by: Self.batchSize).map {
                Array(sentences[$0..<min(end, $0 + Self.batchSize)])
            }
            for (batch, parses) in zip(batches, try parser.parse(batches)) {
                for (sentence, words) in zip(batch, parses) {
                    if let words { body(sentence, words) }
                }
            }
            progress(.parsed(end, of: sentences.count))
        }
    }

    /// The sentence with link-grammar's tags; nil where its words are others than ours, or where
    /// the rules see other nouns.
    private mutating func example(_ sentence: String, _ words: [LinkParser.Word]) -> Example? {
        let key = Lexicon.hash(of: sentence)
        let isLowered = (key >> 16) % 100 < Self.loweredPercent
        let caption = LookedUpCaption(isLowered ? sentence.lowercased() : sentence, &lexicon)
        // Idioms are words joined by `_`.
        let marked = words.flatMap { word in
            word.surface.split(separator: "_").map { (surface: $0.lowercased(), mark: word.mark) }
        }
        guard marked.count == caption.tokens.count else { return nil }
        var tags: [OpenTag?] = []
        for (token, word) in zip(caption.tokens, marked) {
            guard lexicon.words[token.word] == word.surface else { return nil }
            tags.append(
                token.fixedPartOfSpeech(lexicon) == nil
                    ? tag(token, mark: word.mark, isFirst: tags.isEmpty) : nil)
        }
        let rules = RuleTagger().tags(caption, lexicon)
        let agree = zip(tags, rules).allSatisfy { tag, rule in
            tag.map { $0.partOfSpeech.isNoun == rule.isNoun } ?? !rule.isNoun
        }
        return agree ? Example(caption: caption, tags: tags, key: key) : nil
    }

    private func tag(_ token: LookedUpCaption.Token, mark: String, isFirst: Bool) -> OpenTag {
        switch mark.first {
        case "n", "s", "p", "l", "m", "f", "b", "o", "t", "i":
            // The first word has a capital whatever it is.
            if token.isCapitalised, !isFirst { return .name }
            return lexicon[token.word].forms.contains(.plural) ? .plural : .noun
        case "v", "g", "w": return .verb
        case "a": return .adjective
        case "r": return .adverb
        default: return .other
        }
    }

    // MARK: Perceptron

    private mutating func learn(_ example: Example) {
        var context = FeatureContext(example.caption, lexicon)
        for tag in example.tags {
            guard let tag else {
                context.append(nil)
                continue
            }
            step += 1
            let best = weights.best(context)
            if best != tag { correct(context, tag, instead: best) }
            context.append(best)
        }
    }

    private mutating func correct(_ context: FeatureContext, _ tag: OpenTag, instead: OpenTag) {
        var keys: [UInt64] = []
        context.hashes { keys.append($0) }
        for (template, key) in zip(FeatureTemplate.all, keys) {
            let (number, isNew) = weights.insert(key)
            if isNew {
                features.append((template.name, context.texts(template)))
                totals += repeatElement(0, count: FeatureWeights.tagCount)
                stamps += repeatElement(0, count: FeatureWeights.tagCount)
            }
            add(1, number * FeatureWeights.tagCount + tag.rawValue)
            add(-1, number * FeatureWeights.tagCount + instead.rawValue)
        }
    }

    private mutating func add(_ change: Float, _ place: Int) {
        totals[place] += weights.values[place] * Float(step - stamps[place])
        stamps[place] = step
        weights.values[place] += change
    }

    private mutating func average() {
        for place in totals.indices {
            add(0, place)
            weights.values[place] = totals[place] / Float(max(step, 1))
        }
    }

    private func accuracy(_ examples: [Example]) -> Double {
        var (right, all) = (0, 0)
        for example in examples {
            var context = FeatureContext(example.caption, lexicon)
            for tag in example.tags {
                let best = tag.map { _ in weights.best(context) }
                if let tag {
                    all += 1
                    right += best == tag ? 1 : 0
                }
                context.append(best)
            }
        }
        return Double(right) / Double(max(all, 1))
    }
}
