import Files
import Foundation
import Text

/// What a tagger knows about a word.
struct WordEntry: Sendable {
    let forms: WordNet.Forms
    let counts: WordNet.Counts
    let closedClass: ClosedClass?
    let isColour: Bool
    /// Hashes of the lower-case word, of its last two, three and four letters, and of its first.
    let word: UInt64
    let suffixes: (UInt64, UInt64, UInt64)
    let first: UInt64
    let ending: Ending

    /// Endings that say something about words that are in no dictionary.
    enum Ending: Sendable {
        case ing
        case ed
        case ly
        case s
        case other
    }
}

/// Looks words up in WordNet once each. Not for several threads: each has its own.
struct Lexicon {
    let wordNet: WordNet
    private(set) var words = StringTable(capacity: 4096)
    private var entries: [WordEntry] = []

    /// Words that describe more often than they name, against WordNet's counts.
    private static let colours: Set<String> = [
        "beige", "black", "blond", "blonde", "blue", "brown", "brunette",
        "golden", "gray", "green", "grey", "khaki", "maroon", "navy", "pink", "purple",
        "red", "tan", "teal", "turquoise", "violet", "white", "yellow",
    ]

    init(_ wordNet: WordNet) { self.wordNet = wordNet }

    /// The number of a lower-case word.
    mutating func number(of word: UnsafeBufferPointer<UInt8>) -> Int {
        let (number, isNew) = words.insert(word)
        if isNew { entries.append(entry(String(decoding: word, as: UTF8.self))) }
        return number
    }

    subscript(number: Int) -> WordEntry { entries[number] }

    private func entry(_ word: String) -> WordEntry {
        let (forms, counts) = wordNet.lookUp(word)
        let bytes = Array(word.utf8)
        func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
            var hash = StableHash()
            hash.add(bytes)
            return hash.value
        }
        let ending: WordEntry.Ending =
            word.hasSuffix("ing") && bytes.count > 4
            ? .ing
            : word.hasSuffix("ed") && bytes.count > 3
                ? .ed
                : word.hasSuffix("ly") && bytes.count > 3 ? .ly : word.hasSuffix("s") ? .s : .other
        return WordEntry(
            forms: forms, counts: counts, closedClass: ClosedClass.classOfWord[word],
            isColour: Self.colours.contains(word),
            word: hash(bytes[...]),
            suffixes: (hash(bytes.suffix(2)), hash(bytes.suffix(3)), hash(bytes.suffix(4))),
            first: hash(bytes.prefix(1)), ending: ending)
    }
}

/// Part of speech of a token, as far as noun phrases need it.
enum PartOfSpeech: UInt8, CaseIterable, Sendable {
    case noun
    case verb
    case adjective
    case adverb
    case number
    case determiner
    case possessive
    case preposition
    case hyphen
    case other

    var isNoun: Bool { self == .noun }
}

/// A caption cut into words that are looked up.
struct LookedUpCaption {
    /// A word or a sign.
    struct Token {
        let kind: CaptionToken.Kind
        /// Number of the word in the lexicon.
        let word: Int
        /// Bytes of the text.
        let range: Range<Int>
        let isCapitalised: Bool
    }

    private(set) var tokens: [Token] = []
    private let text: String

    /// A token as it stands in the caption.
    func surface(_ index: Int) -> Substring {
        let range = tokens[index].range
        let start = text.utf8.index(text.startIndex, offsetBy: range.lowerBound)
        return text[start..<text.utf8.index(start, offsetBy: range.count)]
    }

    init(_ caption: String, _ lexicon: inout Lexicon) {
        text = Self.plain(caption)
        var copy = text
        copy.withUTF8 { bytes in
            let tokens = CaptionTokenizer.tokens(of: bytes)
            // Letters beyond ASCII are lower-case already.
            let lowered = bytes.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
            lowered.withUnsafeBufferPointer { lowered in
                self.tokens = tokens.map {
                    Token(
                        kind: $0.kind,
                        word: lexicon.number(of: UnsafeBufferPointer(rebasing: lowered[$0.range])),
                        range: $0.range, isCapitalised: $0.isCapitalised)
                }
            }
        }
    }

    /// Text with typographic signs in their plain form, and without emoji and other signs that are
    /// neither letter nor digit.
    private static func plain(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 128 }) else { return text }
        var result = ""
        for scalar in text.precomposedStringWithCanonicalMapping.unicodeScalars {
            switch scalar {
            case "\u{2018}", "\u{2019}": result += "'"
            case "\u{2010}", "\u{2011}": result += "-"
            case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
            case _ where scalar.properties.isAlphabetic:
                result += scalar.properties.lowercaseMapping
            case _ where scalar.properties.isDiacritic: result.unicodeScalars.append(scalar)
            default: result += " "
            }
        }
        return result
    }
}
