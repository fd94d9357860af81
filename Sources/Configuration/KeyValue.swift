import Yams

/// What a key can hold.
public protocol KeyValue: Sendable, Equatable {
    /// Reads a value, which is not null.
    /// - Throws: ``UnexpectedValue``, `DecodingError`
    static func read(_ node: Node) throws -> Self

    /// The value as it is written; nil to leave the key out.
    var node: Node? { get }
}

/// A value that is none of those that are expected.
public struct UnexpectedValue: Error {
    let key: String?
    let expected: String

    /// Says what is expected instead, as in "expected …".
    ///
    /// - Parameters:
    ///   - key: of the section at hand; nil for the key that is being read
    ///   - expected: what should stand there
    public init(key: String? = nil, _ expected: String) {
        self.key = key
        self.expected = expected
    }
}

extension KeyValue where Self: Decodable & ScalarRepresentable {
    /// Reads a scalar.
    public static func read(_ node: Node) throws -> Self {
        try YAMLDecoder().decode(Self.self, from: node)
    }

    /// The scalar.
    public var node: Node? { .scalar(represented()) }
}

extension Bool: KeyValue {}
extension Int: KeyValue {}
extension Double: KeyValue {}
extension String: KeyValue {}

extension Optional: KeyValue where Wrapped: KeyValue {
    /// Reads a value.
    public static func read(_ node: Node) throws -> Wrapped? { try Wrapped.read(node) }

    /// The value, where there is one.
    public var node: Node? { flatMap(\.node) }
}

extension Array: KeyValue where Element: KeyValue & Decodable {
    /// Reads a list. One text stands for a list of it: the official files write the names of files as a
    /// list or, where there is one, as a text.
    public static func read(_ node: Node) throws -> [Element] {
        if Element.self is String.Type, node.scalar != nil { return [try Element.read(node)] }
        return try YAMLDecoder().decode([Element].self, from: node)
    }

    /// The list.
    public var node: Node? { Node(compactMap(\.node)) }
}

extension KeyValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    /// Reads the name of a choice.
    public static func read(_ node: Node) throws -> Self {
        let name = try YAMLDecoder().decode(String.self, from: node)
        guard let choice = Self(rawValue: name) else {
            throw UnexpectedValue(
                "expected one of " + allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// The name.
    public var node: Node? { rawValue.node }
}
