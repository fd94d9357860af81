import Foundation
import Text

/// Why nouns cannot be taken from captions.
public enum NounError: Error, Equatable, Sendable, CustomStringConvertible {
    case noWordNet(path: String)
    case malformedTagger(path: String, line: Int, reason: String)
    case noLinkGrammar(reason: String)

    /// Which file of WordNet or of the tagger cannot be used, and where to get it.
    public var description: String {
        switch self {
        case .noWordNet(let path):
            "'\(path)' is no WordNet database: run 'make setup', install Debian's wordnet-base, or "
                + "pass --wordnet with a directory that has index.noun"
        case .malformedTagger(let path, let line, let reason):
            "'\(path)' is no tagger, in line \(line): \(reason); make it again with "
                + "'vicha concepts train-tagger'"
        case .noLinkGrammar(let reason):
            "training a tagger needs link-grammar (\(reason)): install Debian's link-grammar and "
                + "link-grammar-dictionaries-en"
        }
    }
}

/// The words of WordNet with their parts of speech, and the rules for their forms (WordNet 3.0,
/// morphy).
public struct WordNet: Sendable {
    /// Parts of speech that a word form can have.
    public struct Forms: OptionSet, Hashable, Sendable {
        /// The bits.
        public let rawValue: UInt16

        /// Takes bits.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// A noun's base form.
        public static let noun = Forms(rawValue: 1)
        /// A verb's base form.
        public static let verb = Forms(rawValue: 2)
        /// An adjective, in its base form or compared.
        public static let adjective = Forms(rawValue: 4)
        /// An adverb.
        public static let adverb = Forms(rawValue: 8)
        /// A noun's plural.
        public static let plural = Forms(rawValue: 16)
        /// A verb's third person singular.
        public static let thirdPerson = Forms(rawValue: 32)
        /// A verb's form with -ing.
        public static let gerund = Forms(rawValue: 64)
        /// A verb's past tense or past participle.
        public static let past = Forms(rawValue: 128)
    }

    /// How often a word occurs as each part of speech in the texts that WordNet's authors tagged.
    public struct Counts: Sendable {
        /// As a noun.
        public var noun: Float = 0
        /// As a verb.
        public var verb: Float = 0
        /// As an adjective.
        public var adjective: Float = 0
        /// As an adverb.
        public var adverb: Float = 0
    }

    /// Where Debian's wordnet-base puts the database.
    public static let defaultPath = "/usr/share/wordnet"

    /// Where the database lies.
    public let path: String
    /// Lower-case, with `_` between the words of a lemma.
    private var lemmas = StringTable(capacity: 150_000)
    private var forms: [Forms] = []
    private var counts: [Counts] = []
    private var irregularNouns: [String: String] = [:]
    private var irregularVerbs: [String: String] = [:]
    private var irregularAdjectives: [String: String] = [:]

    /// Reads the database.
    /// - Throws: ``NounError/noWordNet(path:)``
    public init(path: String = defaultPath) throws {
        self.path = path
        for (name, form) in [
            ("noun", Forms.noun), ("verb", .verb), ("adj", .adjective), ("adv", .adverb),
        ] {
            try Self.lines("index.\(name)", in: path) { line in
                // The licence at the top is indented.
                guard line.first != UInt8(ascii: " ") else { return }
                let end = line.firstIndex(of: UInt8(ascii: " ")) ?? line.endIndex
                let (number, isNew) = lemmas.insert(
                    UnsafeBufferPointer(rebasing: line[line.startIndex..<end]))
                if isNew {
                    forms.append(form)
                    counts.append(Counts())
                } else {
                    forms[number].insert(form)
                }
            }
        }
        try readCounts()
        irregularNouns = try Self.exceptions("noun.exc", in: path)
        irregularVerbs = try Self.exceptions("verb.exc", in: path)
        irregularAdjectives = try Self.exceptions("adj.exc", in: path)
    }

    /// Lines such as `dog%1:05:00:: 1 42`: lemma, part of speech, …, number of the sense, count.
    private mutating func readCounts() throws {
        try Self.lines("cntlist.rev", in: path) { line in
            guard let percent = line.firstIndex(of: UInt8(ascii: "%")), percent + 1 < line.endIndex,
                let number = lemmas.number(
                    of: UnsafeBufferPointer(rebasing: line[line.startIndex..<percent])),
                let space = line.lastIndex(of: UInt8(ascii: " ")),
                let count = Float(String(decoding: line[(space + 1)...], as: UTF8.self))
            else { return }
            switch line[percent + 1] {
            case UInt8(ascii: "1"): counts[number].noun += count
            case UInt8(ascii: "2"): counts[number].verb += count
            case UInt8(ascii: "4"): counts[number].adverb += count
            default: counts[number].adjective += count
            }
        }
    }

    static func lines(
        _ name: String, in directory: String, _ body: (UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        let path = (directory as NSString).appendingPathComponent(name)
        guard let data = try? NSData(contentsOfFile: path, options: .alwaysMapped) else {
            throw NounError.noWordNet(path: directory)
        }
        let bytes = UnsafeBufferPointer(
            start: data.bytes.assumingMemoryBound(to: UInt8.self), count: data.length)
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            // Some copies have the line ends of another system.
            let end = line.last == UInt8(ascii: "\r") ? line.endIndex - 1 : line.endIndex
            try body(UnsafeBufferPointer(rebasing: bytes[line.startIndex..<end]))
        }
    }

    private static func exceptions(_ name: String, in directory: String) throws -> [String: String]
    {
        var result: [String: String] = [:]
        try lines(name, in: directory) { line in
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            if words.count > 1, words[0] != words[1] { result[String(words[0])] = String(words[1]) }
        }
        return result
    }

    /// Whether a lemma, of one word or several with `_` between them, is a noun.
    public func isNoun(_ lemma: String) -> Bool { has(.noun, lemma) }

    private func has(_ form: Forms, _ lemma: String) -> Bool {
        lemmas.number(of: lemma).map { forms[$0].contains(form) } ?? false
    }

    /// The parts of speech that a lower-case word form can have, with the counts of its lemmas.
    public func lookUp(_ word: String) -> (forms: Forms, counts: Counts) {
        var found: Forms = []
        var total = Counts()
        if let number = lemmas.number(of: word) {
            found = forms[number]
            total = counts[number]
        }
        if let lemma = singular(of: word), let number = lemmas.number(of: lemma) {
            found.insert(.plural)
            total.noun += counts[number].noun
        }
        if Self.uninflectedPlurals.contains(word) { found.insert(.plural) }
        for (ending, form) in [("s", Forms.thirdPerson), ("ing", .gerund), ("", .past)] {
            guard let lemma = verb(of: word, ending: ending), let number = lemmas.number(of: lemma)
            else { continue }
            found.insert(form)
            total.verb += counts[number].verb
        }
        if !found.contains(.adjective), let lemma = comparedAdjective(of: word),
            let number = lemmas.number(of: lemma)
        {
            found.insert(.adjective)
            total.adjective += counts[number].adjective
        }
        return (found, total)
    }

    /// The singular of a plural, nil for other words. Irregular forms come first, then endings.
    public func singular(of word: String) -> String? {
        if let lemma = irregularNouns[word], isNoun(lemma) { return lemma }
        guard !word.hasSuffix("ss"), !word.hasSuffix("us"), !word.hasSuffix("is") else {
            return nil
        }
        return Self.replaced(word, Self.nounEndings) { isNoun($0) }
    }

    /// The lemma of a noun: its singular where it is a plural that is no noun in the plural only.
    public func nounLemma(of word: String) -> String {
        Self.pluralOnly.contains(word) ? word : singular(of: word) ?? word
    }

    private func verb(of word: String, ending: String) -> String? {
        // Irregular forms with other endings are past forms.
        let endings = Self.verbEndings[ending] ?? []
        if let lemma = irregularVerbs[word], has(.verb, lemma) {
            let form = word.hasSuffix("ing") ? "ing" : word.hasSuffix("s") ? "s" : ""
            return form == ending ? lemma : nil
        }
        return Self.replaced(word, endings) { has(.verb, $0) }
    }

    private func comparedAdjective(of word: String) -> String? {
        if let lemma = irregularAdjectives[word], has(.adjective, lemma) { return lemma }
        return Self.replaced(word, Self.adjectiveEndings) { has(.adjective, $0) }
    }

    private static func replaced(
        _ word: String, _ endings: [(from: String, to: String)], _ isWord: (String) -> Bool
    ) -> String? {
        for (from, to) in endings where word.hasSuffix(from) && word.utf8.count > from.utf8.count {
            let candidate = String(word.dropLast(from.count)) + to
            if isWord(candidate) { return candidate }
        }
        return nil
    }

    private static let nounEndings = [
        ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
        ("men", "man"), ("ies", "y"), ("ves", "f"), ("ves", "fe"),
    ]
    private static let verbEndings: [String: [(from: String, to: String)]] = [
        "s": [("s", ""), ("ies", "y"), ("es", "e"), ("es", "")],
        "ing": [("ing", "e"), ("ing", "")],
        "": [("ed", "e"), ("ed", ""), ("ied", "y")],
    ]
    private static let adjectiveEndings = [
        ("er", ""), ("est", ""), ("er", "e"), ("est", "e"), ("ier", "y"), ("iest", "y"),
    ]
    /// Plurals that look like singulars.
    private static let uninflectedPlurals: Set<String> = [
        "people", "police", "cattle", "folk", "sheep", "deer", "fish", "personnel", "poultry",
    ]
    /// Plurals whose singular is another thing or none.
    private static let pluralOnly: Set<String> = [
        "clothes", "goggles", "jeans", "pants", "scissors", "shorts", "sunglasses", "trousers",
        "tights", "leggings", "pajamas", "pyjamas", "headphones", "binoculars", "overalls", "tongs",
        "pliers", "tweezers", "stairs", "woods", "arts", "sports", "news", "series", "species",
    ]
}
