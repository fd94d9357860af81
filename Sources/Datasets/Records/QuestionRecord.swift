import Files

/// A question about an image.
public struct QuestionRecord: AnnotationRecord {
    /// Where a question comes from, which decides the image root and the form of the answers.
    public enum Source: String, Codable, Sendable, JSONDescribed {
        /// As in "must be …".
        public static let jsonDescription = "vqa or vg (Visual Genome)"

        /// VQA v2: an answer of each annotator.
        case vqa
        /// Visual Genome QA: one answer.
        case visualGenome = "vg"
    }

    /// Path from the root of the source.
    public let image: String
    /// The data set the question is of.
    public let source: Source
    /// As it was asked.
    public let question: String
    /// Names the question in result files.
    public let questionID: Int?
    /// One for each annotator, nil in a test set.
    public let answers: [String]?
    /// Visual concepts, best first; nil where the file has none.
    public let concepts: [String]?

    /// Makes a record.
    public init(
        image: String, source: Source = .vqa, question: String, questionID: Int?,
        answers: [String]?, concepts: [String]?
    ) {
        self.image = image
        self.source = source
        self.question = question
        self.questionID = questionID
        self.answers = answers
        self.concepts = concepts
    }

    enum CodingKeys: String, CodingKey {
        case image, question
        case source = "dataset"
        case questionID = "question_id"
        case answers = "answer"
        case concepts = "kwords"
    }

    /// Reads `answer` as a text or a list.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        image = try container.decode(String.self, forKey: .image)
        source = try container.decode(Source.self, forKey: .source)
        question = try container.decode(String.self, forKey: .question)
        questionID = try container.decodeIfPresent(Int.self, forKey: .questionID)
        answers = try container.decodeIfPresent(TextOrList.self, forKey: .answers)?.values
        concepts = try container.decodeIfPresent([String].self, forKey: .concepts)
    }

    /// Writes the answers of annotators as a list, that of Visual Genome as a text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(image, forKey: .image)
        try container.encode(source, forKey: .source)
        try container.encode(question, forKey: .question)
        try container.encodeIfPresent(questionID, forKey: .questionID)
        try container.encodeIfPresent(
            answers.map { TextOrList($0, isList: source == .vqa) }, forKey: .answers)
        try container.encodeIfPresent(concepts, forKey: .concepts)
    }

    /// An empty path or question, or an empty list of answers.
    public var problem: FieldProblem? {
        FieldProblem.noText([image], "image", "a path")
            ?? FieldProblem.noText([question], "question", "a question")
            ?? answers.flatMap { FieldProblem.noText($0, "answer", "an answer or several") }
    }

    /// `kwords`.
    public var conceptLists: [(field: String, concepts: [String]?)] { [("kwords", concepts)] }
}
