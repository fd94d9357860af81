import Yams

/// Values of a configuration file, or of a section of one, declared as ``Key`` and ``Section``
/// properties. A property of another such type holds keys of the same section.
///
/// `Decodable` is there for the synthesised `init(from:)` alone, which ``ConfigurationFile`` runs on the
/// declarations; no other decoder can read one.
public protocol KeyedConfiguration: Decodable, Sendable, Equatable {
    /// The defaults.
    init()

    /// Title of these keys on the page of all keys; nil for those that stand with their owner's.
    static var title: String? { get }

    /// Keys of one value.
    static var fixedKeys: [FixedKey] { get }

    /// Keys of other programs that change nothing here, with dots into sections.
    static var keysWithoutEffect: [String] { get }

    /// Keys that other configurations read and that are passed over here, with dots into sections.
    static var keysOfOthers: Set<String> { get }

    /// Brings values that depend on each other to a form, after they were read.
    ///
    /// - Parameter stated: names of the keys that the section of the file has
    /// - Throws: ``UnexpectedValue``
    mutating func adjust(stated: Set<String>) throws

    /// Checks what depends on several keys.
    ///
    /// - Throws: ``ConfigurationKeyError``
    func validateTogether() throws
}

extension KeyedConfiguration {
    /// They stand with their owner's.
    public static var title: String? { nil }
    /// There are none.
    public static var fixedKeys: [FixedKey] { [] }
    /// There are none.
    public static var keysWithoutEffect: [String] { [] }
    /// There are none.
    public static var keysOfOthers: Set<String> { [] }
    /// Nothing depends on anything.
    public mutating func adjust(stated: Set<String>) throws {}
    /// Nothing depends on anything.
    public func validateTogether() throws {}
}

/// A key that the official code or another program knows and of which one value is done here.
public struct FixedKey: Sendable {
    /// What may stand there beside null.
    public enum Allowed: Sendable {
        case boolean(Bool)
        /// In any case of its letters.
        case text(String)
        /// An empty text, list or section.
        case nothing
    }

    let name: String
    let allowed: Allowed
    let reason: String
    /// Whether the value is written.
    let isWritten: Bool

    /// Declares a key.
    ///
    /// - Parameters:
    ///   - name: as it stands in the file
    ///   - allowed: its one value
    ///   - reason: why there is no other
    ///   - isWritten: whether the value is written
    public init(
        _ name: String, _ allowed: Allowed, because reason: String, isWritten: Bool = false
    ) {
        self.name = name
        self.allowed = allowed
        self.reason = reason
        self.isWritten = isWritten
    }

    var value: String {
        switch allowed {
        case .boolean(let value): value ? "True" : "False"
        case .text(let text): text
        case .nothing: "nothing"
        }
    }

    func accepts(_ node: Node) -> Bool {
        if node.null != nil { return true }
        return switch allowed {
        case .boolean(let value): node.bool == value
        case .text(let text): node.string?.lowercased() == text.lowercased()
        case .nothing: node.mapping?.isEmpty ?? node.sequence?.isEmpty ?? false
        }
    }
}

/// A value that nothing can be made of.
public struct ConfigurationKeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The key of the value in the configuration file, with dots into sections.
    public let key: String
    /// What the value must be.
    public let expected: String
    /// What the value is; nil where it is not at hand.
    public let found: String?

    /// Names a value.
    public init(key: String, expected: String, found: (any Sendable)? = nil) {
        self.key = key
        self.expected = expected
        self.found = found.map { "\($0)" }
    }

    /// Which key, what it must be and what it is.
    public var description: String {
        "configuration key '\(key)' must be \(expected)" + (found.map { ", found \($0)" } ?? "")
    }

    /// The same of a key inside a section.
    func inside(_ section: String) -> ConfigurationKeyError {
        ConfigurationKeyError(key: section + "." + key, expected: expected, found: found)
    }

    /// Makes sure of a condition.
    /// - Throws: ``ConfigurationKeyError``
    public static func require(
        _ condition: Bool, _ key: String, _ expected: @autoclosure () -> String,
        found: (any Sendable)? = nil
    ) throws {
        guard condition else {
            throw ConfigurationKeyError(key: key, expected: expected(), found: found)
        }
    }
}
