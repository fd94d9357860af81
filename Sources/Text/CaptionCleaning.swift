/// Normalisation of captions and questions before they are tokenized (case
/// `text_preprocess`).
public enum CaptionCleaning {
    /// Words that the official datasets keep of a caption.
    public static let captionWords = 30

    /// A caption: lower case, punctuation dropped, `-` and `/` as spaces, `<person>` as `person`,
    /// white space squeezed and trimmed, cut to the first words.
    public static func caption(_ text: String, maxWords: Int = captionWords) -> String {
        var scalars = replacingPersons(stripped(text))
        scalars = squeezed(scalars)
        while scalars.last == "\n" { scalars.removeLast() }
        while scalars.last == " " { scalars.removeLast() }
        let start = scalars.firstIndex { $0 != " " } ?? scalars.endIndex
        return firstWords(scalars[start...], maxWords)
    }

    /// A question: as a caption, but white space is neither squeezed nor trimmed at the start, so
    /// that empty words count.
    public static func question(_ text: String, maxWords: Int) -> String {
        var scalars = stripped(text)
        while scalars.last == " " { scalars.removeLast() }
        return firstWords(scalars[...], maxWords)
    }

    /// A text as open_clip repairs it before any tokenizer sees it: with the mistakes of encodings
    /// undone, without HTML entities, with single spaces.
    public static func repaired(_ text: String) -> String { TextRepair.unescaped(text) }

    /// A cleaned caption of a mirrored image: left and right change places.
    public static func sidesSwapped(_ caption: String) -> String {
        caption.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map { word in
            switch String(word) {
            case "left": "right"
            case "right": "left"
            case "leftmost": "rightmost"
            case "rightmost": "leftmost"
            case "lefthand": "righthand"
            case "righthand": "lefthand"
            case let other: other
            }
        }.joined(separator: " ")
    }

    /// Lower case without the dropped punctuation.
    private static func stripped(_ text: String) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.utf8.count)
        for scalar in text.pythonLowercased().unicodeScalars {
            switch scalar {
            case ",", ".", "'", "!", "?", "\"", "(", ")", "*", "#", ":", ";", "~": continue
            case "-", "/": result.append(" ")
            default: result.append(scalar)
            }
        }
        return result
    }

    private static func replacingPersons(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard scalars.contains("<") else { return scalars }
        let tag = Array("<person>".unicodeScalars)
        var result: [Unicode.Scalar] = []
        var index = 0
        while index < scalars.count {
            if scalars[index...].starts(with: tag) {
                result.append(contentsOf: tag.dropFirst().dropLast())
                index += tag.count
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        return result
    }

    /// Runs of two or more white-space characters become one space; a single one stays as it is.
    private static func squeezed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(scalars.count)
        var index = 0
        while index < scalars.count {
            guard scalars[index].isPythonSpace else {
                result.append(scalars[index])
                index += 1
                continue
            }
            var end = index + 1
            while end < scalars.count, scalars[end].isPythonSpace { end += 1 }
            result.append(end - index == 1 ? scalars[index] : " ")
            index = end
        }
        return result
    }

    /// The text up to the `count`-th single space.
    private static func firstWords(_ scalars: ArraySlice<Unicode.Scalar>, _ count: Int) -> String {
        var spaces = 0
        var end = scalars.endIndex
        for index in scalars.indices where scalars[index] == " " {
            spaces += 1
            if spaces == count {
                end = index
                break
            }
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[..<end])
        return String(text)
    }
}
