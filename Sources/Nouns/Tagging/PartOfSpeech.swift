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

extension ClosedClass {
    var partOfSpeech: PartOfSpeech {
        switch self {
        case .determiner, .possessive: .determiner
        case .number: .number
        case .preposition: .preposition
        case .adverb: .adverb
        case .pronoun, .relative, .auxiliary, .modal, .to, .conjunction, .there: .other
        }
    }
}

extension LookedUpCaption.Token {
    /// The part of speech of a sign or of a word of a closed class, nil for other words.
    func fixedPartOfSpeech(_ lexicon: Lexicon) -> PartOfSpeech? {
        switch kind {
        case .number: .number
        case .hyphen: .hyphen
        case .possessive: .possessive
        case .punctuation: .other
        case .word: lexicon[word].closedClass?.partOfSpeech
        }
    }
}
