import Foundation

/// The clean-up that CLIP's tokenizer does before it splits a text: what the Python package ftfy
/// and `html.unescape` do to captions (`parity/text_clip_tokenizer`).
///
/// Exactly as there: entities, ligatures, full-width forms, curly quotes, line breaks, control
/// characters and composition. Text that was decoded as Windows-1252 instead of UTF-8 is repaired
/// where the whole of it reads as UTF-8; ftfy weighs more cases and may repair parts of a text.
enum TextRepair {
    /// The text as CLIP's byte-pair encoding sees it: repaired, unescaped, with single spaces, in
    /// lower case.
    static func cleaned(_ text: String) -> String { repaired(text).lowercased() }

    /// Repaired, unescaped, with single spaces.
    static func repaired(_ text: String) -> String {
        var text = text
        if !text.utf8.allSatisfy({ 0x20...0x7e ~= $0 && $0 != UInt8(ascii: "&") }) {
            if !text.utf8.contains(UInt8(ascii: "<")) { text = unescaped(text) }
            text = withoutEscapeSequences(text)
            text = redecoded(text)
            text = String(
                String.UnicodeScalarView(text.unicodeScalars.flatMap(replacement)))
            text = text.precomposedStringWithCanonicalMapping
            text = unescaped(unescaped(text))
        }
        return text.unicodeScalars.split(whereSeparator: \.properties.isWhitespace)
            .map { String(String.UnicodeScalarView($0)) }.joined(separator: " ")
    }

    // MARK: Characters

    private static let ligatures: [Unicode.Scalar: String] = [
        "Ĳ": "IJ", "ĳ": "ij", "ŉ": "ʼn", "Ǳ": "DZ", "ǲ": "Dz", "ǳ": "dz", "Ǆ": "DŽ", "ǅ": "Dž",
        "ǆ": "dž", "Ǉ": "LJ", "ǈ": "Lj", "ǉ": "lj", "Ǌ": "NJ", "ǋ": "Nj", "ǌ": "nj", "ﬀ": "ff",
        "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st",
    ]

    private static func replacement(of scalar: Unicode.Scalar) -> String.UnicodeScalarView {
        switch scalar.value {
        case 0x09, 0x0a, 0x20...0x7e: String.UnicodeScalarView([scalar])
        case 0x0d, 0x85, 0x2028, 0x2029: "\n".unicodeScalars
        case 0x00...0x08, 0x0b, 0x0c, 0x0e...0x1f, 0x7f, 0x206a...0x206f, 0xfeff, 0xfff9...0xfffc:
            String.UnicodeScalarView()
        case 0x02bc, 0x2018...0x201b: "'".unicodeScalars
        case 0x201c...0x201f: "\"".unicodeScalars
        case 0x3000: " ".unicodeScalars
        case 0xff01...0xffef:
            String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars
        default: ligatures[scalar]?.unicodeScalars ?? String.UnicodeScalarView([scalar])
        }
    }

    /// Colour codes of terminals.
    private static func withoutEscapeSequences(_ text: String) -> String {
        guard text.utf8.contains(0x1b) else { return text }
        return text.replacing(#/\x{1b}\[((?:\d|;)*)([a-zA-Z])/#, with: "")
    }

    // MARK: Wrong decoding

    /// What Windows-1252 puts at 0x80 to 0x9f; nil where it has nothing and Latin-1 is meant.
    private static let windows1252: [UInt32] = [
        0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x8d, 0x017d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013,
        0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
    ]
    private static let byteOfScalar = Dictionary(
        uniqueKeysWithValues: windows1252.enumerated().map { ($1, UInt8(0x80 + $0)) })

    /// The text read again as UTF-8 where all of it can have been taken for Windows-1252.
    private static func redecoded(_ text: String) -> String {
        var text = text
        while !text.utf8.allSatisfy({ $0 < 0x80 }) {
            var bytes: [UInt8] = []
            for scalar in text.unicodeScalars {
                if let byte = byteOfScalar[scalar.value] {
                    bytes.append(byte)
                } else if scalar.value < 0x80 || 0xa0...0xff ~= scalar.value {
                    bytes.append(UInt8(scalar.value))
                } else {
                    return text
                }
            }
            guard let again = String(validating: bytes, as: UTF8.self) else { return text }
            text = again
        }
        return text
    }

    // MARK: Entities

    /// The named entities of HTML 4 for U+00A0 to U+00FF, in their order.
    private static let latinNames = """
        nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn \
        sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave \
        Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc \
        Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute \
        THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
        igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave \
        uacute ucirc uuml yacute thorn yuml
        """
    private static let entities: [Substring: Unicode.Scalar] = {
        var table: [Substring: Unicode.Scalar] = [
            "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "OElig": "Œ",
            "oelig": "œ", "Scaron": "Š", "scaron": "š", "Yuml": "Ÿ", "fnof": "ƒ", "circ": "ˆ",
            "tilde": "˜", "ensp": "\u{2002}", "emsp": "\u{2003}", "thinsp": "\u{2009}",
            "zwnj": "\u{200c}", "zwj": "\u{200d}", "ndash": "–", "mdash": "—", "lsquo": "‘",
            "rsquo": "’", "sbquo": "‚", "ldquo": "“", "rdquo": "”", "bdquo": "„", "dagger": "†",
            "Dagger": "‡", "bull": "•", "hellip": "…", "permil": "‰", "prime": "′", "Prime": "″",
            "lsaquo": "‹", "rsaquo": "›", "euro": "€", "trade": "™", "larr": "←", "uarr": "↑",
            "rarr": "→", "darr": "↓", "minus": "−", "infin": "∞", "asymp": "≈", "ne": "≠",
            "le": "≤", "ge": "≥", "hearts": "♥",
        ]
        for (offset, name) in latinNames.split(separator: " ").enumerated() {
            table[name] = Unicode.Scalar(0xa0 + UInt8(offset))
        }
        return table
    }()

    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        return text.replacing(#/&(#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);/#) { match in
            let name = match.1
            let scalar: Unicode.Scalar? =
                if name.hasPrefix("#x") || name.hasPrefix("#X") {
                    UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
                } else if name.hasPrefix("#") {
                    UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
                } else {
                    entities[name]
                }
            return scalar.map { String($0) } ?? String(match.0)
        }
    }
}
