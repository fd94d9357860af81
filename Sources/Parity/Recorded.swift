import Configuration
import Foundation

/// Values of a case that are read as those of a configuration file.
@propertyWrapper
struct Recorded<Values: KeyedConfiguration>: Decodable {
    let wrappedValue: Values

    init(from decoder: any Decoder) throws {
        try self.init(JSONValue(from: decoder))
    }

    init(_ value: JSONValue) throws {
        wrappedValue = try ConfigurationFile.read(
            Values.self, text: String(decoding: JSONEncoder().encode(value), as: UTF8.self),
            file: "case.json")
    }
}
