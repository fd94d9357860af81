import Yams

/// Reads the values of a section by their declarations.
struct ConfigurationReader {
    let file: String
    /// Names of the sections that this one lies in.
    let path: [String]
    let section: Node

    /// - Throws: ``ConfigurationError``
    func read<Values: KeyedConfiguration>(_ defaults: Values) throws -> Values {
        guard let mapping = section.mapping else {
            throw wrongValue(path, "expected a section of keys with values", section)
        }
        for key in Values.fixedKeys {
            guard let node = section[key.name], !key.accepts(node) else { continue }
            throw wrongValue(path + [key.name], "expected \(key.value) (\(key.reason))", node)
        }
        var values = try Values(from: KeyDecoder(reader: self, defaults: defaults))
        do {
            try values.adjust(stated: Set(mapping.keys.compactMap(\.string)))
        } catch let error as UnexpectedValue {
            let key = error.key ?? ""
            throw wrongValue(path + [key], error.expected, section[key])
        }
        return values
    }

    /// The part of a configuration that a property declares.
    func read(_ part: Any) throws -> Any {
        switch part {
        case let key as any AnyKey:
            let node = section[key.name]
            do {
                return try key.reading(node)
            } catch let error as UnexpectedValue {
                throw wrongValue(path + [key.name], error.expected, node)
            } catch let error as DecodingError {
                throw ConfigurationError(error, in: node, path: path + [key.name], file: file)
            }
        case let inner as any AnySection:
            let stated = section[inner.name].flatMap { $0.null == nil ? $0 : nil }
            let reader = ConfigurationReader(
                file: file, path: path + [inner.name],
                section: stated ?? Node([(Node, Node)]()))
            return inner.replacing(try reader.read(inner.values) as any KeyedConfiguration)
        case let group as any KeyedConfiguration: return try read(group) as any KeyedConfiguration
        default: return part
        }
    }

    private func wrongValue(_ path: [String], _ expected: String, _ node: Node?)
        -> ConfigurationError
    {
        .wrongValue(
            file: file, key: path.joined(separator: "."), expected: expected,
            found: ConfigurationError.words(node))
    }
}

/// Gives a synthesised `init(from:)` each property as its declaration and the file have it.
private struct KeyDecoder: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private let reader: ConfigurationReader
    private let parts: [String: Any]

    init(reader: ConfigurationReader, defaults: some KeyedConfiguration) {
        self.reader = reader
        parts = Dictionary(defaults.parts.map { ($0.property, $0.part) }) { first, _ in first }
    }

    func container<K: CodingKey>(keyedBy type: K.Type) -> KeyedDecodingContainer<K> {
        KeyedDecodingContainer(Container<K>(reader: reader, parts: parts))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Self.unsupported }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        throw Self.unsupported
    }

    private static var unsupported: DecodingError {
        .dataCorrupted(
            .init(codingPath: [], debugDescription: "a configuration consists of keys"))
    }

    private struct Container<K: CodingKey>: KeyedDecodingContainerProtocol {
        let codingPath: [any CodingKey] = []
        let allKeys: [K] = []
        let reader: ConfigurationReader
        let parts: [String: Any]

        func contains(_ key: K) -> Bool { parts[key.stringValue] != nil }

        func decodeNil(forKey key: K) -> Bool { false }

        func decode<T: Decodable>(_ type: T.Type, forKey key: K) throws -> T {
            guard let part = parts[key.stringValue], let value = try reader.read(part) as? T else {
                preconditionFailure("'\(key.stringValue)' is no key, section or group of keys")
            }
            return value
        }

        func nestedContainer<N: CodingKey>(keyedBy type: N.Type, forKey key: K) throws
            -> KeyedDecodingContainer<N>
        { throw KeyDecoder.unsupported }

        func nestedUnkeyedContainer(forKey key: K) throws -> any UnkeyedDecodingContainer {
            throw KeyDecoder.unsupported
        }

        func superDecoder() throws -> any Decoder { throw KeyDecoder.unsupported }

        func superDecoder(forKey key: K) throws -> any Decoder { throw KeyDecoder.unsupported }
    }
}
