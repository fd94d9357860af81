import Yams

/// One key of a configuration file, declared where its value is: name, what it may be, what it is for,
/// and in the place of the value the default.
///
/// ```swift
/// @Key("k_test", 1...1_000_000, "candidates that the matching head ranks anew")
/// public var candidates = 128
/// ```
///
/// Reading, writing, the list of known keys, warnings, messages and the page of all keys come from this
/// declaration alone. The projected value (`$candidates`) is the key itself.
@propertyWrapper
public struct Key<Value: KeyValue>: Sendable {
    /// What does not change with the value; shared by all copies.
    final class Declaration: Sendable {
        let name: String
        let documentation: String
        let check: Check<Value>?
        let use: KeyUse
        let isRequired: Bool
        let isWritten: Bool
        let defaultText: String?

        init(
            _ name: String, _ documentation: String, _ check: Check<Value>?, _ use: KeyUse,
            isRequired: Bool, isWritten: Bool, defaultText: String?
        ) {
            self.name = name
            self.documentation = documentation
            self.check = check
            self.use = use
            self.isRequired = isRequired
            self.isWritten = isWritten
            self.defaultText = defaultText
        }
    }

    /// The value.
    public var wrappedValue: Value
    let declaration: Declaration

    /// The key itself.
    public var projectedValue: Key { self }

    /// Declares a key.
    ///
    /// - Parameters:
    ///   - wrappedValue: the default
    ///   - name: as it stands in the file
    ///   - check: what the value may be; nil for anything of its type
    ///   - use: when that is looked at
    ///   - isRequired: whether a file must state it
    ///   - isWritten: whether it stands in the text of a configuration
    ///   - defaultText: the default in words, where it depends on other keys
    ///   - documentation: one line, as it stands in the table of keys
    public init(
        wrappedValue: Value, _ name: String, _ check: Check<Value>?,
        when use: KeyUse = .always, isRequired: Bool = false, isWritten: Bool = true,
        defaultText: String? = nil, _ documentation: String
    ) {
        self.wrappedValue = wrappedValue
        declaration = Declaration(
            name, documentation, check, use, isRequired: isRequired, isWritten: isWritten,
            defaultText: defaultText)
    }

    /// Declares a key with any value of its type.
    public init(
        wrappedValue: Value, _ name: String, isRequired: Bool = false, isWritten: Bool = true,
        defaultText: String? = nil, _ documentation: String
    ) {
        self.init(
            wrappedValue: wrappedValue, name, nil, isRequired: isRequired, isWritten: isWritten,
            defaultText: defaultText, documentation)
    }

    /// Declares a key with values of a range.
    public init(
        wrappedValue: Value, _ name: String, _ range: ClosedRange<Value>,
        when use: KeyUse = .always, isRequired: Bool = false, _ documentation: String
    ) where Value: Comparable {
        self.init(
            wrappedValue: wrappedValue, name, .in(range), when: use, isRequired: isRequired,
            documentation)
    }

    /// Declares a key that may be left out, with values of a range.
    public init<Wrapped>(
        wrappedValue: Value, _ name: String, _ range: ClosedRange<Wrapped>,
        when use: KeyUse = .always, defaultText: String? = nil, _ documentation: String
    ) where Value == Wrapped? {
        let check = Check<Wrapped>.in(range)
        self.init(
            wrappedValue: wrappedValue, name,
            Check(check.expected + ", or left out") { $0.map(check.accepts) ?? true }, when: use,
            defaultText: defaultText, documentation)
    }

    /// Name of the key in its section.
    public var name: String { declaration.name }
}

extension Key: Equatable {
    /// Compares the values.
    public static func == (a: Key, b: Key) -> Bool { a.wrappedValue == b.wrappedValue }
}

extension Key: Decodable {
    /// Never called: ``KeyedConfiguration`` reads keys by their declarations. Its synthesised
    /// `init(from:)` asks for the conformance.
    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            .init(
                codingPath: decoder.codingPath,
                debugDescription: "a key is read as a part of its configuration"))
    }
}

/// When a value is checked.
public enum KeyUse: Sendable {
    /// With its configuration.
    case always
    /// Where its owner says that it counts; elsewhere it may be anything.
    case whereUsed
}

/// What a value may be.
public struct Check<Value>: Sendable {
    /// As in "must be …".
    public let expected: String
    let accepts: @Sendable (Value) -> Bool

    /// Describes values.
    public init(_ expected: String, _ accepts: @escaping @Sendable (Value) -> Bool) {
        self.expected = expected
        self.accepts = accepts
    }
}

extension Check where Value: Comparable & Sendable {
    /// Values of a range.
    public static func `in`(_ range: ClosedRange<Value>) -> Check {
        let kind = Value.self is any BinaryInteger.Type ? "a whole number" : "a number"
        let (least, most) = (words(range.lowerBound), words(range.upperBound))
        return Check("\(kind) between \(least) and \(most)") { range.contains($0) }
    }

    /// A number without needless zeros.
    static func words(_ number: Value) -> String {
        let text = "\(number)".replacing("e-0", with: "e-")
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension Check<Double> {
    /// Values from 0 on and below 1, of which all cannot be dropped.
    public static let belowOne = Check("a number from 0 on and below 1") { 0 <= $0 && $0 < 1 }

    /// Values above 0.
    public static func positive(upTo most: Double) -> Check {
        Check("greater than 0 and at most \(Int(most))") { 0 < $0 && $0 <= most }
    }

    /// Numbers of either sign.
    public static func magnitude(upTo most: Double) -> Check {
        Check("a number of at most \(Int(most))") { $0.magnitude <= most }
    }
}

extension Check<String> {
    /// A file, which must have a name.
    public static let fileName = Check("the name of a file") { !$0.isEmpty }
}

extension Check<String?> {
    /// A file, which must have a name where it is named.
    public static let file = Check("the name of a file, or left out") { $0 != "" }
}

extension Check<[String]> {
    /// Files, each of which must have a name.
    public static let files = Check("the name of a file, or left out") { !$0.contains("") }
    /// At least one file.
    public static let someFiles = Check("a list of annotation files") {
        !$0.isEmpty && !$0.contains("")
    }
}

/// A section of a configuration file: keys with values of their own.
@propertyWrapper
public struct Section<Value: KeyedConfiguration>: Sendable, Equatable {
    /// The values of the section.
    public var wrappedValue: Value
    let name: String
    /// Whether the name of a file may stand in the place of the section.
    let mayBeFile: Bool

    /// Declares a section.
    ///
    /// - Parameters:
    ///   - wrappedValue: the defaults
    ///   - name: as it stands in the file
    ///   - mayBeFile: whether the name of a JSON file may stand in its place
    public init(wrappedValue: Value, _ name: String, mayBeFile: Bool = false) {
        self.wrappedValue = wrappedValue
        self.name = name
        self.mayBeFile = mayBeFile
    }
}

extension Section: Decodable {
    /// Never called, as ``Key/init(from:)``.
    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            .init(
                codingPath: decoder.codingPath,
                debugDescription: "a section is read as a part of its configuration"))
    }
}
