/// Signs that a text was read in the wrong encoding: characters beside each other that hardly any
/// text has on purpose. The characters and rules are those of ftfy 6.3.1 (`ftfy.badness`, Robyn
/// Speer), whose results are wanted here; they are data, in a form of their own.
enum MojibakeSigns {
    /// Whether some characters look like text that was read in the wrong encoding.
    static func areIn(_ text: [Unicode.Scalar]) -> Bool {
        func fits(_ rule: [Place], at start: Int) -> Bool {
            start + rule.count <= text.count
                && rule.indices.allSatisfy { rule[$0].matches(CharacterClass(text[start + $0])) }
        }
        for (start, scalar) in text.enumerated() {
            guard let rules = rulesOfFirst[scalar] else { continue }
            for rule in rules where fits(rule, at: start) { return true }
        }
        return fits(startRule, at: 0)
    }

    /// The rules that a character can be the first of; most characters have none.
    private static let rulesOfFirst: [Unicode.Scalar: [[Place]]] = {
        let spaces = (0x80...0x3000).compactMap { Unicode.Scalar(UInt32($0)) }
            .filter(\.isPythonSpace)
        let candidates = Set(kinds.keys).union(rules.flatMap { $0.first?.characters ?? [] })
            .union((UInt8.min...0x7f).map { Unicode.Scalar($0) }).union(spaces)
        var table: [Unicode.Scalar: [[Place]]] = [:]
        for scalar in candidates {
            let character = CharacterClass(scalar)
            let own = rules.filter { $0.first?.matches(character) ?? false }
            if !own.isEmpty { table[scalar] = own }
        }
        return table
    }()

    // MARK: Characters

    /// What a character is taken for; of several, by its place.
    struct Kinds: OptionSet {
        let rawValue: UInt32

        static let common = Kinds(rawValue: 1 << 0)
        static let control = Kinds(rawValue: 1 << 1)
        static let bad = Kinds(rawValue: 1 << 2)
        static let law = Kinds(rawValue: 1 << 3)
        static let currency = Kinds(rawValue: 1 << 4)
        static let opening = Kinds(rawValue: 1 << 5)
        static let closing = Kinds(rawValue: 1 << 6)
        static let numeric = Kinds(rawValue: 1 << 7)
        static let faces = Kinds(rawValue: 1 << 8)
        static let upperAccented = Kinds(rawValue: 1 << 9)
        static let lowerAccented = Kinds(rawValue: 1 << 10)
        static let upperCommon = Kinds(rawValue: 1 << 11)
        static let lowerCommon = Kinds(rawValue: 1 << 12)
        static let box = Kinds(rawValue: 1 << 13)
        static let latinSmall = Kinds(rawValue: 1 << 14)
        static let latinCapital = Kinds(rawValue: 1 << 15)
        static let otherThanLatin = Kinds(rawValue: 1 << 16)
        static let space = Kinds(rawValue: 1 << 17)
        static let word = Kinds(rawValue: 1 << 18)
        static let inLine = Kinds(rawValue: 1 << 19)

        static let latin: Kinds = [.latinSmall, .latinCapital]
    }

    private struct CharacterClass {
        let scalar: Unicode.Scalar
        let kinds: Kinds

        init(_ scalar: Unicode.Scalar) {
            self.scalar = scalar
            var kinds = MojibakeSigns.kinds[scalar] ?? []
            switch scalar {
            case "a"..."z": kinds.formUnion(.latinSmall)
            case "A"..."Z": kinds.formUnion(.latinCapital)
            default: kinds.formUnion(.otherThanLatin)
            }
            if scalar.isPythonSpace { kinds.formUnion(.space) }
            if scalar == "_" || scalar.isPythonAlphanumeric { kinds.formUnion(.word) }
            if scalar != "\n" { kinds.formUnion(.inLine) }
            self.kinds = kinds
        }
    }

    private static let kinds: [Unicode.Scalar: Kinds] = {
        var table: [Unicode.Scalar: Kinds] = [:]
        func add(_ kind: Kinds, _ characters: String, _ ranges: ClosedRange<Unicode.Scalar>...) {
            for scalar in characters.unicodeScalars { table[scalar, default: []].formUnion(kind) }
            for value in ranges.flatMap({ $0.lowerBound.value...$0.upperBound.value }) {
                if let scalar = Unicode.Scalar(value) { table[scalar, default: []].formUnion(kind) }
            }
        }
        add(.common, "\u{a0}\u{ad}·´–—―…’")
        add(.control, "", "\u{80}"..."\u{9f}")
        add(.bad, "¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\u{fffd}ªº")
        add(.law, "¶§")
        add(.currency, "¢£¥₧€")
        add(.opening, "¡«¿©΄΅‘‚“„•‹\u{f8ff}")
        add(.closing, "®»˝”›™")
        add(.numeric, "²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№")
        add(.faces, "ŐŌŪŲ°", "Ò"..."Ö", "Ù"..."Ü", "ò"..."ö", "ø"..."ü")
        add(
            .upperAccented,
            "ØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘŚŞŠŢŤŮŰŸŹŻŽҐ", "À"..."Ñ")
        add(
            .lowerAccented,
            "ßăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ", "à"..."ñ")
        add(.upperCommon, "ÞΆΈΉΊΌΎΏΪΫ", "Α"..."Ω", "Ё"..."Я")
        add(.lowerCommon, "άέήίΰ", "α"..."ω", "а"..."џ")
        add(.box, "│┌┐┘├┤┬┼▀▄█▌▐░▒▓", "═"..."╬")
        return table
    }()

    // MARK: Rules

    /// A place of a rule: a character of one of some kinds, or one of those named.
    private struct Place: ExpressibleByStringLiteral {
        let kinds: Kinds
        let characters: [Unicode.Scalar]

        init(stringLiteral characters: String) { self.init([], characters) }

        init(_ kinds: Kinds, _ characters: String = "") {
            self.kinds = kinds
            self.characters = Array(characters.unicodeScalars)
        }

        func matches(_ character: CharacterClass) -> Bool {
            !kinds.isDisjoint(with: character.kinds) || characters.contains(character.scalar)
        }
    }

    private static let accented: Kinds = [.lowerAccented, .upperAccented]
    private static let unusual: Kinds = [
        .lowerAccented, .upperAccented, .box, .opening, .closing, .currency, .numeric, .law,
    ]
    private static let afterArabic = Place(
        [.common, .currency, .bad, .numeric, .opening], "ŸŠ®°µ»")
    private static let afterCyrillic = Place(
        [.control, .bad, .opening, .closing, .currency], "°µ")
    private static let afterGreek = Place([.control, .bad, .opening, .closing, .currency], "°")

    /// Any of these anywhere in a text.
    private static let rules: [[Place]] = [
        [Place(.control)],
        [Place(unusual.union(.bad)), Place(.bad)],
        [Place(.latin), Place([.lowerCommon, .upperCommon]), Place(.bad)],
        [Place(.bad), Place(unusual)],
        [
            Place([.lowerAccented, .lowerCommon, .box, .closing, .currency, .numeric]),
            Place(.upperAccented),
        ],
        [Place([.box, .closing, .currency, .numeric]), Place(.lowerAccented)],
        [Place([.lowerAccented, .box, .closing]), Place(.currency)],
        [Place(.space), Place(.upperAccented), Place(.currency)],
        [Place([.upperAccented, .box]), Place([.numeric, .law])],
        [
            Place(accented.union([.box, .currency, .closing])), Place(.opening), Place(.numeric),
        ],
        [
            Place(accented.union([.currency, .numeric, .box, .law])), Place(.closing),
            Place(.opening),
        ],
        [Place([.currency, .numeric, .box]), Place(.opening)],
        [Place(.latinSmall), Place(.upperAccented), Place([.opening, .currency])],
        [Place(.box), Place(.faces)],
        [
            Place(accented.union([.currency, .numeric, .opening, .closing, .law])), Place(.box),
        ],
        [Place(.box), Place(.closing)],
        [Place(accented), Place([.opening, .closing]), Place(.word)],
        // The ligature œ not followed by a plain letter.
        ["Œœ", Place(.otherThanLatin)],
        [Place(.upperAccented), "°"],
        // Two characters of Windows-1252.
        ["ÂÃÎÐ", Place([.opening, .closing], "€œŠš¢£Ÿž\u{a0}\u{ad}®©°·»–—´")],
        ["×", "²³"],
        // Arabic words in Windows-1252, of which four characters are asked for.
        ["ØÙ", afterArabic, "ØÙ", afterArabic],
        // Scripts of South Asia.
        ["à", "²µ¹¼½¾"],
        // MacRoman.
        ["√", "±∂†≠®™´≤≥¥µø"], ["≈", "°¢"], ["‚", "Ä", "ìîïòôúùû†°¢π"], ["‚", "âó", "àä°ê"],
        // Windows-1251, of which three or five characters are asked for where two may be meant.
        ["в", "Ђ"], ["ВГРС", afterCyrillic, "ВГРС"],
        ["Г", "ў", "В", "Ђ", "В", Place(.inLine), Place(.latin, " ")],
        // à, á and the no-break space in Windows-1252.
        ["Ã", "\u{a0}¡"], [Place(.latinSmall), "ÃÂ", " "],
        [Place(.latinSmall), Place(.space), "ÃÂ", " "],
        // Â before the character that it encodes.
        [Place([.latinSmall, .closing], ".,?!"), "Â", Place([.opening, .closing], " ")],
        // Windows-1253 and Windows-1257.
        ["β", "€", "™\u{a0}Ά\u{ad}®°"], ["ΒΓΞΟ", afterGreek, "ΒΓΞΟ"], ["ā", "€"],
    ]

    /// This at the start of a text.
    private static let startRule: [Place] = ["ÃÂ", " "]
}

extension Unicode.Scalar {
    /// A letter or a number as regular expressions of the official code's language have it.
    fileprivate var isPythonAlphanumeric: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber, .otherNumber:
            true
        default: false
        }
    }
}
