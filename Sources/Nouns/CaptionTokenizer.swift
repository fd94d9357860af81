/// A word, a number or a sign of a caption.
struct CaptionToken: Equatable {
    enum Kind: Equatable {
        case word
        case number
        /// A hyphen that joins two words without space.
        case hyphen
        /// `'s`, or `'` after an s.
        case possessive
        case punctuation
    }

    let kind: Kind
    /// Bytes of the caption.
    let range: Range<Int>
    let isCapitalised: Bool
}

/// Cuts captions into words as treebanks do: `man's` is two, `don't` is two, `t-shirt` is three.
enum CaptionTokenizer {
    private static let apostrophe = UInt8(ascii: "'")

    static func tokens(of text: UnsafeBufferPointer<UInt8>) -> [CaptionToken] {
        var tokens: [CaptionToken] = []
        tokens.reserveCapacity(text.count / 4)
        var position = 0
        while position < text.count {
            let byte = text[position]
            if isSpace(byte) {
                position += 1
                continue
            }
            let start = position
            while position < text.count, isWord(text[position]) {
                position += 1
            }
            if position > start {
                append(text, start..<position, to: &tokens)
                continue
            }
            position += 1
            tokens.append(sign(text, start, after: tokens.last))
            if let length = clitic(text, start) {
                // What follows the apostrophe belongs to it.
                position = start + length
                let isPossessive = length == 2 && text[start + 1] | 0x20 == UInt8(ascii: "s")
                tokens[tokens.count - 1] = CaptionToken(
                    kind: isPossessive ? .possessive : .word, range: start..<position,
                    isCapitalised: false)
            }
        }
        return tokens
    }

    private static func append(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, to tokens: inout [CaptionToken]
    ) {
        let isNumber = range.allSatisfy { (48...57).contains(text[$0]) }
        // n't is a word of its own: the n stands before the apostrophe.
        if let last = range.last, text[last] | 0x20 == UInt8(ascii: "n"), range.count > 1,
            last + 2 < text.count, text[last + 1] == apostrophe,
            text[last + 2] | 0x20 == UInt8(ascii: "t")
        {
            tokens.append(
                CaptionToken(
                    kind: .word, range: range.lowerBound..<last,
                    isCapitalised: (65...90).contains(text[range.lowerBound])))
            return
        }
        tokens.append(
            CaptionToken(
                kind: isNumber ? .number : .word, range: range,
                isCapitalised: (65...90).contains(text[range.lowerBound])))
    }

    private static func sign(
        _ text: UnsafeBufferPointer<UInt8>, _ start: Int, after last: CaptionToken?
    ) -> CaptionToken {
        let next = start + 1
        let isJoined =
            last?.range.upperBound == start && last?.kind != .punctuation && next < text.count
            && isWord(text[next])
        let kind: CaptionToken.Kind =
            switch text[start] {
            case UInt8(ascii: "-") where isJoined: .hyphen
            case apostrophe
            where last?.range.upperBound == start && last?.kind == .word
                && start > 0 && text[start - 1] | 0x20 == UInt8(ascii: "s"):
                .possessive
            default: .punctuation
            }
        return CaptionToken(kind: kind, range: start..<next, isCapitalised: false)
    }

    /// Length of an apostrophe with the letters that go with it: 's, 're, 've, 'll, 'd, 'm, 't.
    private static func clitic(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        guard text[start] == apostrophe else { return nil }
        var end = start + 1
        while end < text.count, isWord(text[end]) { end += 1 }
        let letters = text[(start + 1)..<end].map { $0 | 0x20 }
        return clitics.contains(letters) ? end - start : nil
    }

    private static let clitics: Set<[UInt8]> = Set(
        ["s", "re", "ve", "ll", "d", "m", "t"].map { Array($0.utf8) })

    private static func isSpace(_ byte: UInt8) -> Bool { byte <= 32 || byte == 127 }

    /// ASCII letters and digits; everything beyond ASCII counts as a letter.
    private static func isWord(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
            || byte >= 128
    }
}
