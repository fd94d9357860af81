/// An encoding of one byte a character, whose lower half is ASCII.
struct SingleByteEncoding {
    private let characters: [Unicode.Scalar]
    private let bytes: [Unicode.Scalar: UInt8]
    /// Whether the encoding has bytes without a character, which stand for those of Latin-1; U+FFFD
    /// is then taken for a byte that was lost.
    let isSloppy: Bool

    /// What a lost byte is written as.
    static let lostByte: UInt8 = 0x1a

    /// Describes an encoding.
    ///
    /// - Parameters:
    ///   - upper: the characters of the bytes from 0x80 on; `=` is that of Latin-1
    ///   - isSloppy: whether bytes without a character are taken for those of Latin-1
    private init(_ upper: String, isSloppy: Bool) {
        self.isSloppy = isSloppy
        var characters = (UInt8.min...0x7f).map { Unicode.Scalar($0) }
        for (offset, scalar) in upper.unicodeScalars.enumerated() {
            characters.append(scalar == "=" ? Unicode.Scalar(UInt8(0x80 + offset)) : scalar)
        }
        if isSloppy { characters[Int(Self.lostByte)] = "\u{fffd}" }
        self.characters = characters
        var bytes: [Unicode.Scalar: UInt8] = [:]
        for (byte, scalar) in characters.enumerated() { bytes[scalar] = UInt8(byte) }
        self.bytes = bytes
    }

    /// The bytes of a text, nil where a character has none.
    func encoded(_ text: some Sequence<Unicode.Scalar>) -> [UInt8]? {
        var result: [UInt8] = []
        for scalar in text {
            guard let byte = bytes[scalar] else { return nil }
            result.append(byte)
        }
        return result
    }

    /// The characters of some bytes.
    func decoded(_ range: ClosedRange<UInt8>) -> [Unicode.Scalar] {
        range.map { characters[Int($0)] }
    }

    /// The character of the byte that a control character of Latin-1 has; another one is itself.
    func meant(by scalar: Unicode.Scalar) -> Unicode.Scalar {
        0x80...0x9f ~= scalar.value ? characters[Int(scalar.value)] : scalar
    }

    static let latin1 = Self(String(repeating: "=", count: 128), isSloppy: false)
    static let windows1252 = Self(
        "€=‚ƒ„…†‡ˆ‰Š‹Œ=Ž==‘’“”•–—˜™š›œ=žŸ" + String(repeating: "=", count: 96), isSloppy: true)

    /// What text in UTF-8 is read as by mistake, the likeliest first.
    static let mistaken: [SingleByteEncoding] = [
        latin1, windows1252,
        // Windows-1251
        Self(
            "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—=™љ›њќћџ=ЎўЈ=Ґ==Ё=Є====Ї==Ііґ===ё№є=јЅѕї"
                + "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя",
            isSloppy: true),
        // Windows-1250
        Self(
            "€=‚=„…†‡=‰Š‹ŚŤŽŹ=‘’“”•–—=™š›śťžź=ˇ˘Ł=Ą====Ş====Ż==˛ł=====ąş=Ľ˝ľż"
                + "Ŕ==Ă=ĹĆ=Č=Ę=Ě==ĎĐŃŇ==Ő==ŘŮ=Ű==Ţ=ŕ==ă=ĺć=č=ę=ě==ďđńň==ő==řů=ű==ţ˙",
            isSloppy: true),
        // Windows-1253
        Self(
            "€=‚ƒ„…†‡=‰=‹=====‘’“”•–—=™=›=====΅Ά============―====΄===ΈΉΊ=Ό=ΎΏ"
                + "ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ=ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ=",
            isSloppy: true),
        // Windows-1254
        Self(
            "€=‚ƒ„…†‡ˆ‰Š‹Œ====‘’“”•–—˜™š›œ==Ÿ================================"
                + "================Ğ============İŞ=================ğ============ış=",
            isSloppy: true),
        // Windows-1257
        Self(
            "€=‚=„…†‡=‰=‹=¨ˇ¸=‘’“”•–—=™=›=¯˛=========Ø=Ŗ====Æ========ø=ŗ====æ"
                + "ĄĮĀĆ==ĘĒČ=ŹĖĢĶĪĻŠŃŅ=Ō===ŲŁŚŪ=ŻŽ=ąįāć==ęēč=źėģķīļšńņ=ō===ųłśū=żž˙",
            isSloppy: true),
        // ISO 8859-2
        Self(
            "=================================Ą˘Ł=ĽŚ==ŠŞŤŹ=ŽŻ=ą˛ł=ľśˇ=šşťź˝žż"
                + "Ŕ==Ă=ĹĆ=Č=Ę=Ě==ĎĐŃŇ==Ő==ŘŮ=Ű==Ţ=ŕ==ă=ĺć=č=ę=ě==ďđńň==ő==řů=ű==ţ˙",
            isSloppy: false),
        macRoman,
        // Code page 437
        Self(
            "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
                + "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
            isSloppy: false),
    ]

    /// Where an en dash and a space are not to be taken for a broken character.
    static let macRomanPlace = 8
    private static let macRoman = Self(
        "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°==§•¶ß®=™´¨≠ÆØ∞=≤≥¥=∂∑∏π∫ªºΩæø"
            + "¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ",
        isSloppy: false)

    /// Those in which a byte has its place in UTF-8 in common with Latin-1: the Windows encodings.
    static var likeLatin1: ArraySlice<SingleByteEncoding> { mistaken.prefix(7) }
}
