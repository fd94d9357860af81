/// Words of the closed classes, which are never nouns.
enum ClosedClass: UInt8, CaseIterable, Sendable {
    case determiner
    case possessive
    case number
    case pronoun
    case relative
    case auxiliary
    case modal
    case to
    case preposition
    case conjunction
    case adverb
    case there

    var words: [String] {
        switch self {
        case .determiner:
            """
            a an the this that these those some any no every each either neither another both all \
            half such several many few more most much less least enough other what which
            """.words
        case .possessive: "my your his her its our their whose".words
        case .number:
            """
            one two three four five six seven eight nine ten eleven twelve thirteen fourteen \
            fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy \
            eighty ninety hundred thousand million
            """.words
        case .pronoun:
            """
            i you he she it we they me him us them myself yourself himself herself itself \
            ourselves themselves someone somebody something anyone anybody anything everyone \
            everybody everything nobody nothing none others another's mine yours hers theirs
            """.words
        case .relative: "who whom when where why how whether that's".words
        case .auxiliary:
            """
            be am is are was were been being have has had having do does did doing 're 've 'm
            """.words
        case .modal:
            "can could will would shall should may might must 'll 'd ca wo cannot".words
        case .to: ["to"]
        case .preposition:
            """
            of in on at by for with without from into onto over under above below between among \
            amongst through throughout during before after behind beside besides near along \
            alongside across against around about toward towards up down off out inside outside \
            upon within past like via per beneath underneath beyond except amid amidst atop until \
            till since despite than unlike next
            """.words
        case .conjunction:
            "and or but nor while as because if whereas although though & yet unless so".words
        case .adverb:
            """
            not 't very too also just only here then now away together ahead apart aside almost \
            still already again ever never always often quite rather even soon perhaps maybe
            """.words
        case .there: ["there"]
        }
    }

    /// The class of each word.
    static let classOfWord: [String: ClosedClass] = {
        var classes: [String: ClosedClass] = [:]
        for kind in allCases { for word in kind.words { classes[word] = kind } }
        return classes
    }()
}

extension String {
    fileprivate var words: [String] { split(separator: " ").map(String.init) }
}
