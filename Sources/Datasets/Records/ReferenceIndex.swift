import Files
import Foundation

/// The references of RefCOCO, RefCOCO+ or RefCOCOg with the boxes they mean: `refs(unc).p`,
/// `refs(umd).p`, `refs(google).p` or `refs.json` beside `instances.json`.
public struct ReferenceIndex: Sendable, Equatable {
    /// A reference.
    public struct Reference: Codable, Sendable, Equatable {
        /// Names it.
        public let referenceID: Int
        /// The annotation in `instances.json` that is meant.
        public let annotationID: Int
        /// The image it is in.
        public let imageID: Int
        /// The kind of object.
        public let categoryID: Int
        /// train, val, testA or testB; RefCOCOg has test.
        public let split: String
        /// The phrases.
        public let sentences: [Sentence]

        enum CodingKeys: String, CodingKey {
            case referenceID = "ref_id"
            case annotationID = "ann_id"
            case imageID = "image_id"
            case categoryID = "category_id"
            case split, sentences
        }

        /// Makes a reference.
        public init(
            referenceID: Int, annotationID: Int, imageID: Int, categoryID: Int, split: String,
            sentences: [Sentence]
        ) {
            self.referenceID = referenceID
            self.annotationID = annotationID
            self.imageID = imageID
            self.categoryID = categoryID
            self.split = split
            self.sentences = sentences
        }
    }

    /// A phrase of a reference.
    public struct Sentence: Codable, Sendable, Equatable {
        /// Names it.
        public let sentenceID: Int
        /// The phrase, cleaned.
        public let text: String

        enum CodingKeys: String, CodingKey {
            case sentenceID = "sent_id"
            case text = "sent"
        }

        /// Makes a phrase.
        public init(sentenceID: Int, text: String) {
            self.sentenceID = sentenceID
            self.text = text
        }
    }

    /// What `instances.json` holds, as far as it is needed.
    public struct Instances: Codable, Sendable, Equatable {
        /// An image.
        public struct Image: Codable, Sendable, Equatable {
            /// Names it.
            public let id: Int
            /// Columns. pixels
            public let width: Int
            /// Rows. pixels
            public let height: Int
            /// Path from the image root.
            public let fileName: String

            enum CodingKeys: String, CodingKey {
                case id, width, height
                case fileName = "file_name"
            }

            /// Makes an image.
            public init(id: Int, width: Int, height: Int, fileName: String) {
                self.id = id
                self.width = width
                self.height = height
                self.fileName = fileName
            }
        }

        /// An object of an image.
        public struct Annotation: Codable, Sendable, Equatable {
            /// Names it.
            public let id: Int
            /// The image it is in.
            public let imageID: Int
            /// The kind of object.
            public let categoryID: Int
            /// Where it is.
            public let box: Box

            enum CodingKeys: String, CodingKey {
                case id
                case imageID = "image_id"
                case categoryID = "category_id"
                case box = "bbox"
            }

            /// Makes an annotation.
            public init(id: Int, imageID: Int, categoryID: Int, box: Box) {
                self.id = id
                self.imageID = imageID
                self.categoryID = categoryID
                self.box = box
            }
        }

        /// A kind of object.
        public struct Category: Codable, Sendable, Equatable {
            /// Names it.
            public let id: Int
            /// Its noun.
            public let name: String

            /// Makes a kind.
            public init(id: Int, name: String) {
                self.id = id
                self.name = name
            }
        }

        /// All images.
        public let images: [Image]
        /// All objects.
        public let annotations: [Annotation]
        /// All kinds of objects.
        public let categories: [Category]

        /// Makes the contents of the file.
        public init(images: [Image], annotations: [Annotation], categories: [Category]) {
            self.images = images
            self.annotations = annotations
            self.categories = categories
        }

        /// The longest side and the most pixels of an image: heat maps are drawn as large as it is said
        /// to be.
        private static let (longestSide, mostPixels) = (65_535, 1 << 28)

        fileprivate func checkSizes(_ file: String) throws {
            for (index, image) in images.enumerated() {
                for (field, side) in [("width", image.width), ("height", image.height)]
                where !(1...Self.longestSide).contains(side) {
                    throw AnnotationError.invalidRecord(
                        file: file, record: index, field: "images.\(field)",
                        expected: "between 1 and \(Self.longestSide) pixels, not \(side)")
                }
                guard image.width * image.height <= Self.mostPixels else {
                    throw AnnotationError.invalidRecord(
                        file: file, record: index, field: "images.height",
                        expected: "so that the image has at most \(Self.mostPixels) pixels, not "
                            + "\(image.width) times \(image.height)")
                }
            }
        }
    }

    /// All references, by `ref_id`.
    public let references: [Int: Reference]
    /// Size and path of each image, by its id.
    public let images: [Int: Instances.Image]
    /// The box of each reference, by `ref_id`.
    public let boxes: [Int: Box]

    /// The files of references in the order in which they are looked for: the splits that results
    /// are mostly reported on come first.
    static let files = ["refs(unc).p", "refs(umd).p", "refs(google).p", "refs.json"]

    /// Reads references and instances.
    ///
    /// - Parameter directory: holds `instances.json` and one of `files`, of which the first is read
    /// - Throws: ``AnnotationError``
    public init(directory: String) throws {
        let instancesFile = directory + "/instances.json"
        let instances = try AnnotationFile.load(Instances.self, file: instancesFile)
        try instances.checkSizes(instancesFile)
        let candidates = Self.files.map { directory + "/" + $0 }
        guard let file = candidates.first(where: FileManager.default.fileExists) else {
            throw AnnotationError.unreadable(
                file: candidates[0],
                reason: "there is none of \(Self.files.joined(separator: ", "))")
        }
        let list =
            file.hasSuffix(".json")
            ? try AnnotationFile.load([Reference].self, file: file)
            : try Self.references(pickle: file)
        let annotations = try Self.byID(
            instances.annotations, \.id, "id", file: instancesFile, list: "annotations")
        images = try Self.byID(instances.images, \.id, "id", file: instancesFile, list: "images")
        references = try Self.byID(list, \.referenceID, "ref_id", file: file)
        var boxes: [Int: Box] = [:]
        for (index, reference) in list.enumerated() {
            guard let annotation = annotations[reference.annotationID] else {
                throw AnnotationError.invalidRecord(
                    file: file, record: index, field: "ann_id",
                    expected: "the id of an annotation in '\(directory)/instances.json'")
            }
            guard images[reference.imageID] != nil else {
                throw AnnotationError.invalidRecord(
                    file: file, record: index, field: "image_id",
                    expected: "the id of an image in '\(directory)/instances.json'")
            }
            boxes[reference.referenceID] = annotation.box
        }
        self.boxes = boxes
    }

    /// - Throws: ``AnnotationError`` with an id that two have
    private static func byID<Item>(
        _ items: [Item], _ id: KeyPath<Item, Int>, _ field: String, file: String,
        list: String? = nil
    ) throws -> [Int: Item] {
        var result: [Int: Item] = [:]
        for (index, item) in items.enumerated() {
            guard result.updateValue(item, forKey: item[keyPath: id]) == nil else {
                throw AnnotationError.malformed(
                    file: file,
                    reason: "record \(index) (counted from 0)" + (list.map { " of '\($0)'" } ?? "")
                        + " has the '\(field)' \(item[keyPath: id]) of a record before")
            }
        }
        return result
    }

    private static func references(pickle: String) throws -> [Reference] {
        let value: PickleValue
        do {
            value = try PickleReader.value(
                of: AnnotationFile.contents(of: pickle), allowing: PickleValue.isOfNumPy)
        } catch let error as PickleError {
            throw AnnotationError.malformed(file: pickle, reason: error.description)
        }
        guard let items = value.elements else {
            throw AnnotationError.malformed(file: pickle, reason: "a list is expected")
        }
        return try items.enumerated().map { index, item in
            func require<Value>(_ value: Value?, _ field: String, _ expected: String) throws
                -> Value
            {
                guard let value else {
                    throw AnnotationError.invalidRecord(
                        file: pickle, record: index, field: field, expected: expected)
                }
                return value
            }
            func integer(_ field: String) throws -> Int {
                try require(item[field]?.integer, field, "a whole number")
            }
            return Reference(
                referenceID: try integer("ref_id"), annotationID: try integer("ann_id"),
                imageID: try integer("image_id"), categoryID: try integer("category_id"),
                split: try require(item["split"]?.text, "split", "the name of a split"),
                sentences: try require(item["sentences"]?.elements, "sentences", "a list").map {
                    Sentence(
                        sentenceID: try require(
                            $0["sent_id"]?.integer, "sent_id", "a whole number"),
                        text: try require($0["sent"]?.text, "sent", "a text"))
                })
        }
    }
}

/// The boxes that a detector proposes in each image, by the image's id.
public enum DetectionFile {
    /// Reads a file as the official evaluation does: `{"image id": [[x, y, width, height, …], …]}`.
    /// - Throws: ``AnnotationError``, also for a key that is no image id or names the image of another
    public static func load(_ file: String) throws -> [Int: [Box]] {
        let raw = try AnnotationFile.load([String: [Box]].self, file: file)
        var boxes: [Int: [Box]] = [:]
        for (key, list) in raw.sorted(by: { $0.key < $1.key }) {
            guard let id = Int(key) else {
                throw AnnotationError.malformed(
                    file: file,
                    reason: "'\(key.excerpt())' is no image id; whole numbers are expected")
            }
            guard boxes.updateValue(list, forKey: id) == nil else {
                let other = raw.keys.sorted().first { Int($0) == id && $0 != key } ?? key
                throw AnnotationError.malformed(
                    file: file,
                    reason: "'\(other.excerpt())' and '\(key.excerpt())' are the same image id")
            }
        }
        return boxes
    }
}
