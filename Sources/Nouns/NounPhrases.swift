/// A noun with what belongs to it.
struct NounPhrase: Equatable {
    /// Tokens of the nouns, the root last; hyphens between them are left out.
    var nouns: [Int]
    /// Tokens of the adjectives, participles and numbers before them.
    var modifiers: [Int]

    /// First token of the phrase, as far as is known: determiners are not.
    var start: Int { min(modifiers.first ?? nouns[0], nouns[0]) }
}

/// Two noun phrases with the words that relate them.
struct NounRelation: Equatable {
    /// Number of the phrase.
    let subject: Int
    /// Tokens of the verb, or of the prepositions.
    let words: [Int]
    /// Number of the phrase.
    let object: Int
}

/// Finds noun phrases in tagged captions: runs of nouns are compounds, whose last is the root.
struct NounPhraseFinder {
    /// Nouns that are parts of prepositions: in `front` of, on `top` of.
    private static let complexPrepositions: [[String]] = [
        ["in", "front", "of"], ["in", "addition", "to"], ["in", "reference", "to"],
        ["in", "regard", "to"], ["in", "spite", "of"], ["on", "account", "of"],
        ["on", "top", "of"],
        ["on", "side", "of"], ["on", "the", "side", "of"], ["with", "regard", "to"],
    ]
    /// Participles that follow a noun and describe the next: snow covered, hand drawn.
    private static let describing: Set<String> = [
        "covered", "drawn", "filled", "lined", "shaped", "sized", "colored", "coloured", "made",
        "themed", "topped", "powered", "driven", "eyed", "haired", "patterned", "paved", "lit",
        "roofed", "painted", "carved", "stained",
    ]

    /// Noun phrases in their order.
    func callAsFunction(
        _ caption: LookedUpCaption, _ tags: [PartOfSpeech], _ lexicon: Lexicon
    ) -> [NounPhrase] {
        let words = { (index: Int) in lexicon.words[caption.tokens[index].word] }
        var phrases: [NounPhrase] = []
        var modifiers: [Int] = []
        var index = 0
        while index < tags.count {
            guard tags[index].isNoun else {
                switch tags[index] {
                case .adjective, .number: modifiers.append(index)
                case .verb where isParticiple(lexicon[caption.tokens[index].word]):
                    modifiers.append(index)
                case .hyphen, .adverb: break
                default: modifiers = []
                }
                index += 1
                continue
            }
            var nouns: [Int] = []
            while index < tags.count, tags[index].isNoun || joins(index, tags) {
                if tags[index].isNoun { nouns.append(index) }
                index += 1
            }
            let isPossessor = index < tags.count && tags[index] == .possessive
            if isPossessor || describesNext(index, tags, words) {
                modifiers = []
                continue
            }
            if let last = modifiers.last, last == nouns[0] - 1, words(last).hasSuffix("ing"),
                lexicon.wordNet.isNoun(words(last) + "_" + words(nouns[0]))
            {
                nouns.insert(modifiers.removeLast(), at: 0)
            }
            let isPreposition =
                nouns.count == 1 && isInComplexPreposition(nouns[0], tags.count, words)
            if !isPreposition { phrases.append(NounPhrase(nouns: nouns, modifiers: modifiers)) }
            modifiers = []
        }
        return phrases
    }

    /// Relations of phrases that follow each other with nothing between them but a verb or
    /// prepositions and what goes with these. Subjects joined by a conjunction share the relation.
    func relations(
        _ phrases: [NounPhrase], _ caption: LookedUpCaption, _ tags: [PartOfSpeech],
        _ lexicon: Lexicon
    ) -> [NounRelation] {
        var relations: [NounRelation] = []
        var subjects: [Int] = []
        for object in phrases.indices.dropFirst() {
            let subject = object - 1
            let end = phrases[subject].nouns.max() ?? 0
            let between = (end + 1)..<max(end + 1, phrases[object].start)
            subjects.append(subject)
            var verbs: [Int] = []
            var prepositions: [Int] = []
            var isRelated = true
            for token in between {
                let entry = lexicon[caption.tokens[token].word]
                switch tags[token] {
                case .verb: verbs.append(token)
                case .preposition: prepositions.append(token)
                case .determiner, .adverb, .adjective, .number: break
                case _ where entry.closedClass == .auxiliary: break
                case _ where entry.closedClass == .conjunction && between.count <= 2:
                    isRelated = false
                default:
                    isRelated = false
                    subjects = []
                }
            }
            guard isRelated else { continue }
            let words = prepositions.isEmpty ? verbs : prepositions
            if !words.isEmpty {
                relations += subjects.map {
                    NounRelation(subject: $0, words: words, object: object)
                }
            }
            subjects = []
        }
        return relations
    }

    private func isParticiple(_ entry: WordEntry) -> Bool {
        entry.forms.contains(.past) || entry.forms.contains(.gerund) || entry.ending == .ed
            || entry.ending == .ing
    }

    /// A hyphen between two nouns.
    private func joins(_ index: Int, _ tags: [PartOfSpeech]) -> Bool {
        tags[index] == .hyphen && index + 1 < tags.count && tags[index + 1].isNoun
    }

    /// Whether a participle follows that makes the nouns before `index` describe the next noun.
    private func describesNext(
        _ index: Int, _ tags: [PartOfSpeech], _ words: (Int) -> String
    ) -> Bool {
        guard index + 1 < tags.count else { return false }
        if tags[index] == .hyphen { return true }
        guard tags[index] == .verb || tags[index] == .adjective,
            Self.describing.contains(words(index))
        else { return false }
        let next = tags[index + 1]
        return next.isNoun || next == .adjective
    }

    private func isInComplexPreposition(
        _ index: Int, _ count: Int, _ words: (Int) -> String
    ) -> Bool {
        Self.complexPrepositions.contains { preposition in
            let place = preposition.count - 2
            guard index >= place, index + 1 < count else { return false }
            return preposition.indices.allSatisfy { words(index - place + $0) == preposition[$0] }
        }
    }
}
