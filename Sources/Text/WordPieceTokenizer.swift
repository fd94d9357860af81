import Files

/// BERT's uncased WordPiece tokenizer as ViCHA uses it: a sequence is `[CLS] tokens`, with no
/// closing `[SEP]` (case `text_bert_tokenizer`).
public struct WordPieceTokenizer: Sendable {
    /// Ids of the special tokens.
    public struct Special: Sendable, Equatable {
        /// Fills rows up.
        public let pad: Int64
        /// Stands for words without pieces.
        public let unknown: Int64
        /// Starts every sequence.
        public let cls: Int64
        /// Separates or ends texts where it is written out.
        public let sep: Int64
        /// Stands for a token to predict.
        public let mask: Int64
    }

    /// Words of more characters become one unknown token.
    private static let longestWord = 100
    private static let specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    private let vocabulary: StringTable
    /// Ids of the special tokens.
    public let special: Special
    /// Which vocabulary this is.
    public let identity: VocabularyIdentity

    /// Reads a `vocab.txt`: one token a line, its number the id.
    /// - Throws: ``VocabularyError``
    public init(vocabularyFile path: String) throws {
        let lines = try VocabularyError.naming(path) { try TextFile.lines(path: path) }
        var vocabulary = StringTable(capacity: lines.count)
        for (number, line) in lines.enumerated() {
            guard Array(line).withUnsafeBufferPointer({ vocabulary.insert($0).isNew }) else {
                throw VocabularyError.duplicateToken(
                    path: path, token: String(decoding: line, as: UTF8.self), line: number + 1)
            }
        }
        let ids = try Self.specialTokens.map { token in
            guard let id = vocabulary.number(of: token) else {
                throw VocabularyError.missingToken(path: path, token: token)
            }
            return Int64(id)
        }
        self.vocabulary = vocabulary
        identity = VocabularyIdentity(
            file: path, size: vocabulary.count, token: vocabulary.utf8)
        special = Special(pad: ids[0], unknown: ids[1], cls: ids[2], sep: ids[3], mask: ids[4])
    }

    /// Number of tokens.
    public var vocabularySize: Int { vocabulary.count }

    /// The token of an id.
    public func token(_ id: Int64) -> String { vocabulary[Int(id)] }

    /// What ``init(vocabularyFile:)`` reads: one token a line.
    public var vocabularyText: [UInt8] {
        (0..<vocabulary.count).flatMap { Array(vocabulary.utf8($0)) + [UInt8(ascii: "\n")] }
    }

    /// The words of encoded text, each with the places of its tokens; special tokens are no words.
    public func words(of ids: [Int64]) -> [(word: String, places: [Int])] {
        var words: [(word: String, places: [Int])] = []
        for (place, id) in ids.enumerated() where id != special.cls && id != special.pad {
            let text = token(id)
            if text.utf8.starts(with: "##".utf8), !words.isEmpty {
                words[words.count - 1].word += text.unicodeScalars.dropFirst(2).map { String($0) }
                    .joined()
                words[words.count - 1].places.append(place)
            } else {
                words.append((text, [place]))
            }
        }
        return words
    }

    /// `[CLS]` and the tokens of a text, at most `maxLength` in all.
    public func encode(_ text: String, maxLength: Int? = nil) -> [Int64] {
        var ids = [special.cls]
        appendTokens(of: text, to: &ids)
        if let maxLength, ids.count > maxLength { ids.removeLast(ids.count - maxLength) }
        return ids
    }

    /// Special tokens written out in a text are recognised wherever they stand.
    private func appendTokens(of text: String, to ids: inout [Int64]) {
        guard text.utf8.contains(UInt8(ascii: "[")) else {
            appendWords(of: text.unicodeScalars, to: &ids)
            return
        }
        var rest = text.unicodeScalars[...]
        var plain = rest.startIndex
        while let open = rest.firstIndex(of: "[") {
            let tail = rest[open...]
            guard
                let index = Self.specialTokens.firstIndex(where: {
                    tail.starts(with: $0.unicodeScalars)
                })
            else {
                rest = rest[rest.index(after: open)...]
                continue
            }
            appendWords(of: text.unicodeScalars[plain..<open], to: &ids)
            ids.append(
                [special.pad, special.unknown, special.cls, special.sep, special.mask][index])
            rest =
                rest[rest.index(open, offsetBy: Self.specialTokens[index].unicodeScalars.count)...]
            plain = rest.startIndex
        }
        appendWords(of: text.unicodeScalars[plain...], to: &ids)
    }

    private func appendWords(of scalars: some Sequence<Unicode.Scalar>, to ids: inout [Int64]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4 * Self.longestWord + 8) {
            buffer in
            var word = WordBuffer(bytes: buffer)
            for scalar in scalars {
                switch scalar.value {
                case 0x61...0x7a, 0x30...0x39: word.append(UInt8(scalar.value))
                case 0x41...0x5a: word.append(UInt8(scalar.value + 32))
                case 0x20, 0x09, 0x0a, 0x0d: flush(&word, to: &ids)
                case 0x21...0x7e:
                    flush(&word, to: &ids)
                    word.append(UInt8(scalar.value))
                    flush(&word, to: &ids)
                case ..<0x80: continue  // other control characters vanish
                default: appendUnicode(scalar, &word, &ids)
                }
            }
            flush(&word, to: &ids)
        }
    }

    /// A scalar beyond ASCII: lower case, accents stripped, punctuation and ideographs alone.
    private func appendUnicode(
        _ scalar: Unicode.Scalar, _ word: inout WordBuffer, _ ids: inout [Int64]
    ) {
        for lower in scalar.properties.lowercaseMapping.unicodeScalars {
            if lower.isWordSeparator {
                flush(&word, to: &ids)
                continue
            }
            if lower.isRemoved { continue }
            let isAlone = lower.isIdeograph
            if isAlone { flush(&word, to: &ids) }
            let decomposed = String(lower).decomposedStringWithCanonicalMapping
            for part in decomposed.unicodeScalars
            where part.properties.generalCategory != .nonspacingMark {
                if part.isPunctuation {
                    flush(&word, to: &ids)
                    word.append(part)
                    flush(&word, to: &ids)
                } else {
                    word.append(part)
                }
            }
            if isAlone { flush(&word, to: &ids) }
        }
    }

    /// Greedy longest match of the collected word; unknown as a whole if a rest matches nothing.
    private func flush(_ word: inout WordBuffer, to ids: inout [Int64]) {
        defer { word.clear() }
        guard word.count > 0 else { return }
        guard word.characters <= Self.longestWord else {
            ids.append(special.unknown)
            return
        }
        let first = ids.count
        var start = 0
        while start < word.count {
            var end = word.count
            var found: Int?
            while end > start {
                found = word.withPiece(start..<end) { vocabulary.number(of: $0) }
                if found != nil { break }
                end = word.previousBoundary(before: end)
            }
            guard let found else {
                ids.removeLast(ids.count - first)
                ids.append(special.unknown)
                return
            }
            ids.append(Int64(found))
            start = end
        }
    }
}

/// The UTF-8 bytes of the word that is being read, with room for `##` in front.
private struct WordBuffer {
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0
    private(set) var characters = 0

    init(bytes: UnsafeMutableBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func clear() {
        count = 0
        characters = 0
    }

    mutating func append(_ byte: UInt8) {
        characters += 1
        if count + 6 < bytes.count {
            bytes[2 + count] = byte
            count += 1
        }
    }

    mutating func append(_ scalar: Unicode.Scalar) {
        characters += 1
        for byte in UTF8.encode(scalar) ?? .init() where count + 6 < bytes.count {
            bytes[2 + count] = byte
            count += 1
        }
    }

    func previousBoundary(before end: Int) -> Int {
        var index = end - 1
        while index > 0, bytes[2 + index] & 0xc0 == 0x80 { index -= 1 }
        return index
    }

    /// A piece as the vocabulary writes it: with `##` in front unless it starts the word. The two
    /// bytes before it are set back afterwards.
    func withPiece<Result>(_ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) -> Result)
        -> Result
    {
        guard range.lowerBound > 0 else {
            return body(UnsafeBufferPointer(rebasing: bytes[2..<2 + range.upperBound]))
        }
        let (a, b) = (bytes[range.lowerBound], bytes[range.lowerBound + 1])
        defer { (bytes[range.lowerBound], bytes[range.lowerBound + 1]) = (a, b) }
        bytes[range.lowerBound] = UInt8(ascii: "#")
        bytes[range.lowerBound + 1] = UInt8(ascii: "#")
        return body(UnsafeBufferPointer(rebasing: bytes[range.lowerBound..<2 + range.upperBound]))
    }
}

extension Unicode.Scalar {
    fileprivate var isWordSeparator: Bool {
        switch properties.generalCategory {
        case .spaceSeparator, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Control, format, private-use, surrogate and unassigned characters, and the replacement
    /// character.
    fileprivate var isRemoved: Bool {
        switch properties.generalCategory {
        case .control, .format, .privateUse, .surrogate, .unassigned: true
        default: value == 0xfffd
        }
    }

    fileprivate var isPunctuation: Bool {
        switch properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation, .finalPunctuation, .otherPunctuation:
            true
        // Every sign of ASCII, which also the decomposition of others has: ≠ is = with a mark.
        default: (0x21...0x7e).contains(value) && !properties.isAlphabetic && !isDecimal
        }
    }

    private var isDecimal: Bool { properties.generalCategory == .decimalNumber }

    fileprivate var isIdeograph: Bool {
        switch value {
        case 0x4e00...0x9fff, 0x3400...0x4dbf, 0x20000...0x2a6df, 0x2a700...0x2b73f,
            0x2b740...0x2b81f, 0x2b820...0x2ceaf, 0xf900...0xfaff, 0x2f800...0x2fa1f:
            true
        default: false
        }
    }
}
