import Images

/// Chooses words, so that the same thing is said in many ways.
struct Wording {
    /// Share of words in whose place a synonym stands.
    private static let synonymShare = 0.2

    /// How long phrases are and how they are built is left to chance.
    var random: SeededGenerator

    // MARK: Words

    /// Singular and plural of what a shape is called, the usual noun first.
    static func nouns(_ shape: Shape?) -> [(singular: String, plural: String)] {
        switch shape {
        case nil: [("object", "objects"), ("thing", "things"), ("item", "items")]
        case .circle: [("circle", "circles"), ("disc", "discs"), ("ball", "balls")]
        case .square: [("square", "squares"), ("box", "boxes")]
        case .triangle: [("triangle", "triangles"), ("wedge", "wedges")]
        case .star: [("star", "stars")]
        case .heart: [("heart", "hearts")]
        case .cross: [("cross", "crosses"), ("plus sign", "plus signs")]
        case .house: [("house", "houses"), ("home", "homes"), ("cottage", "cottages")]
        case .tree: [("tree", "trees"), ("fir", "firs")]
        case .car: [("car", "cars"), ("automobile", "automobiles")]
        case .fish: [("fish", "fish")]
        case .cup: [("cup", "cups"), ("mug", "mugs")]
        case .flower: [("flower", "flowers"), ("blossom", "blossoms")]
        }
    }

    /// What a colour is called, the usual word first.
    static func words(_ color: ObjectColor) -> [String] {
        switch color {
        case .red: ["red", "crimson"]
        case .yellow: ["yellow", "golden"]
        case .purple: ["purple", "violet"]
        case .pink: ["pink", "rosy"]
        default: [color.rawValue]
        }
    }

    static func words(_ size: ObjectSize) -> [String] {
        switch size {
        case .small: ["small", "little", "tiny"]
        case .medium: ["medium-sized"]
        case .large: ["large", "big", "huge"]
        }
    }

    /// The noun of what lies behind the objects.
    static func noun(_ background: Background) -> String {
        switch background {
        case .sky: "sky"
        case .sunset: "sunset"
        case .sand: "sand"
        case .grass: "grass"
        case .bricks: "brick wall"
        case .tiles: "tiles"
        }
    }

    /// What lies behind the objects as something that an image shows.
    static func sight(_ background: Background) -> String {
        switch background {
        case .sky: "the sky"
        case .sunset: "a sunset"
        case .sand: "sand"
        case .grass: "grass"
        case .bricks: "a brick wall"
        case .tiles: "tiles"
        }
    }

    static let numbers = ["zero", "one", "two", "three", "four", "five", "six"]

    /// The usual word or, now and then, another.
    private mutating func pick<Word>(_ words: [Word]) -> Word {
        random.happens(Self.synonymShare) ? random.choice(words) : words[0]
    }

    // MARK: Phrases

    /// Adjectives and noun, without article.
    mutating func phrase(_ description: Description, plural: Bool = false) -> String {
        let noun = pick(Self.nouns(description.shape))
        var adjectives: [String] = []
        var suffix = ""
        if let size = description.size { adjectives.append(pick(Self.words(size))) }
        switch description.fill {
        case nil: break
        case .plain: adjectives.append("plain")
        case .striped where random.happens(0.3): suffix = " with stripes"
        case .dotted where random.happens(0.3): suffix = " with dots"
        case .striped: adjectives.append("striped")
        case .dotted: adjectives.append(pick(["dotted", "spotted"]))
        }
        if let color = description.color { adjectives.append(pick(Self.words(color))) }
        return (adjectives + [plural ? noun.plural : noun.singular]).joined(separator: " ") + suffix
    }

    /// `a` or `an` in front of a phrase.
    static func indefinite(_ phrase: String) -> String {
        ("aeiou".contains(phrase.prefix(1)) ? "an " : "a ") + phrase
    }

    mutating func indefinite(_ description: Description) -> String {
        Self.indefinite(phrase(description))
    }

    mutating func definite(_ description: Description) -> String { "the " + phrase(description) }

    /// `three red cars`.
    mutating func counted(_ count: Int, _ description: Description) -> String {
        let number = random.happens(0.1) && count > 1 ? String(count) : Self.numbers[count]
        return number + " " + phrase(description, plural: count != 1)
    }

    mutating func words(_ relation: Relation) -> String {
        switch relation {
        case .leftOf: pick(["to the left of", "left of"])
        case .rightOf: pick(["to the right of", "right of"])
        case .above: pick(["above", "over"])
        case .below: pick(["below", "under", "beneath"])
        }
    }

    mutating func place(_ background: Background) -> String {
        switch background {
        case .sky: random.choice(["under a blue sky", "in the sky", "against the sky"])
        case .sunset: random.choice(["at sunset", "in front of a sunset", "in the evening light"])
        case .sand: random.choice(["on sand", "on the sand", "on a beach"])
        case .grass: random.choice(["on grass", "on the grass", "on a lawn"])
        case .bricks:
            random.choice(["in front of a brick wall", "on a brick wall", "on bricks"])
        case .tiles: random.choice(["on tiles", "on a tiled floor", "on a checkered floor"])
        }
    }

    /// Phrases joined by commas and a last `and`.
    static func list(_ phrases: [String]) -> String {
        guard let last = phrases.last, phrases.count > 1 else { return phrases.first ?? "" }
        return phrases.dropLast().joined(separator: ", ") + " and " + last
    }
}
