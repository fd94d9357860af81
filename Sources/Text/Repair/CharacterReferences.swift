/// Character references of HTML (`&amp;`, `&#233;`) as Python's `html.unescape` and ftfy read them.
enum CharacterReferences {
    // MARK: As html.unescape

    /// Every reference replaced, also those without a semicolon that HTML 5 knows without one.
    static func replaced(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard scalars.contains("&") else { return scalars }
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(scalars.count)
        var place = 0
        while place < scalars.count {
            guard scalars[place] == "&" else {
                result.append(scalars[place])
                place += 1
                continue
            }
            if let (character, end) = number(scalars, at: place + 1) {
                result.append(contentsOf: character)
                place = end
            } else if let (characters, end) = name(scalars, at: place + 1) {
                result.append(contentsOf: characters)
                place = end
            } else {
                result.append("&")
                place += 1
            }
        }
        return result
    }

    /// The character of `#` with a number, and where what follows starts.
    private static func number(_ scalars: [Unicode.Scalar], at start: Int) -> (
        [Unicode.Scalar], end: Int
    )? {
        guard start < scalars.count, scalars[start] == "#" else { return nil }
        var place = start + 1
        var radix: UInt32 = 10
        if place < scalars.count, scalars[place] == "x" || scalars[place] == "X" {
            radix = 16
            place += 1
        }
        let first = place
        var value: UInt32 = 0
        while place < scalars.count, scalars[place].isASCII,
            let digit = Character(scalars[place]).hexDigitValue, digit < radix
        {
            // Beyond the last code point all are alike.
            value = min(value * radix + UInt32(digit), 0x11_0000)
            place += 1
        }
        guard place > first else { return nil }
        if place < scalars.count, scalars[place] == ";" { place += 1 }
        return (character(value), place)
    }

    private static func character(_ value: UInt32) -> [Unicode.Scalar] {
        switch value {
        case 0: ["\u{fffd}"]
        case 0x80...0x9f:
            Unicode.Scalar(value).map { [SingleByteEncoding.windows1252.meant(by: $0)] } ?? []
        // Neither text nor white space.
        case 0x01...0x08, 0x0b, 0x0e...0x1f, 0x7f, 0xfdd0...0xfdef: []
        case _ where value <= 0x10_ffff && value & 0xfffe == 0xfffe: []
        default: [Unicode.Scalar(value) ?? "\u{fffd}"]
        }
    }

    private static let longestName = 32

    /// The characters of a name, or of the longest beginning of it that needs no semicolon.
    private static func name(_ scalars: [Unicode.Scalar], at start: Int) -> (
        [Unicode.Scalar], end: Int
    )? {
        var end = start
        while end < scalars.count, end - start < longestName,
            !"\t\n\u{c} <&#;".unicodeScalars.contains(scalars[end])
        {
            end += 1
        }
        guard end > start else { return nil }
        if end < scalars.count, scalars[end] == ";",
            let characters = CharacterReferenceNames.characters(scalars[start..<end])
        {
            return (characters, end + 1)
        }
        for length in stride(from: end - start, to: 1, by: -1) {
            if let characters = CharacterReferenceNames.characters(
                scalars[start..<start + length], withoutSemicolon: true)
            {
                return (characters, start + length)
            }
        }
        return nil
    }

    // MARK: As ftfy

    private static let longestUnambiguous = 24

    /// Only references with a semicolon replaced, and also names in capitals that HTML does not have.
    ///
    /// - Parameters:
    ///   - scalars: the text
    ///   - insideReferences: whether the `&` that a reference stands for begins another one at once
    static func replacedUnambiguous(_ scalars: [Unicode.Scalar], insideReferences: Bool)
        -> [Unicode.Scalar]
    {
        guard scalars.contains("&") else { return scalars }
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(scalars.count)
        var place = 0
        while place < scalars.count {
            guard scalars[place] == "&",
                var (characters, end) = unambiguous(scalars, at: place + 1)
            else {
                result.append(scalars[place])
                place += 1
                continue
            }
            while insideReferences, characters == ["&"],
                let next = unambiguous(scalars, at: end)
            {
                (characters, end) = next
            }
            result.append(contentsOf: characters)
            place = end
        }
        return result
    }

    private static func unambiguous(_ scalars: [Unicode.Scalar], at start: Int) -> (
        [Unicode.Scalar], end: Int
    )? {
        let isNumber = start < scalars.count && scalars[start] == "#"
        let first = isNumber ? start + 1 : start
        var end = first
        while end < scalars.count, end - first < longestUnambiguous, scalars[end].isASCII,
            scalars[end].properties.isAlphabetic || ("0"..."9").contains(scalars[end])
        {
            end += 1
        }
        guard end > first, end < scalars.count, scalars[end] == ";" else { return nil }
        if isNumber {
            // Digits and the semicolon are all of it, or it is left alone.
            guard let (characters, numberEnd) = number(scalars, at: start), numberEnd == end + 1,
                characters != [";"]
            else { return nil }
            return (characters, numberEnd)
        }
        let name = scalars[first..<end]
        if let characters = CharacterReferenceNames.characters(name) {
            return (characters, end + 1)
        }
        return CharacterReferenceNames.charactersInCapitals(name).map { ($0, end + 1) }
    }
}
