import Files
import Yams

/// Why a configuration file cannot be used.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    case malformed(file: String, reason: String)
    case wrongValue(file: String, key: String, expected: String, found: String)
    case missingFile(file: String, key: String, value: String, searched: [String])
    case invalidOverride(String)

    /// Which file and key, what stands there and what should.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "cannot read the configuration '\(file)': \(reason)"
        case .malformed(let file, let reason): "'\(file)' is no valid YAML: \(reason)"
        case .wrongValue(let file, let key, let expected, let found):
            "'\(file)', key '\(key.excerpt())': \(expected.excerpt(400)), found \(found)"
        case .missingFile(let file, let key, let value, let searched):
            "'\(file)', key '\(key)': there is no file '\(value.excerpt())'; looked at "
                + searched.map { $0.excerpt() }.joined(separator: ", ")
        case .invalidOverride(let text):
            "'\(text)' is no setting of the form key=value, such as batch_size=8 or optimizer.lr=1e-5"
        }
    }
}

extension ConfigurationError {
    /// What is wrong with the value of a key, in the words of the file instead of those of its decoder.
    init(_ error: DecodingError, in node: Node?, path: [String], file: String) {
        let (inner, expected): ([any CodingKey], String) =
            switch error {
            case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
                (context.codingPath, "expected " + Self.words(type))
            case .keyNotFound(let key, let context):
                (context.codingPath + [key], "expected a value")
            case .dataCorrupted(let context): (context.codingPath, context.debugDescription)
            @unknown default: ([], "expected other values")
            }
        let found = inner.reduce(node) { node, key in
            key.intValue.map { node?.sequence?[$0] } ?? node?[key.stringValue]
        }
        self = .wrongValue(
            file: file,
            key: (path + inner.map { $0.intValue.map(String.init) ?? $0.stringValue })
                .joined(separator: "."), expected: expected, found: Self.words(found))
    }

    private static func words(_ type: any Any.Type) -> String {
        switch type {
        case is Bool.Type: "True or False"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is String.Type: "a text"
        case is Node.Scalar.Type: "a single value"
        case is Node.Mapping.Type: "a section of keys with values"
        default: "a list"
        }
    }

    static func words(_ node: Node?) -> String {
        switch node {
        case .scalar(let scalar)?:
            scalar.string.isEmpty ? "nothing" : "'\(scalar.string.excerpt())'"
        case .sequence(let list)?: list.isEmpty ? "an empty list" : "a list"
        case .mapping?: "a section of keys"
        case .alias?: "an alias"
        case nil: "nothing"
        }
    }
}
