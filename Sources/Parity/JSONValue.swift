import Foundation

/// JSON of any form; what is not there is empty.
enum JSONValue: Codable {
    case text(String)
    case number(Double)
    case boolean(Bool)
    case list([JSONValue])
    case object([String: JSONValue])
    case null

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let boolean = try? value.decode(Bool.self) {
            self = .boolean(boolean)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let list = try? value.decode([JSONValue].self) {
            self = .list(list)
        } else if let object = try? value.decode([String: JSONValue].self) {
            self = .object(object)
        } else {
            self = .null
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .text(let text): try value.encode(text)
        case .number(let number):
            // Record types read whole numbers as such.
            if let integer = Int(exactly: number) {
                try value.encode(integer)
            } else {
                try value.encode(number)
            }
        case .boolean(let boolean): try value.encode(boolean)
        case .list(let list): try value.encode(list)
        case .object(let object): try value.encode(object)
        case .null: try value.encodeNil()
        }
    }

    /// The value of a type that has this form.
    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(self))
    }

    var text: String { if case .text(let text) = self { text } else { "" } }
    var integer: Int? { if case .number(let number) = self { Int(number) } else { nil } }
    var list: [JSONValue] { if case .list(let list) = self { list } else { [] } }

    /// A text, or the texts of a list.
    var texts: [String] { if case .list(let list) = self { list.map(\.text) } else { [text] } }

    subscript(index: Int) -> JSONValue { index < list.count ? list[index] : .null }

    subscript(key: String) -> JSONValue {
        if case .object(let object) = self { object[key] ?? .null } else { .null }
    }
}
