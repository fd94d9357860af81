import Foundation
import Text

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
        /// Whether the word and the one before it are a noun of WordNet.
        let endsCompound: Bool
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
                for token in tokens {
                    let word = lexicon.number(
                        of: UnsafeBufferPointer(rebasing: lowered[token.range]))
                    var endsCompound = false
                    if token.kind == .word, let last = self.tokens.last, last.kind == .word {
                        endsCompound = lexicon.isCompound(last.word, word)
                    }
                    self.tokens.append(
                        Token(
                            kind: token.kind, word: word, range: token.range,
                            isCapitalised: token.isCapitalised, endsCompound: endsCompound))
                }
            }
        }
    }

    /// Text with typographic signs in their plain form, and without emoji and other signs that are
    /// neither letter nor digit.
    private static func plain(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 128 }) else { return text }
        var result = ""
        for scalar in ComposedForm.of(Array(text.unicodeScalars)) {
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
