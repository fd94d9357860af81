/// A phrase that refers to something in an image.
public struct ReferringRecord: AnnotationRecord {
    /// Path from the image root.
    public let image: String
    /// The phrase.
    public let text: String
    /// Names the reference; training needs none.
    public let referenceID: Int?
    /// Visual concepts, best first; nil where the file has none.
    public let concepts: [String]?

    /// Makes a record.
    public init(image: String, text: String, referenceID: Int?, concepts: [String]?) {
        self.image = image
        self.text = text
        self.referenceID = referenceID
        self.concepts = concepts
    }

    enum CodingKeys: String, CodingKey {
        case image, text
        case referenceID = "ref_id"
        case concepts = "kwords"
    }

    /// An empty path or phrase.
    public var problem: FieldProblem? {
        FieldProblem.noText([image], "image", "a path")
            ?? FieldProblem.noText([text], "text", "a phrase")
    }

    /// `kwords`.
    public var conceptLists: [(field: String, concepts: [String]?)] { [("kwords", concepts)] }
}
