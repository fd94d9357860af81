import Foundation

/// Tags words by what WordNet allows and by scores for what follows what, without training: the
/// sequence with the best sum (Viterbi). Its labels make sure of those that a ``PerceptronTagger``
/// is trained on.
struct RuleTagger: Sendable {
    /// What a token can be, with the agreement of noun and verb in number.
    private enum Category: Int, CaseIterable {
        case start
        case determiner
        case possessive
        case number
        case pronoun
        case relative
        case auxiliary
        case modal
        case to
        case preposition
        case conjunction
        case adverb
        case there
        case singular
        case plural
        case base
        case thirdPerson
        case gerund
        case participle
        case adjective
        case genitive
        case hyphen
        case punctuation

        var partOfSpeech: PartOfSpeech {
            switch self {
            case .singular, .plural: .noun
            case .base, .thirdPerson, .gerund, .participle: .verb
            case .adjective: .adjective
            case .adverb: .adverb
            case .number: .number
            case .determiner, .possessive: .determiner
            case .genitive: .possessive
            case .preposition: .preposition
            case .hyphen: .hyphen
            default: .other
            }
        }
    }

    /// Logarithms, of natural base, of how likely one category follows another; seen from captions.
    private static let scores: [Float] = {
        let count = Category.allCases.count
        var scores = [Float](repeating: -4.5, count: count * count)
        func set(_ from: Category, _ next: [Category: Float]) {
            for (to, score) in next { scores[from.rawValue * count + to.rawValue] = score }
        }
        let phraseStart: [Category: Float] = [
            .determiner: -0.5, .possessive: -1.5, .number: -1.5, .adjective: -1.5, .singular: -1.5,
            .plural: -1.5, .pronoun: -2, .gerund: -3, .participle: -3,
        ]
        set(
            .start,
            phraseStart.merging([
                .adverb: -3, .there: -1.5, .preposition: -2.5, .base: -4, .participle: -3,
                .gerund: -3,
                .relative: -3, .conjunction: -3.5, .punctuation: -2.5, .to: -4,
            ]) { $1 })
        let inside: [Category: Float] = [
            .singular: -0.5, .plural: -1.2, .adjective: -1.3, .number: -2.5, .participle: -2.8,
            .gerund: -3, .adverb: -4, .base: -8, .thirdPerson: -8, .punctuation: -4,
            .determiner: -4, .preposition: -4.5, .auxiliary: -4.5,
        ]
        set(.determiner, inside.merging([.number: -2, .adverb: -3.5, .preposition: -3]) { $1 })
        set(.possessive, inside)
        set(.genitive, inside)
        set(
            .number,
            inside.merging([
                .plural: -0.4, .singular: -2, .preposition: -2.5, .number: -2.5, .auxiliary: -3,
                .punctuation: -2, .hyphen: -2,
            ]) { $1 })
        set(
            .adjective,
            inside.merging([
                .adjective: -2.2, .conjunction: -2.3, .preposition: -2.2, .punctuation: -2,
                .hyphen: -2.5, .to: -3, .base: -6, .thirdPerson: -6,
            ]) { $1 })
        let afterNoun: [Category: Float] = [
            .preposition: -1, .conjunction: -2, .punctuation: -1.2, .auxiliary: -1.8,
            .gerund: -2, .participle: -2.5, .genitive: -0.5, .relative: -3, .adverb: -3,
            .singular: -2.3, .plural: -3, .adjective: -4.5, .modal: -3, .to: -3, .hyphen: -2,
            .determiner: -4, .number: -4.5, .pronoun: -4.5, .possessive: -5,
        ]
        set(.singular, afterNoun.merging([.thirdPerson: -1.7, .base: -4.5]) { $1 })
        set(
            .plural,
            afterNoun.merging([
                .base: -1.7, .thirdPerson: -5, .singular: -4.2, .plural: -4.5,
            ]) { $1 })
        let afterVerb: [Category: Float] = phraseStart.merging([
            .determiner: -1, .preposition: -1, .adverb: -2.5, .to: -2.5, .punctuation: -2.5,
            .possessive: -2, .adjective: -2, .singular: -2, .plural: -2, .gerund: -3, .pronoun: -2,
            .conjunction: -2.5, .participle: -3.5, .number: -2.2,
        ]) { $1 }
        for verb in [Category.base, .thirdPerson, .gerund, .participle] { set(verb, afterVerb) }
        // A participle or a gerund can stand before the noun that it describes.
        set(.participle, [.singular: -2, .plural: -2.2, .preposition: -0.7])
        set(
            .auxiliary,
            phraseStart.merging([
                .gerund: -1, .participle: -1.5, .adjective: -1.5, .adverb: -2, .preposition: -1.5,
                .determiner: -1.2, .auxiliary: -2.5, .singular: -3, .plural: -3, .number: -2,
                .to: -3.5, .there: -4, .base: -4,
            ]) { $1 })
        set(.modal, [.base: -0.3, .auxiliary: -1, .adverb: -2])
        set(.to, phraseStart.merging([.base: -0.7, .determiner: -1.5, .auxiliary: -2]) { $1 })
        set(
            .preposition,
            phraseStart.merging([
                .determiner: -0.7, .possessive: -2, .singular: -1.5, .plural: -1.7, .gerund: -2.2,
                .number: -2.2, .preposition: -2, .adjective: -2, .adverb: -3.5, .punctuation: -2.5,
                .relative: -3, .conjunction: -3,
            ]) { $1 })
        set(
            .conjunction,
            phraseStart.merging([
                .gerund: -2, .participle: -2.5, .thirdPerson: -2.5, .base: -2.8, .preposition: -2.5,
                .adverb: -3, .auxiliary: -2.7, .there: -3.5, .relative: -3.5, .determiner: -0.9,
            ]) { $1 })
        set(
            .adverb,
            phraseStart.merging([
                .adjective: -1.5, .preposition: -1.5, .gerund: -2, .participle: -2, .base: -2.5,
                .thirdPerson: -2.5, .punctuation: -1.5, .adverb: -2.5, .conjunction: -2.5,
                .number: -2.5,
                .singular: -2.8, .plural: -2.8, .to: -3, .auxiliary: -3,
            ]) { $1 })
        set(
            .pronoun,
            [
                .auxiliary: -1, .base: -1.5, .thirdPerson: -1.7, .preposition: -1.5,
                .punctuation: -2,
                .gerund: -2.5, .participle: -2.5, .modal: -2.5, .adverb: -2.5, .conjunction: -2.5,
                .adjective: -3, .to: -2.5,
            ])
        set(
            .relative,
            phraseStart.merging([
                .auxiliary: -1, .thirdPerson: -1.7, .base: -2, .participle: -2.5, .modal: -2.5,
            ]) { $1 })
        set(.there, [.auxiliary: -0.3, .punctuation: -2, .preposition: -2, .base: -4])
        set(
            .hyphen,
            [
                .singular: -1, .plural: -1.8, .participle: -1.5, .adjective: -1.7, .gerund: -2,
                .number: -2.5, .preposition: -2.5, .base: -3.5,
            ])
        set(
            .punctuation,
            phraseStart.merging([
                .gerund: -2.2, .conjunction: -1.3, .adverb: -2.8, .preposition: -2.2,
                .participle: -2.6, .relative: -2.8, .thirdPerson: -3, .base: -3.2, .punctuation: -2,
                .there: -3, .auxiliary: -3.5,
            ]) { $1 })
        return scores
    }()

    private struct Candidate {
        let category: Category
        let score: Float
    }

    /// The part of speech of each token.
    func tags(_ caption: LookedUpCaption, _ lexicon: Lexicon) -> [PartOfSpeech] {
        let count = Category.allCases.count
        var paths: [[(category: Category, score: Float, previous: Int)]] = [
            [(.start, 0, 0)]
        ]
        for token in caption.tokens {
            let before = paths[paths.count - 1]
            paths.append(
                candidates(token, lexicon[token.word]).map { candidate in
                    var best = (score: -Float.infinity, previous: 0)
                    for (index, path) in before.enumerated() {
                        let step = path.category.rawValue * count + candidate.category.rawValue
                        let score = path.score + Self.scores[step]
                        if score > best.score { best = (score, index) }
                    }
                    return (candidate.category, best.score + candidate.score, best.previous)
                })
        }
        var tags: [PartOfSpeech] = []
        var place =
            paths[paths.count - 1].indices.max {
                paths[paths.count - 1][$0].score < paths[paths.count - 1][$1].score
            } ?? 0
        for step in paths.dropFirst().reversed() {
            tags.append(step[place].category.partOfSpeech)
            place = step[place].previous
        }
        return tags.reversed()
    }

    private func candidates(_ token: LookedUpCaption.Token, _ entry: WordEntry) -> [Candidate] {
        switch token.kind {
        case .number: return [Candidate(category: .number, score: 0)]
        case .hyphen: return [Candidate(category: .hyphen, score: 0)]
        case .possessive: return [Candidate(category: .genitive, score: 0)]
        case .punctuation: return [Candidate(category: .punctuation, score: 0)]
        case .word: break
        }
        if let closed = entry.closedClass {
            let category: Category =
                switch closed {
                case .determiner: .determiner
                case .possessive: .possessive
                case .number: .number
                case .pronoun: .pronoun
                case .relative: .relative
                case .auxiliary: .auxiliary
                case .modal: .modal
                case .to: .to
                case .preposition: .preposition
                case .conjunction: .conjunction
                case .adverb: .adverb
                case .there: .there
                }
            return [Candidate(category: category, score: 0)]
        }
        if entry.isColour {
            return [
                Candidate(category: .adjective, score: -0.2),
                Candidate(category: .singular, score: -2.3),
            ]
        }
        return entry.forms.isEmpty ? unknown(token, entry) : known(entry)
    }

    /// WordNet's counts are of a verb in all its forms, but those of an -ing noun of that word alone:
    /// without a share, *building* would nearly always be a form of *build*.
    private static let gerundShare: Float = 0.2

    private func known(_ entry: WordEntry) -> [Candidate] {
        // Sense-tagged counts are few: half an occurrence for what WordNet allows.
        let (forms, counts) = (entry.forms, entry.counts)
        var weights: [(Category, Float)] = []
        let noun = counts.noun + 1
        if forms.contains(.plural) { weights.append((.plural, noun)) }
        if forms.contains(.noun) {
            weights.append((.singular, forms.contains(.plural) ? noun / 10 : noun))
        }
        let verb = counts.verb + 0.5
        if forms.contains(.verb) { weights.append((.base, verb)) }
        if forms.contains(.thirdPerson) { weights.append((.thirdPerson, verb)) }
        if forms.contains(.gerund) { weights.append((.gerund, verb * Self.gerundShare)) }
        if forms.contains(.past) { weights.append((.participle, verb)) }
        if forms.contains(.adjective) { weights.append((.adjective, counts.adjective + 0.5)) }
        if forms.contains(.adverb) { weights.append((.adverb, counts.adverb + 0.3)) }
        let total = weights.reduce(0) { $0 + $1.1 }
        return weights.map { Candidate(category: $0.0, score: 0.6 * log($0.1 / total)) }
    }

    private func unknown(_ token: LookedUpCaption.Token, _ entry: WordEntry) -> [Candidate] {
        let scores: [(Category, Float)] =
            switch entry.ending {
            case .ing: [(.gerund, -0.5), (.singular, -2), (.adjective, -2.5)]
            case .ed: [(.participle, -0.4), (.adjective, -1.2), (.singular, -3)]
            case .ly: [(.adverb, -0.4), (.adjective, -1.5), (.singular, -4)]
            case .s: [(.plural, -0.6), (.singular, -1.2), (.thirdPerson, -2.5)]
            case .other: [(.singular, -0.3), (.adjective, -2), (.base, -3.5), (.plural, -4)]
            }
        return scores.map { Candidate(category: $0.0, score: $0.1) }
    }
}
