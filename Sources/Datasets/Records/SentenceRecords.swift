import Files

/// What an image says of a sentence, in the order of the official labels.
public enum EntailmentLabel: Int, CaseIterable, Sendable, Codable, JSONDescribed {
    /// As in "must be …".
    public static let jsonDescription = "entailment, neutral or contradiction"

    case contradiction = 0
    case neutral = 1
    case entailment = 2

    /// The word of the annotation files.
    public var name: String {
        switch self {
        case .contradiction: "contradiction"
        case .neutral: "neutral"
        case .entailment: "entailment"
        }
    }

    /// Reads the word.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let label = Self.allCases.first(where: { $0.name == name }) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: Self.jsonDescription)
        }
        self = label
    }

    /// Writes the word.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// A sentence and whether an image entails it.
public struct EntailmentRecord: AnnotationRecord {
    /// Name from the image root, without extension.
    public let image: String
    /// What is claimed.
    public let sentence: String
    /// The right answer.
    public let label: EntailmentLabel
    /// Visual concepts, best first; nil where the file has none.
    public let concepts: [String]?

    /// Makes a record.
    public init(image: String, sentence: String, label: EntailmentLabel, concepts: [String]?) {
        self.image = image
        self.sentence = sentence
        self.label = label
        self.concepts = concepts
    }

    enum CodingKeys: String, CodingKey {
        case image, sentence, label
        case concepts = "kwords"
    }

    /// An empty name or sentence.
    public var problem: FieldProblem? {
        FieldProblem.noText([image], "image", "a name")
            ?? FieldProblem.noText([sentence], "sentence", "a sentence")
    }

    /// `kwords`.
    public var conceptLists: [(field: String, concepts: [String]?)] { [("kwords", concepts)] }
}

/// A sentence about two images, true or false (NLVR2; Suhr et al. 2019).
public struct PairRecord: AnnotationRecord {
    /// Paths of the left and the right image from the image root.
    public let images: [String]
    /// What is claimed.
    public let sentence: String
    /// Whether it is true of the pair.
    public let isTrue: Bool
    /// Concepts of the left image; nil where the file has none.
    public let leftConcepts: [String]?
    /// Concepts of the right image; nil where the file has none.
    public let rightConcepts: [String]?
    /// NLVR2's name of the example; all but its last number names the sentence.
    public let identifier: String?

    /// Makes a record.
    public init(
        images: [String], sentence: String, isTrue: Bool, leftConcepts: [String]?,
        rightConcepts: [String]?, identifier: String?
    ) {
        self.images = images
        self.sentence = sentence
        self.isTrue = isTrue
        self.leftConcepts = leftConcepts
        self.rightConcepts = rightConcepts
        self.identifier = identifier
    }

    enum CodingKeys: String, CodingKey {
        case images, sentence, identifier
        case isTrue = "label"
        case leftConcepts = "kwords1"
        case rightConcepts = "kwords2"
    }

    /// Reads `label` as the text True or False.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        images = try container.decode([String].self, forKey: .images)
        sentence = try container.decode(String.self, forKey: .sentence)
        let label = try container.decode(String.self, forKey: .isTrue)
        guard ["True", "False"].contains(label) else {
            throw DecodingError.dataCorruptedError(
                forKey: .isTrue, in: container, debugDescription: "the text True or False")
        }
        isTrue = label == "True"
        leftConcepts = try container.decodeIfPresent([String].self, forKey: .leftConcepts)
        rightConcepts = try container.decodeIfPresent([String].self, forKey: .rightConcepts)
        // The official code does not look at it, so that it may be anything.
        identifier = (try? container.decodeIfPresent(TextOrNumber.self, forKey: .identifier))?.text
    }

    /// Writes `label` as the text True or False.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(images, forKey: .images)
        try container.encode(sentence, forKey: .sentence)
        try container.encode(isTrue ? "True" : "False", forKey: .isTrue)
        try container.encodeIfPresent(leftConcepts, forKey: .leftConcepts)
        try container.encodeIfPresent(rightConcepts, forKey: .rightConcepts)
        try container.encodeIfPresent(identifier, forKey: .identifier)
    }

    /// Other than two images, an empty path or an empty sentence.
    public var problem: FieldProblem? {
        let hasTwo = images.count == 2 && images.allSatisfy { !$0.isEmpty }
        return (hasTwo ? nil : FieldProblem("images", "two paths, left and right"))
            ?? FieldProblem.noText([sentence], "sentence", "a sentence")
    }

    /// `kwords1` and `kwords2`.
    public var conceptLists: [(field: String, concepts: [String]?)] {
        [("kwords1", leftConcepts), ("kwords2", rightConcepts)]
    }
}
