import Foundation

/// A tag of words that are in no closed class.
enum OpenTag: Int, CaseIterable, Sendable {
    case noun
    case plural
    case name
    case verb
    case adjective
    case adverb
    case other

    /// As in the files of taggers.
    var text: String { ["NN", "NNS", "NNP", "V", "JJ", "RB", "F"][rawValue] }

    init?(text: some StringProtocol) {
        guard let tag = Self.allCases.first(where: { $0.text == text }) else { return nil }
        self = tag
    }

    var partOfSpeech: PartOfSpeech {
        switch self {
        case .noun, .plural, .name: .noun
        case .verb: .verb
        case .adjective: .adjective
        case .adverb: .adverb
        case .other: .other
        }
    }
}

/// What a feature looks at: an attribute of a word near the one to be tagged, a tag before it, or how
/// it is written.
enum FeaturePart: Sendable {
    case attribute(WordAttribute, Int)
    /// -1 is the word before.
    case tag(Int)
    case shape
    /// Whether WordNet has the word together with the one before, and with the one after.
    case compound
}

/// A kind of feature: the values of its parts together.
struct FeatureTemplate: Sendable {
    let name: String
    let parts: [FeaturePart]

    init(_ name: String, _ parts: FeaturePart...) {
        self.name = name
        self.parts = parts
    }

    static let all: [FeatureTemplate] = [
        .init("bias"),
        .init("word", .attribute(.word, 0)),
        .init("last2", .attribute(.lastTwo, 0)),
        .init("last3", .attribute(.lastThree, 0)),
        .init("last4", .attribute(.lastFour, 0)),
        .init("first", .attribute(.first, 0)),
        .init("shape", .shape),
        .init("tag-1", .tag(-1)),
        .init("tag-2,tag-1", .tag(-2), .tag(-1)),
        .init("word-2", .attribute(.word, -2)),
        .init("word-1", .attribute(.word, -1)),
        .init("word+1", .attribute(.word, 1)),
        .init("word+2", .attribute(.word, 2)),
        .init("last3-1", .attribute(.lastThree, -1)),
        .init("last3+1", .attribute(.lastThree, 1)),
        .init("word-1,word", .attribute(.word, -1), .attribute(.word, 0)),
        .init("word,word+1", .attribute(.word, 0), .attribute(.word, 1)),
        .init("tag-1,word", .tag(-1), .attribute(.word, 0)),
        .init("compound", .compound),
        .init("compound,forms", .compound, .attribute(.forms, 0)),
        .init("forms", .attribute(.forms, 0)),
        .init("forms-1", .attribute(.forms, -1)),
        .init("forms+1", .attribute(.forms, 1)),
        .init("forms-1,forms", .attribute(.forms, -1), .attribute(.forms, 0)),
        .init("forms,forms+1", .attribute(.forms, 0), .attribute(.forms, 1)),
        .init("tag-1,forms", .tag(-1), .attribute(.forms, 0)),
        .init(
            "tag-1,forms,forms+1", .tag(-1), .attribute(.forms, 0), .attribute(.forms, 1)),
        .init("tag-2,tag-1,forms", .tag(-2), .tag(-1), .attribute(.forms, 0)),
    ]
}

/// The values of features at one word, from the words of a caption and the tags before it.
struct FeatureContext {
    let caption: LookedUpCaption
    let lexicon: Lexicon
    /// Texts and hashes of the tags so far. Words of closed classes are their own tags.
    private var tags: [(text: String, hash: UInt64)] = []

    private static let start = (text: "<s>", hash: Lexicon.hash(of: "<s>"))
    private static let end = (text: "</s>", hash: Lexicon.hash(of: "</s>"))
    private static let number = (text: "#", hash: Lexicon.hash(of: "#"))
    private static let openTags = OpenTag.allCases.map {
        (text: $0.text, hash: Lexicon.hash(of: $0.text))
    }
    private static let shapes = ["lower", "Upper", "First"].map {
        (text: $0, hash: Lexicon.hash(of: $0))
    }
    private static let compounds = ["none", "end", "start", "middle"].map {
        (text: $0, hash: Lexicon.hash(of: $0))
    }
    private static let templateHashes = FeatureTemplate.all.map { Lexicon.hash(of: $0.name) }

    init(_ caption: LookedUpCaption, _ lexicon: Lexicon) {
        self.caption = caption
        self.lexicon = lexicon
        tags.reserveCapacity(caption.tokens.count)
    }

    /// Goes on to the next word. The tag of a sign or a word of a closed class is nil.
    mutating func append(_ tag: OpenTag?) {
        if let tag {
            tags.append(Self.openTags[tag.rawValue])
            return
        }
        let token = caption.tokens[tags.count]
        tags.append(
            token.kind == .number
                ? Self.number
                : ("", lexicon.hash(.word, of: token.word)))
    }

    /// The hash of each template's feature at the word that comes next.
    func hashes(_ body: (UInt64) -> Void) {
        for (template, name) in zip(FeatureTemplate.all, Self.templateHashes) {
            var hash = name
            for part in template.parts { hash = Self.joined(hash, self.hash(part)) }
            body(hash)
        }
    }

    /// The values of a template at the word that comes next, as they stand in the files of taggers.
    func texts(_ template: FeatureTemplate) -> [String] { template.parts.map(text) }

    /// The hash of a feature of a file.
    static func hash(template: some StringProtocol, values: [some StringProtocol]) -> UInt64 {
        values.reduce(Lexicon.hash(of: template)) { joined($0, Lexicon.hash(of: $1)) }
    }

    private static func joined(_ hash: UInt64, _ next: UInt64) -> UInt64 {
        let product = (hash ^ next) &* 0x9e37_79b9_7f4a_7c15
        return product ^ product >> 29
    }

    private func hash(_ part: FeaturePart) -> UInt64 {
        switch part {
        case .attribute(let attribute, let offset):
            let index = tags.count + offset
            guard index >= 0 else { return Self.start.hash }
            guard index < caption.tokens.count else { return Self.end.hash }
            return lexicon.hash(attribute, of: caption.tokens[index].word)
        case .tag(let offset):
            let index = tags.count + offset
            return index >= 0 ? tags[index].hash : Self.start.hash
        case .shape: return Self.shapes[shape].hash
        case .compound: return Self.compounds[compound].hash
        }
    }

    private func text(_ part: FeaturePart) -> String {
        switch part {
        case .attribute(let attribute, let offset):
            let index = tags.count + offset
            guard index >= 0 else { return Self.start.text }
            guard index < caption.tokens.count else { return Self.end.text }
            return lexicon.text(attribute, of: caption.tokens[index].word)
        case .tag(let offset):
            let index = tags.count + offset
            guard index >= 0 else { return Self.start.text }
            let text = tags[index].text
            return text.isEmpty ? lexicon.words[caption.tokens[index].word] : text
        case .shape: return Self.shapes[shape].text
        case .compound: return Self.compounds[compound].text
        }
    }

    private var shape: Int {
        guard caption.tokens[tags.count].isCapitalised else { return 0 }
        return tags.isEmpty ? 2 : 1
    }

    private var compound: Int {
        let next = tags.count + 1
        let startsOne = next < caption.tokens.count && caption.tokens[next].endsCompound
        return (caption.tokens[tags.count].endsCompound ? 1 : 0) + (startsOne ? 2 : 0)
    }
}

/// Weights of features for each tag.
struct FeatureWeights: Sendable {
    /// Numbers of the features by hash: an open-addressing table.
    private var slots: [Int32] = Array(repeating: -1, count: 1024)
    private(set) var keys: [UInt64] = []
    /// [features, tags]
    var values: [Float] = []

    static let tagCount = OpenTag.allCases.count

    func number(of key: UInt64) -> Int? {
        let number = slots[slot(of: key)]
        return number >= 0 ? Int(number) : nil
    }

    /// The number of a feature, which is added with weights of zero where it is new.
    mutating func insert(_ key: UInt64) -> (number: Int, isNew: Bool) {
        if 2 * (keys.count + 1) > slots.count { grow() }
        let slot = slot(of: key)
        if slots[slot] >= 0 { return (Int(slots[slot]), false) }
        slots[slot] = Int32(keys.count)
        keys.append(key)
        values += repeatElement(0, count: Self.tagCount)
        return (keys.count - 1, true)
    }

    /// The best tag at a word; the first of equal ones.
    func best(_ context: FeatureContext) -> OpenTag {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.tagCount) { scores in
            scores.initialize(repeating: 0)
            values.withUnsafeBufferPointer { values in
                context.hashes { key in
                    guard let number = number(of: key) else { return }
                    for tag in 0..<Self.tagCount {
                        scores[tag] += values[number * Self.tagCount + tag]
                    }
                }
            }
            return OpenTag.allCases.max { scores[$0.rawValue] < scores[$1.rawValue] } ?? .other
        }
    }

    private func slot(of key: UInt64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: key ^ key >> 32) & mask
        while slots[slot] >= 0, keys[Int(slots[slot])] != key { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: 2 * slots.count)
        for (number, key) in keys.enumerated() { slots[slot(of: key)] = Int32(number) }
    }
}

/// Tags words from left to right with an averaged perceptron (Collins 2002).
public struct PerceptronTagger: Sendable {
    private let weights: FeatureWeights

    init(_ weights: FeatureWeights) { self.weights = weights }

    /// The part of speech of each token.
    func tags(_ caption: LookedUpCaption, _ lexicon: Lexicon) -> [PartOfSpeech] {
        var context = FeatureContext(caption, lexicon)
        return caption.tokens.map { token in
            if let fixed = token.fixedPartOfSpeech(lexicon) {
                context.append(nil)
                return fixed
            }
            let tag = weights.best(context)
            context.append(tag)
            return tag.partOfSpeech
        }
    }
}
