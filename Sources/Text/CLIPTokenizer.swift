import Files

/// CLIP's byte-pair tokenizer (Radford et al. 2021, section 2.4; case `text_clip_tokenizer`).
///
/// The ids are 256 bytes, 256 bytes that end a word, one for each merge, then the start and the end
/// of a text. A smaller vocabulary takes only the first merges of the same file.
public struct CLIPTokenizer: Sendable {
    /// Size of the vocabulary of the published models.
    public static let publishedVocabularySize = 49408
    private static let byteCount = 256
    /// Bytes that stand for themselves in a merges file.
    private static let printable = Array(33...126) + Array(161...172) + Array(174...255)
    private static let specialCount = 2

    /// Id of each byte, in the order in which the published vocabulary names the bytes.
    private static let idOfByte: [Int32] = {
        var ids = [Int32](repeating: 0, count: byteCount)
        let rest = (0..<byteCount).filter { !printable.contains($0) }
        for (id, byte) in (printable + rest).enumerated() { ids[byte] = Int32(id) }
        return ids
    }()

    /// The id that two ids merge to; a smaller one is merged first.
    private let merges: [Pair: Int32]
    /// Bytes of each id.
    private let bytes: [[UInt8]]
    /// Whether a word ends with each id.
    private let endsWord: [Bool]
    /// Tokens of an encoded text.
    public let contextLength: Int
    /// Id at the start of each text.
    public let start: Int64
    /// Id at the end of each text, the largest of all.
    public let end: Int64
    /// Which vocabulary this is.
    public let identity: VocabularyIdentity

    private struct Pair: Hashable {
        let first: Int32
        let second: Int32
    }

    /// Reads a merges file: one pair of pieces a line, in the order in which they are merged, after
    /// a line that starts with `#` or with a quote.
    /// - Parameters:
    ///   - path: `merges.txt` of a CLIP model
    ///   - vocabularySize: ids in all; as many merges are taken as fit
    ///   - contextLength: tokens of an encoded text
    /// - Throws: ``VocabularyError``
    public init(
        mergesFile path: String, vocabularySize: Int = publishedVocabularySize,
        contextLength: Int = 77
    ) throws {
        let wanted = vocabularySize - 2 * Self.byteCount - Self.specialCount
        let pieces = Self.pieceNames()
        var ids: [ExactString: Int32] = [:]
        var bytes: [[UInt8]] = Array(repeating: [], count: 2 * Self.byteCount)
        for byte in 0..<Self.byteCount {
            let id = Self.idOfByte[byte]
            ids[ExactString(pieces[byte])] = id
            ids[ExactString(pieces[byte] + "</w>")] = id + Int32(Self.byteCount)
            bytes[Int(id)] = [UInt8(byte)]
            bytes[Int(id) + Self.byteCount] = [UInt8(byte)]
        }
        var endsWord = (0..<2 * Self.byteCount).map { $0 >= Self.byteCount }
        var merges: [Pair: Int32] = [:]
        let lines = try VocabularyError.naming(path) {
            try TextFile.lines(path: path).filter { !$0.isEmpty }
        }
        for (number, line) in lines.dropFirst().prefix(max(0, wanted)).enumerated() {
            let parts = String(decoding: line, as: UTF8.self).splitAtPythonSpace()
            guard parts.count == 2, let first = ids[ExactString(parts[0])],
                let second = ids[ExactString(parts[1])]
            else { throw VocabularyError.malformedMerge(path: path, line: number + 2) }
            let id = Int32(bytes.count)
            let token = parts[0] + parts[1]
            guard ids.updateValue(id, forKey: ExactString(token)) == nil else {
                throw VocabularyError.duplicateToken(path: path, token: token, line: number + 2)
            }
            merges[Pair(first: first, second: second)] = id
            bytes.append(bytes[Int(first)] + bytes[Int(second)])
            endsWord.append(endsWord[Int(second)])
        }
        guard wanted >= 0, merges.count == wanted else {
            throw VocabularyError.tooFewMerges(path: path, found: merges.count, needed: wanted)
        }
        start = Int64(bytes.count)
        end = start + 1
        bytes += Self.specialTexts.map { Array($0.utf8) }
        endsWord += [false, false]
        let tokens = bytes
        identity = VocabularyIdentity(file: path, size: tokens.count) { tokens[$0][...] }
        self.merges = merges
        self.bytes = bytes
        self.endsWord = endsWord
        self.contextLength = contextLength
    }

    /// Number of ids.
    public var vocabularySize: Int { Int(end) + 1 }

    /// The ids of a text, without start and end.
    public func encode(_ text: String) -> [Int64] {
        var ids: [Int64] = []
        let scalars = Array(TextRepair.cleaned(text).unicodeScalars)
        var position = 0
        while position < scalars.count {
            let rest = scalars[position...]
            if let special = Self.specialTexts.firstIndex(where: {
                rest.starts(with: $0.unicodeScalars)
            }) {
                ids.append(special == 0 ? start : end)
                position += Self.specialTexts[special].unicodeScalars.count
                continue
            }
            let length = Self.lengthOfWord(rest)
            if Kind(scalars[position]) != .space {
                let word = String(String.UnicodeScalarView(rest.prefix(length)))
                ids.append(contentsOf: pieces(of: Array(word.utf8)).map(Int64.init))
            }
            position += length
        }
        return ids
    }

    /// Start, tokens and end of a text, cut to the context length with the end kept.
    public func sequence(_ text: String) -> [Int64] {
        [start] + encode(text).prefix(contextLength - Self.specialCount) + [end]
    }

    /// Whether ``sequence(_:)`` cuts a text.
    public func isTooLong(_ text: String) -> Bool {
        text.utf8.count > contextLength - Self.specialCount
            && encode(text).count > contextLength - Self.specialCount
    }

    /// The text of ids, with a space after each word.
    public func decode(_ ids: [Int64]) -> String {
        var result: [UInt8] = []
        for id in ids {
            result.append(contentsOf: bytes[Int(id)])
            if endsWord[Int(id)] { result.append(UInt8(ascii: " ")) }
        }
        return String(decoding: result, as: UTF8.self)
    }

    // MARK: Words

    private static let specialTexts = ["<|startoftext|>", "<|endoftext|>"]
    private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]

    /// The length of the word that a text starts with: a contraction, letters, one digit, or
    /// characters of neither kind.
    private static func lengthOfWord(_ text: ArraySlice<Unicode.Scalar>) -> Int {
        guard let first = text.first else { return 0 }
        // The official expression ignores case, for which ſ is an s.
        if let text = (specialTexts + contractions).first(where: { wanted in
            wanted.unicodeScalars.count <= text.count
                && zip(wanted.unicodeScalars, text).allSatisfy {
                    $0 == $1 || $0 == "s" && $1 == "ſ"
                }
        }) {
            return text.unicodeScalars.count
        }
        switch Kind(first) {
        case .digit, .space: return 1
        case let kind: return text.prefix { Kind($0) == kind }.count
        }
    }

    private enum Kind {
        case letter, digit, space, other

        init(_ scalar: Unicode.Scalar) {
            // Its capital is a letter, it is none: the official expression, which ignores case, finds
            // it in no class and passes over it.
            if scalar == "\u{345}" {
                self = .space
                return
            }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter,
                .otherLetter:
                self = .letter
            case .decimalNumber, .letterNumber, .otherNumber: self = .digit
            default: self = scalar.properties.isWhitespace ? .space : .other
            }
        }
    }

    /// Merges neighbours until no pair of the table is left, the earliest merge of the table first and
    /// of equal ones the leftmost. Pieces that a merge makes are merged later in the table only, so
    /// that a queue of pairs finds the next one.
    private func pieces(of word: [UInt8]) -> [Int32] {
        var ids = word.map { Self.idOfByte[Int($0)] }
        guard let last = ids.indices.last else { return [] }
        ids[last] += Int32(Self.byteCount)
        // Neighbours of each piece that is left; a piece that was merged into the one before has none.
        var next = ids.indices.map { $0 + 1 }
        var previous = ids.indices.map { $0 - 1 }
        var queue = MergeQueue()
        func offer(_ place: Int) {
            guard place >= 0, next[place] < ids.count else { return }
            let pair = Pair(first: ids[place], second: ids[next[place]])
            if let id = merges[pair] { queue.insert(.init(id: id, place: place)) }
        }
        for place in ids.indices { offer(place) }
        while let merge = queue.popFirst() {
            let (place, second) = (merge.place, next[merge.place])
            // A pair may be gone since it was queued.
            guard ids[place] >= 0, second < ids.count,
                merges[Pair(first: ids[place], second: ids[second])] == merge.id
            else { continue }
            ids[place] = merge.id
            ids[second] = -1
            next[place] = next[second]
            if next[second] < ids.count { previous[next[second]] = place }
            offer(previous[place])
            offer(place)
        }
        return ids.filter { $0 >= 0 }
    }

    /// The character that stands for each byte in a merges file.
    private static func pieceNames() -> [String] {
        var names = [String](repeating: "", count: byteCount)
        for byte in 0..<byteCount {
            let id = Int(idOfByte[byte])
            let offset = id - printable.count
            let value = UInt32(offset < 0 ? byte : byteCount + offset)
            names[byte] = Unicode.Scalar(value).map { String($0) } ?? ""
        }
        return names
    }
}

/// Pairs that can be merged, the earliest of the table first and of equal ones the leftmost: a binary
/// heap.
private struct MergeQueue {
    struct Merge: Comparable {
        let id: Int32
        let place: Int

        static func < (a: Merge, b: Merge) -> Bool { (a.id, a.place) < (b.id, b.place) }
    }

    private var heap: [Merge] = []

    mutating func insert(_ merge: Merge) {
        heap.append(merge)
        var place = heap.count - 1
        while place > 0, heap[place] < heap[(place - 1) / 2] {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func popFirst() -> Merge? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var place = 0
        while 2 * place + 1 < heap.count {
            var child = 2 * place + 1
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < heap[place] else { break }
            heap.swapAt(place, child)
            place = child
        }
        return first
    }
}
