/// Repair of text that was read in the wrong encoding, with the results of ftfy 6.3.1
/// (`ftfy.fix_encoding`, Robyn Speer).
enum MojibakeRepair {
    /// Repairs until nothing changes any more.
    static func repaired(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var text = text
        while let next = repairedOnce(text), next != text { text = next }
        return text
    }

    private static func repairedOnce(_ text: [Unicode.Scalar]) -> [Unicode.Scalar]? {
        guard text.contains(where: { $0.value >= 0x80 }), MojibakeSigns.areIn(text) else {
            return nil
        }
        for (place, encoding) in SingleByteEncoding.mistaken.enumerated() {
            guard var bytes = encoding.encoded(text) else { continue }
            if place != SingleByteEncoding.macRomanPlace { bytes = withNoBreakSpaces(bytes) }
            if encoding.isSloppy { bytes = withLossesMarked(bytes) }
            if let decoded = utf8Variant(bytes) { return Array(decoded.unicodeScalars) }
        }
        let inside = repairedInside(text)
        if inside != text { return inside }
        guard text.contains(where: { 0x80...0x9f ~= $0.value }) else { return nil }
        // What is left of Latin-1's control characters was meant as Windows-1252.
        return text.map(SingleByteEncoding.windows1252.meant)
    }

    /// UTF-8, and with the bytes 0xC0 or 0xED in it also with surrogate pairs of three bytes each and
    /// a zero of two bytes.
    private static func utf8Variant(_ bytes: [UInt8]) -> String? {
        guard bytes.contains(0xed) || bytes.contains(0xc0) else {
            return String(validating: bytes, as: UTF8.self)
        }
        var plain: [UInt8] = []
        var place = 0
        while place < bytes.count {
            let rest = bytes[place...]
            if rest.starts(with: [0xc0, 0x80]) {
                plain.append(0)
                place += 2
            } else if surrogatePair.matches(rest), let character = pairedCharacter(rest) {
                plain.append(contentsOf: String(character).utf8)
                place += surrogatePair.places.count
            } else {
                plain.append(bytes[place])
                place += 1
            }
        }
        return String(validating: plain, as: UTF8.self)
    }

    private static let surrogatePair = BytePattern([
        [0xed...0xed], [0xa0...0xaf], [0x80...0xbf], [0xed...0xed], [0xb0...0xbf], [0x80...0xbf],
    ])

    private static func pairedCharacter(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        let bits = bytes.prefix(6).map(UInt32.init)
        let high = (bits[1] & 0x0f) << 16 + (bits[2] & 0x3f) << 10
        return Unicode.Scalar(0x10000 + high + (bits[4] & 0x0f) << 6 + bits[5] & 0x3f)
    }

    // MARK: Lost bytes

    /// A sequence of bytes, each in one of some ranges.
    private struct BytePattern {
        let places: [[ClosedRange<UInt8>]]

        init(_ places: [[ClosedRange<UInt8>]]) { self.places = places }

        func matches(_ bytes: ArraySlice<UInt8>) -> Bool {
            bytes.count >= places.count
                && zip(places, bytes).allSatisfy { ranges, byte in
                    ranges.contains { $0.contains(byte) }
                }
        }
    }

    /// Replaces what the first pattern that fits finds.
    private static func replacing(
        _ patterns: [BytePattern], in bytes: [UInt8], _ body: (ArraySlice<UInt8>) -> [UInt8]
    ) -> [UInt8] {
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count {
            guard let pattern = patterns.first(where: { $0.matches(bytes[place...]) }) else {
                result.append(bytes[place])
                place += 1
                continue
            }
            let end = place + pattern.places.count
            result.append(contentsOf: body(bytes[place..<end]))
            place = end
        }
        return result
    }

    private static let space: ClosedRange<UInt8> = 0x20...0x20
    private static let noBreakSpace: UInt8 = 0xa0
    /// Bytes that go on with a character, without those of an ellipsis and a no-break space.
    private static let continuation: [ClosedRange<UInt8>] = [0x80...0x84, 0x86...0x9f, 0xa1...0xbf]

    /// Characters whose last byte or another was a no-break space that became a space.
    private static let brokenBySpaces: [BytePattern] = [
        BytePattern([
            [0xc2...0xc3, 0xc5...0xc5, 0xce...0xce, 0xd0...0xd0, 0xd9...0xd9], [space],
        ]),
        BytePattern([[0xe2...0xe3], [space], continuation]),
        BytePattern([[0xe0...0xe3], continuation, [space]]),
        BytePattern([[0xf0...0xf0], [space], [0x80...0xbf], [0x80...0xbf]]),
        BytePattern([[0xf0...0xf0], [0x80...0xbf], [space], [0x80...0xbf]]),
        BytePattern([[0xf0...0xf0], [0x80...0xbf], [0x80...0xbf], [space]]),
    ]
    /// What follows à in words of Portuguese, where the space is not of its own.
    private static let afterGrave = [" ", "quele", "quela", "quilo", "s "].map { Array($0.utf8) }

    private static func withNoBreakSpaces(_ bytes: [UInt8]) -> [UInt8] {
        guard
            bytes.indices.contains(where: { place in
                brokenBySpaces.contains { $0.matches(bytes[place...]) }
            })
        else { return bytes }
        // à alone is mostly a word, after which its space stays.
        var words: [UInt8] = []
        for place in bytes.indices {
            words.append(bytes[place])
            let rest = bytes[place...]
            if bytes[place] == 0xc3, rest.dropFirst().first == 0x20,
                !afterGrave.contains(where: { rest.dropFirst(2).starts(with: $0) })
            {
                words.append(noBreakSpace)
            }
        }
        return replacing(brokenBySpaces, in: words) { $0.map { $0 == 0x20 ? noBreakSpace : $0 } }
    }

    private static let lost: ClosedRange<UInt8> = 0x1a...0x1a
    private static let lostOrAsked: [ClosedRange<UInt8>] = [lost, 0x3f...0x3f]
    private static let lostOrNext: [ClosedRange<UInt8>] = [lost, 0x80...0xbf]
    private static let next: [ClosedRange<UInt8>] = [lost, 0x3f...0x3f, 0x80...0xbf]

    /// Characters of which a byte was lost or became a question mark.
    private static let brokenByLosses: [BytePattern] = [
        BytePattern([[0xc2...0xdf], [lost]]),
        BytePattern([[0xc2...0xc3], [0x3f...0x3f]]),
        BytePattern([
            [0xed...0xed], [0xa0...0xaf], lostOrAsked, [0xed...0xed], [0xb0...0xbf], next,
        ]),
        BytePattern([
            [0xed...0xed], [0xa0...0xaf], next, [0xed...0xed], [0xb0...0xbf], lostOrAsked,
        ]),
        BytePattern([[0xe0...0xef], lostOrAsked, lostOrNext]),
        BytePattern([[0xe0...0xef], lostOrNext, lostOrAsked]),
        BytePattern([[0xf0...0xf4], lostOrAsked, lostOrNext, lostOrNext]),
        BytePattern([[0xf0...0xf4], lostOrNext, lostOrAsked, lostOrNext]),
        BytePattern([[0xf0...0xf4], lostOrNext, lostOrNext, lostOrAsked]),
        BytePattern([[lost]]),
    ]

    private static func withLossesMarked(_ bytes: [UInt8]) -> [UInt8] {
        replacing(brokenByLosses, in: bytes) { _ in Array("\u{fffd}".utf8) }
    }

    // MARK: Parts of a text

    /// Characters that a byte of UTF-8 is read as, by the byte's place in a character.
    private enum Clues {
        static let firstOfTwo = characters(0xc2...0xdf)
        static let firstOfThree = characters(0xe0...0xef)
        static let firstOfFour = characters(0xf0...0xf0).union(characters(0xf3...0xf3))
        static let next = characters(0x80...0xbf).union([" "])
        /// Without those that stand beside such text on their own.
        static let nextForSure = next.subtracting(" –—―‘’‚“”„•…".unicodeScalars)

        private static func characters(_ bytes: ClosedRange<UInt8>) -> Set<Unicode.Scalar> {
            Set(SingleByteEncoding.likeLatin1.flatMap { $0.decoded(bytes) })
        }
    }

    /// Repairs the parts that look like UTF-8, each for itself.
    private static func repairedInside(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var place = 0
        while place < text.count {
            var end = place
            if place == 0 || !Clues.nextForSure.contains(text[place - 1]) {
                while let length = lengthOfCharacter(text[end...]) { end += length }
            }
            guard end > place else {
                result.append(text[place])
                place += 1
                continue
            }
            let part = Array(text[place..<end])
            // A part of the text: the whole would be repaired without end.
            result += part.count < text.count && MojibakeSigns.areIn(part) ? repaired(part) : part
            place = end
        }
        return result
    }

    private static func lengthOfCharacter(_ text: ArraySlice<Unicode.Scalar>) -> Int? {
        guard let first = text.first else { return nil }
        return [(Clues.firstOfTwo, 2), (Clues.firstOfThree, 3), (Clues.firstOfFour, 4)].first {
            firsts, length in
            firsts.contains(first) && text.count >= length
                && text.dropFirst().prefix(length - 1).allSatisfy(Clues.next.contains)
        }?.1
    }
}
