extension Unicode.Scalar {
    /// White space as the official code's regular expressions, `strip` and `split` see it.
    public var isPythonSpace: Bool {
        if value < 0x80 {
            return value == 0x20 || (0x09...0x0d).contains(value) || (0x1c...0x1f).contains(value)
        }
        return properties.isWhitespace
    }
}

extension String {
    /// The words of a text between white space, as the official code's language splits it.
    public func splitAtPythonSpace() -> [String] {
        unicodeScalars.split(whereSeparator: \.isPythonSpace).map { String($0) }
    }

    /// The text without white space at its ends, as the official code's language strips it.
    public func strippedOfPythonSpace() -> String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.isPythonSpace }),
            let last = scalars.lastIndex(where: { !$0.isPythonSpace })
        else { return "" }
        return String(scalars[first...last])
    }

    /// Lower case as the official code's language has it: a sigma at the end of a word takes its
    /// final form.
    public func pythonLowercased() -> String {
        // ASCII needs none of this and is most of what there is.
        guard !utf8.allSatisfy({ $0 < 0x80 }) else { return lowercased() }
        // A string grows in place; its view of scalars is copied whole with every text that is added.
        var result = ""
        // Whether the last scalar that case looks at is a letter with case.
        var followsCased = false
        var place = unicodeScalars.startIndex
        while place < unicodeScalars.endIndex {
            let scalar = unicodeScalars[place]
            unicodeScalars.formIndex(after: &place)
            if scalar == "Σ" {
                let next = unicodeScalars[place...].first { !$0.properties.isCaseIgnorable }
                let isFinal = followsCased && !(next?.properties.isCased ?? false)
                result += isFinal ? "ς" : "σ"
            } else {
                result += scalar.properties.lowercaseMapping
            }
            if !scalar.properties.isCaseIgnorable { followsCased = scalar.properties.isCased }
        }
        return result
    }
}
