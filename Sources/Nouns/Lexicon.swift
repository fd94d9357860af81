import Files
import Foundation
import Text

/// What a tagger knows about a word.
struct WordEntry: Sendable {
    let forms: WordNet.Forms
    let counts: WordNet.Counts
    let closedClass: ClosedClass?
    let isColour: Bool
    let ending: Ending

    /// Endings that say something about words that are in no dictionary.
    enum Ending: String, Sendable {
        case ing
        case ed
        case ly
        case s
        case other
    }
}

/// What features of a tagger are made of, besides tags.
enum WordAttribute: Int, CaseIterable, Sendable {
    case word
    case lastTwo
    case lastThree
    case lastFour
    case first
    /// What WordNet allows, or the closed class.
    case forms
}

/// Looks words up in WordNet once each. Not for several threads: each has its own.
struct Lexicon {
    let wordNet: WordNet
    private(set) var words = StringTable(capacity: 4096)
    private var entries: [WordEntry] = []
    /// [words, attributes]
    private var hashes: [UInt64] = []
    /// Whether two words, by their numbers, are a noun of WordNet.
    private var compounds: [SIMD2<Int>: Bool] = [:]

    /// Words that describe more often than they name, against WordNet's counts.
    private static let colours: Set<String> = [
        "beige", "black", "blond", "blonde", "blue", "brown", "brunette",
        "golden", "gray", "green", "grey", "khaki", "maroon", "navy", "orange", "pink", "purple",
        "red", "tan", "teal", "turquoise", "violet", "white", "yellow",
    ]

    init(_ wordNet: WordNet) { self.wordNet = wordNet }

    /// Words, and bytes of them, that are remembered; of very many different ones the memory would
    /// never end.
    private static let (mostWords, mostBytes) = (1 << 18, 1 << 23)

    /// Forgets all words where there are too many. Numbers given before mean nothing afterwards.
    mutating func forgetWordsBeyondLimit() {
        guard words.count > Self.mostWords || words.byteCount > Self.mostBytes else { return }
        self = Lexicon(wordNet)
    }

    /// The number of a lower-case word.
    mutating func number(of word: UnsafeBufferPointer<UInt8>) -> Int {
        let (number, isNew) = words.insert(word)
        if isNew {
            entries.append(entry(words[number]))
            hashes += WordAttribute.allCases.map { Self.hash(of: text($0, of: number)) }
        }
        return number
    }

    subscript(number: Int) -> WordEntry { entries[number] }

    /// Whether two words are a noun of WordNet together, the second also in the plural: life jackets.
    mutating func isCompound(_ first: Int, _ second: Int) -> Bool {
        let pair = SIMD2(first, second)
        if let known = compounds[pair] { return known }
        let lemma = wordNet.singular(of: words[second]) ?? words[second]
        let isCompound = [words[second], lemma].contains {
            wordNet.isNoun(words[first] + "_" + $0)
        }
        compounds[pair] = isCompound
        return isCompound
    }

    /// The hash of an attribute's text.
    func hash(_ attribute: WordAttribute, of number: Int) -> UInt64 {
        hashes[number * WordAttribute.allCases.count + attribute.rawValue]
    }

    /// An attribute as it stands in the files of taggers.
    func text(_ attribute: WordAttribute, of number: Int) -> String {
        func decoded(_ bytes: ArraySlice<UInt8>) -> String {
            // Cut inside a letter of several bytes, these are signs of replacement: as good as any.
            String(decoding: bytes, as: UTF8.self)
        }
        let word = words.utf8(number)
        return switch attribute {
        case .word: decoded(word)
        case .lastTwo: decoded(word.suffix(2))
        case .lastThree: decoded(word.suffix(3))
        case .lastFour: decoded(word.suffix(4))
        case .first: decoded(word.prefix(1))
        case .forms: entries[number].formsText
        }
    }

    static func hash(of text: some StringProtocol) -> UInt64 {
        var hash = StableHash()
        hash.add(text.utf8)
        return hash.value
    }

    private func entry(_ word: String) -> WordEntry {
        let (forms, counts) = wordNet.lookUp(word)
        let length = word.utf8.count
        let ending: WordEntry.Ending =
            if word.hasSuffix("ing"), length > 4 {
                .ing
            } else if word.hasSuffix("ed"), length > 3 {
                .ed
            } else if word.hasSuffix("ly"), length > 3 {
                .ly
            } else {
                word.hasSuffix("s") ? .s : .other
            }
        return WordEntry(
            forms: forms, counts: counts, closedClass: ClosedClass.classOfWord[word],
            isColour: Self.colours.contains(word), ending: ending)
    }
}

extension WordEntry {
    /// The closed class, or that it is a colour, or a letter for each form that WordNet allows and one for the part of speech
    /// that WordNet's authors met most often, or the ending of an unknown word.
    fileprivate var formsText: String {
        if let closedClass { return "\(closedClass)" }
        if isColour { return "colour" }
        if forms.isEmpty { return "?\(ending)" }
        let letters = "nvarpsgd".enumerated()
            .filter { forms.contains(WordNet.Forms(rawValue: 1 << UInt16($0.offset))) }
            .map { String($0.element) }
        let most = max(counts.noun, counts.verb, counts.adjective, counts.adverb)
        let favourite =
            switch most {
            case 0: ""
            case counts.noun: "/n"
            case counts.verb: "/v"
            case counts.adjective: "/a"
            default: "/r"
            }
        return letters.joined() + favourite
    }
}
