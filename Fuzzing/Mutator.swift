import Images

/// Makes damaged files of whole ones: bits, bytes, numbers and pieces of them are changed, and pieces of
/// two are put together.
struct Mutator {
    /// What a file is made of, which decides about the changes that are likely to matter.
    enum Form {
        case binary
        case text
    }

    /// Bytes of a changed file, at most.
    static let mostBytes = 1 << 17

    private let seeds: [[UInt8]]
    private let form: Form
    private let repair: ((inout [UInt8]) -> Void)?
    private var random: SeededGenerator

    /// - Parameters:
    ///   - seeds: whole files, at least one
    ///   - repair: makes checksums and lengths right again, so that more of a reader is reached
    init(
        seeds: [[UInt8]], form: Form, random: SeededGenerator,
        repair: ((inout [UInt8]) -> Void)? = nil
    ) {
        precondition(!seeds.isEmpty, "there is nothing to change")
        self.seeds = seeds
        self.form = form
        self.random = random
        self.repair = repair
    }

    /// The next file.
    mutating func next() -> [UInt8] {
        var bytes = seeds[random.index(below: seeds.count)]
        // Mostly one or two, so that what lies behind the first check is reached too.
        var changes = 1
        while changes < 6, random.index(below: 3) == 0 { changes += 1 }
        for _ in 0..<changes {
            if form == .text || random.index(below: 4) == 0, random.index(below: 2) == 0 {
                changeText(&bytes)
            } else {
                changeBytes(&bytes)
            }
        }
        if bytes.count > Self.mostBytes { bytes.removeLast(bytes.count - Self.mostBytes) }
        if let repair, random.index(below: 4) > 0 { repair(&bytes) }
        return bytes
    }

    // MARK: Bytes

    private static let interestingBytes: [UInt8] = [
        0, 1, 0x7f, 0x80, 0xff, 0xfe, 0xd8, 0xef, 0x0a, 0x0d, 0x09, 0x20, 0x22, 0x5b, 0x7b, 0x5c,
        0x2d, 0x2e, 0x30, 0x39, 0x65, 0x3a, 0x2c, 0x26, 0x2a,
    ]
    private static let interestingNumbers: [UInt64] = [
        0, 1, 2, 7, 8, 127, 128, 255, 256, 65_535, 65_536, 1 << 24, 1 << 31, (1 << 31) - 1,
        (1 << 32) - 1, 1 << 32, 1 << 40, 1 << 62, (1 << 63) - 1, 1 << 63, .max, .max - 1, .max - 7,
    ]

    private mutating func changeBytes(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = (0..<random.index(below: 9)).map { _ in UInt8(truncatingIfNeeded: random.next())
            }
            return
        }
        switch random.index(below: 12) {
        case 0, 1: bytes[place(in: bytes)] ^= 1 << UInt8(random.index(below: 8))
        case 2: bytes[place(in: bytes)] = UInt8(truncatingIfNeeded: random.next())
        case 3, 4:
            bytes[place(in: bytes)] =
                Self.interestingBytes[
                    random.index(below: Self.interestingBytes.count)]
        case 5, 6: setNumber(&bytes)
        case 7: bytes.removeLast(bytes.count - place(in: bytes))
        case 8: bytes.removeSubrange(piece(of: bytes))
        case 9: bytes.insert(contentsOf: Array(bytes[piece(of: bytes)]), at: place(in: bytes))
        case 10:
            let (a, b) = (piece(of: bytes), piece(of: bytes))
            guard a.upperBound <= b.lowerBound else { return }
            let (first, second) = (Array(bytes[a]), Array(bytes[b]))
            bytes.replaceSubrange(b, with: first)
            bytes.replaceSubrange(a, with: second)
        default:
            let other = seeds[random.index(below: seeds.count)]
            guard !other.isEmpty else { return }
            bytes.removeLast(bytes.count - place(in: bytes))
            bytes += other[place(in: other)...]
        }
    }

    /// Overwrites 1, 2, 4 or 8 bytes with a number, in either order of bytes.
    private mutating func setNumber(_ bytes: inout [UInt8]) {
        let width = 1 << random.index(below: 4)
        guard bytes.count >= width else { return }
        var number = Self.interestingNumbers[random.index(below: Self.interestingNumbers.count)]
        if random.index(below: 3) == 0 { number = UInt64(bytes.count) &+ random.next() % 17 &- 8 }
        let start = random.index(below: bytes.count - width + 1)
        let isBigEndian = random.index(below: 2) == 0
        for index in 0..<width {
            let shift = 8 * (isBigEndian ? width - 1 - index : index)
            bytes[start + index] = UInt8(truncatingIfNeeded: number >> UInt64(shift))
        }
    }

    /// A place in bytes, of which there are some; the first ones, where headers are, more often.
    private mutating func place(in bytes: [UInt8]) -> Int {
        random.index(below: random.index(below: 4) == 0 ? min(64, bytes.count) : bytes.count)
    }

    private mutating func piece(of bytes: [UInt8]) -> Range<Int> {
        let start = place(in: bytes)
        let longest = random.index(below: 3) == 0 ? bytes.count : 16
        return start..<min(bytes.count, start + 1 + random.index(below: longest))
    }

    // MARK: Texts

    private static let oddNumbers = [
        "0", "-1", "-0", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", ".inf", ".nan",
        "1e-400",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "4611686018427387904",
        "2147483648", "4294967296", "18446744073709551616", "1e18", "1e19", "1.5", "00", "0x7f",
        "1000000", "1e308", "null", "true", "\"7\"", "[]", "{}", "3.0",
        "123456789012345678901234567890",
    ]
    private static let oddTexts = [
        "", " ", "\0", "\u{feff}", "é", "e\u{301}\u{301}\u{301}", "😀", "\u{202e}", "\\ud800",
        "\\u0000",
        "\\", "\"", "'", "&amp;amp;lt;", "&#x110000;", "&#55296;", "<|endoftext|>", "[MASK]", "[",
        "]",
        "{", "}", ":", ",", "../..", "/", "%n%s", "\t", "\r\n", "\n", "\u{2028}", "\u{345}", "ﬃ",
        "İ",
        "ÃƒÂ©", "â€œ", "ſ", "- ", "&a ", "*a", "!!int ", "!!binary ", "<<: ", "? ", "|", ">", "~",
    ]
    private static let nestings = [
        ("[", "]"), ("{\"a\":", "}"), ("[[", "]"), ("{", "}"), ("- ", ""), ("[{\"a\":", "}]"),
        ("(", ""),
        ("&amp;", ""), ("<", ">"), ("&#38;", ""), ("\u{301}", ""),
    ]

    private mutating func changeText(_ bytes: inout [UInt8]) {
        func odd(_ texts: [String], _ random: inout SeededGenerator) -> [UInt8] {
            Array(texts[random.index(below: texts.count)].utf8)
        }
        switch random.index(below: 16) {
        case 0...5:
            if let range = run(in: bytes, of: { 0x30...0x39 ~= $0 || $0 == 0x2d || $0 == 0x2e }) {
                bytes.replaceSubrange(range, with: odd(Self.oddNumbers, &random))
            }
        case 6...9:
            if let range = run(in: bytes, of: { 0x61...0x7a ~= $0 || $0 == 0x5f }) {
                let texts = random.index(below: 2) == 0 ? Self.oddTexts : Self.oddNumbers
                bytes.replaceSubrange(range, with: odd(texts, &random))
            }
        case 10...13:
            let place = random.index(below: bytes.count + 1)
            bytes.insert(contentsOf: odd(Self.oddTexts, &random), at: place)
        case 14:
            let (opening, closing) = Self.nestings[random.index(below: Self.nestings.count)]
            let depth = [3, 40, 250, 6000][random.index(below: 4)]
            var range = piece(of: bytes.isEmpty ? [0] : bytes)
            range = range.clamped(to: 0..<bytes.count)
            let inner = Array(bytes[range])
            bytes.replaceSubrange(
                range,
                with: Array(String(repeating: opening, count: depth).utf8) + inner
                    + Array(String(repeating: closing, count: depth).utf8))
        default:
            // A long text: what is quadratic shows.
            let text = odd(Self.oddTexts, &random)
            guard !text.isEmpty else { return }
            let copies = Array(repeatElement(text, count: 3000 / text.count).joined())
            bytes.insert(contentsOf: copies, at: random.index(below: bytes.count + 1))
        }
    }

    /// A run of bytes of a kind at or after a place drawn by chance.
    private mutating func run(in bytes: [UInt8], of isKind: (UInt8) -> Bool) -> Range<Int>? {
        guard !bytes.isEmpty else { return nil }
        let from = place(in: bytes)
        guard let start = bytes[from...].firstIndex(where: isKind) else { return nil }
        return start..<(bytes[start...].firstIndex { !isKind($0) } ?? bytes.count)
    }
}
