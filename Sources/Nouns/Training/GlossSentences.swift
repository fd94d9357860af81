import Files
import Foundation

/// Sentences of WordNet's glosses: its quoted examples, and the first definitions of nouns.
enum GlossSentences {
    private static let exampleLengths = 12...140
    private static let exampleWords = 3...22
    private static let definitionWords = 4...16

    /// Different sentences, in the order of the database.
    static func all(of wordNet: WordNet) throws -> [String] {
        var seen: Set<ExactString> = []
        var sentences: [String] = []
        func take(_ sentence: Substring, words: ClosedRange<Int>) {
            let sentence = sentence.trimmingCharacters(in: .whitespaces)
            guard words.contains(sentence.split(separator: " ").count),
                // Some signs at the start are commands of link-parser; and these are no sentences.
                sentence.first?.isLetter == true, seen.insert(ExactString(sentence)).inserted
            else { return }
            sentences.append(sentence)
        }
        for part in ["noun", "verb", "adj", "adv"] {
            try WordNet.lines("data.\(part)", in: wordNet.path) { line in
                guard line.first != UInt8(ascii: " "),
                    let gloss = String(decoding: line, as: UTF8.self).firstRange(of: " | ")
                        .map({ String(decoding: line, as: UTF8.self)[$0.upperBound...] })
                else { return }
                let pieces = gloss.split(separator: "\"", omittingEmptySubsequences: false)
                // Between the quotation marks stand the pieces with odd numbers.
                for (number, piece) in pieces.enumerated() where !number.isMultiple(of: 2) {
                    if exampleLengths.contains(piece.count) { take(piece, words: exampleWords) }
                }
                guard part == "noun",
                    let definition = pieces.first?.split(separator: ";").first
                else { return }
                take(definition, words: definitionWords)
            }
        }
        return sentences
    }
}
