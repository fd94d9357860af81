/// A value of a Python pickle: plain data, or a note of what the file wanted built.
public enum PickleValue: Sendable, Equatable {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    /// A list or a tuple.
    case list([PickleValue])
    /// Keys and values in their order; keys may be of any kind.
    case dictionary([PickleEntry])
    /// An object or the result of a call, by the name of its class or function: none was made.
    indirect case built(String, arguments: [PickleValue], state: PickleValue?)

    /// The name under which a reference to data outside of the pickle appears.
    public static let persistentName = "persistent"
}

/// One key of a dictionary with its value.
public struct PickleEntry: Sendable, Equatable {
    /// Mostly a string or a number.
    public let key: PickleValue
    /// What it stands for.
    public let value: PickleValue

    /// Makes an entry.
    public init(key: PickleValue, value: PickleValue) {
        self.key = key
        self.value = value
    }
}

extension PickleValue {
    /// The value of a string key, nil where there is none or this is no dictionary.
    public subscript(_ key: String) -> PickleValue? {
        guard case .dictionary(let entries) = self else { return nil }
        return entries.last {
            if case .string(let name) = $0.key { name.utf8.elementsEqual(key.utf8) } else { false }
        }?.value
    }

    /// The elements of a list or a tuple.
    public var elements: [PickleValue]? { if case .list(let values) = self { values } else { nil } }

    /// A number without fraction.
    public var integer: Int? {
        switch self {
        case .int(let value): value
        case .built: numPyScalar?.integer
        default: nil
        }
    }

    /// A number.
    public var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .built: numPyScalar?.number
        default: nil
        }
    }

    /// A text.
    public var text: String? {
        switch self {
        case .string(let value): value
        case .built: numPyScalar?.text
        default: nil
        }
    }

    /// What a dictionary with string keys holds, in the order of the keys given here.
    public static func dictionary(_ entries: KeyValuePairs<String, PickleValue>) -> PickleValue {
        .dictionary(entries.map { PickleEntry(key: .string($0.key), value: $0.value) })
    }
}

/// Why a pickle was refused.
public struct PickleError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, and at which byte.
    public let reason: String
    /// Byte of the file where it was found.
    public let offset: Int

    /// What in the pickle cannot be read.
    public var description: String {
        "the pickle is refused at byte \(offset): \(reason). Only plain data (numbers, texts, lists, "
            + "dictionaries) is read, since running a stranger's file is never safe; convert it to "
            + "JSON if you trust it."
    }
}
