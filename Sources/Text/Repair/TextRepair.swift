import Foundation

/// The clean-up that CLIP's tokenizer does before it splits a text, with the results of the Python
/// packages that OpenAI's tokenizer uses: ftfy's `fix_text` (version 6.3.1, Robyn Speer), then
/// `html.unescape` twice, then single spaces and lower case (case `text_clip_tokenizer`).
enum TextRepair {
    /// Scalars that are repaired at once where a line is longer, as there.
    private static let longestSegment = 1_000_000
    /// Passes over a segment after which references inside of references are taken apart in one go.
    private static let patientPasses = 8

    /// The text as CLIP's byte-pair encoding sees it: repaired, unescaped, with single spaces, in
    /// lower case.
    static func cleaned(_ text: String) -> String { unescaped(text).pythonLowercased() }

    /// The text repaired, unescaped, with single spaces.
    static func unescaped(_ text: String) -> String {
        var text = text
        if !text.utf8.allSatisfy({ 0x20...0x7e ~= $0 && $0 != UInt8(ascii: "&") }) {
            text = repaired(text)
            for _ in 0..<2 {
                text = String(
                    String.UnicodeScalarView(
                        CharacterReferences.replaced(Array(text.unicodeScalars))))
            }
        }
        return text.splitAtPythonSpace().joined(separator: " ")
    }

    /// The text with repaired lines.
    static func repaired(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = ""
        var start = 0
        // Markup in a line means that references are left alone in it and in all that follow.
        var replacesReferences = true
        while start < scalars.count {
            let lineEnd = scalars[start...].firstIndex(of: "\n").map { $0 + 1 } ?? scalars.count
            let end = min(lineEnd, start + longestSegment)
            let segment = scalars[start..<end]
            if segment.contains("<") { replacesReferences = false }
            result += repaired(segment: Array(segment), replacesReferences)
            start = end
        }
        return result
    }

    /// Repairs until nothing changes any more.
    private static func repaired(segment: [Unicode.Scalar], _ replacesReferences: Bool) -> String {
        var scalars = segment
        var pass = 0
        while true {
            let before = scalars
            if replacesReferences {
                scalars = CharacterReferences.replacedUnambiguous(
                    scalars, insideReferences: pass >= patientPasses)
            }
            scalars = MojibakeRepair.repaired(scalars)
            scalars = withoutEscapeSequences(withPlainCharacters(scalars))
            scalars.removeAll(where: isUnwanted)
            scalars = ComposedForm.of(scalars)
            if scalars == before { return String(String.UnicodeScalarView(scalars)) }
            pass += 1
        }
    }

    // MARK: Characters

    /// Combined letters that are taken apart.
    private static let ligatures: [Unicode.Scalar: [Unicode.Scalar]] = [
        "Ĳ": "IJ", "ĳ": "ij", "ŉ": "ʼn", "Ǳ": "DZ", "ǲ": "Dz", "ǳ": "dz", "Ǆ": "DŽ", "ǅ": "Dž",
        "ǆ": "dž", "Ǉ": "LJ", "ǈ": "Lj", "ǉ": "lj", "Ǌ": "NJ", "ǋ": "Nj", "ǌ": "nj", "ﬀ": "ff",
        "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st",
    ].mapValues { Array($0.unicodeScalars) }

    /// Control characters of Latin-1 as Windows-1252 has them, ligatures, full-width and half-width
    /// forms, curly quotes and line ends in their plain form.
    private static func withPlainCharacters(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(scalars.count)
        func append(_ scalar: Unicode.Scalar, at place: Int) {
            switch scalar.value {
            case 0x0d:
                // The line feed after a carriage return stays for both.
                if place + 1 == scalars.count || scalars[place + 1] != "\n" { result.append("\n") }
            case 0x2028, 0x2029: result.append("\n")
            case 0x02bc, 0x2018...0x201b: result.append("'")
            case 0x201c...0x201f: result.append("\"")
            case 0x3000: result.append(" ")
            case 0xff01...0xffef:
                result.append(
                    contentsOf: String(scalar).precomposedStringWithCompatibilityMapping
                        .unicodeScalars)
            default: result.append(scalar)
            }
        }
        for (place, scalar) in scalars.enumerated() {
            let scalar = SingleByteEncoding.windows1252.meant(by: scalar)
            guard let letters = ligatures[scalar] else {
                append(scalar, at: place)
                continue
            }
            for letter in letters { append(letter, at: place) }
        }
        return result
    }

    /// Control characters without effect on a text, and some of interlinear annotations.
    private static func isUnwanted(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x08, 0x0b, 0x0e...0x1f, 0x7f, 0x206a...0x206f, 0xfeff, 0xfff9...0xfffc: true
        default: false
        }
    }

    /// Colour codes of terminals: escape, `[`, digits and semicolons, a letter.
    private static func withoutEscapeSequences(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard scalars.contains("\u{1b}") else { return scalars }
        var result: [Unicode.Scalar] = []
        var place = 0
        while place < scalars.count {
            if scalars[place] == "\u{1b}", place + 1 < scalars.count, scalars[place + 1] == "[" {
                let end = scalars[(place + 2)...].firstIndex {
                    $0 != ";" && $0.properties.generalCategory != .decimalNumber
                }
                if let end, scalars[end].isASCII, scalars[end].properties.isAlphabetic {
                    place = end + 1
                    continue
                }
            }
            result.append(scalars[place])
            place += 1
        }
        return result
    }
}
