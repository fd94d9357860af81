/// An image with its captions and concepts, for pretraining.
public struct PretrainingRecord: AnnotationRecord {
    /// Path as it stands in the annotation file.
    public let image: String
    /// One caption or several, of which training draws one.
    public let captions: [String]
    /// Visual concepts, best first; nil where the file has none.
    public let concepts: [String]?

    /// Makes a record.
    public init(image: String, captions: [String], concepts: [String]?) {
        self.image = image
        self.captions = captions
        self.concepts = concepts
    }

    enum CodingKeys: String, CodingKey {
        case image
        case captions = "caption"
        case concepts = "kwords"
    }

    /// Reads `caption` as a text or a list.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        image = try container.decode(String.self, forKey: .image)
        captions = try container.decode(TextOrList.self, forKey: .captions).values
        concepts = try container.decodeIfPresent([String].self, forKey: .concepts)
    }

    /// Writes `caption` as a list.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(image, forKey: .image)
        try container.encode(captions, forKey: .captions)
        try container.encodeIfPresent(concepts, forKey: .concepts)
    }

    /// An empty path, or no caption with a word in it.
    public var problem: FieldProblem? {
        FieldProblem.noText([image], "image", "a path")
            ?? FieldProblem.noText(captions, "caption", "a text or a list with a text")
    }

    /// `kwords`.
    public var conceptLists: [(field: String, concepts: [String]?)] { [("kwords", concepts)] }
}

/// An image with its captions, for retrieval: one caption and an image id in training, any number
/// of captions in evaluation.
public struct RetrievalRecord: AnnotationRecord {
    /// Path from the image root.
    public let image: String
    /// One in training.
    public let captions: [String]
    /// What captions of one image share; evaluation needs none.
    public let imageID: String?
    /// Visual concepts, best first; nil where the file has none.
    public let concepts: [String]?

    /// Makes a record.
    public init(image: String, captions: [String], imageID: String?, concepts: [String]?) {
        self.image = image
        self.captions = captions
        self.imageID = imageID
        self.concepts = concepts
    }

    enum CodingKeys: String, CodingKey {
        case image
        case captions = "caption"
        case imageID = "image_id"
        case concepts = "kwords"
    }

    /// Reads `caption` as a text or a list, `image_id` as a text or a number.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        image = try container.decode(String.self, forKey: .image)
        captions = try container.decode(TextOrList.self, forKey: .captions).values
        imageID = try container.decodeIfPresent(TextOrNumber.self, forKey: .imageID)?.text
        concepts = try container.decodeIfPresent([String].self, forKey: .concepts)
    }

    /// Writes one caption as a text, several as a list.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(image, forKey: .image)
        try container.encode(
            TextOrList(captions, isList: captions.count != 1), forKey: .captions)
        try container.encodeIfPresent(imageID, forKey: .imageID)
        try container.encodeIfPresent(concepts, forKey: .concepts)
    }

    /// An empty path, or no caption with a word in it.
    public var problem: FieldProblem? {
        FieldProblem.noText([image], "image", "a path")
            ?? FieldProblem.noText(captions, "caption", "a text or a list with a text")
    }

    /// `kwords`.
    public var conceptLists: [(field: String, concepts: [String]?)] { [("kwords", concepts)] }
}
