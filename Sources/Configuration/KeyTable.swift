import Yams

/// A key without its type.
protocol AnyKey {
    var name: String { get }
    var documentation: String { get }
    var defaultText: String { get }
    /// As in "must be …"; nil for anything of the key's type.
    var expected: String? { get }
    var use: KeyUse { get }
    var node: Node? { get }
    var isWritten: Bool { get }

    /// - Throws: ``ConfigurationKeyError`` for a value that must not be
    func validate() throws

    /// The same key with the value of a file.
    func reading(_ node: Node?) throws -> Self
}

extension Key: AnyKey {
    var documentation: String { declaration.documentation }
    var expected: String? { declaration.check?.expected }
    var use: KeyUse { declaration.use }
    var node: Node? { wrappedValue.node }
    var isWritten: Bool { declaration.isWritten }

    /// Checks the value; of a key that is checked where it is used, there.
    /// - Throws: ``ConfigurationKeyError``
    public func validate() throws {
        guard let check = declaration.check, !check.accepts(wrappedValue) else { return }
        throw ConfigurationKeyError(
            key: name, expected: check.expected, found: text.flatMap { $0.isEmpty ? nil : $0 })
    }

    var defaultText: String {
        if let text = declaration.defaultText { return text }
        return declaration.isRequired ? "must be stated" : text ?? "none"
    }

    /// The value as a file has it, but numbers as people write them; nil where it is left out.
    private var text: String? {
        func words(_ node: Node) -> String {
            if let list = node.sequence {
                return "[" + list.map(words).joined(separator: ", ") + "]"
            }
            if let isOn = node.bool { return isOn ? "True" : "False" }
            let text = node.string ?? ""
            return Int(text) == nil ? Double(text).map { Check<Double>.words($0) } ?? text : text
        }
        return node.map(words)
    }

    func reading(_ node: Node?) throws -> Key {
        guard let node, node.null == nil else {
            if declaration.isRequired { throw UnexpectedValue("expected a value") }
            return self
        }
        var result = self
        result.wrappedValue = try Value.read(node)
        return result
    }
}

/// A section without its type.
protocol AnySection {
    var name: String { get }
    var mayBeFile: Bool { get }
    var values: any KeyedConfiguration { get }

    func replacing(_ values: any KeyedConfiguration) -> Self
}

extension Section: AnySection {
    var values: any KeyedConfiguration { wrappedValue }

    func replacing(_ values: any KeyedConfiguration) -> Section {
        var result = self
        if let values = values as? Value { result.wrappedValue = values }
        return result
    }
}

extension KeyedConfiguration {
    /// The keys, sections and groups of keys, by the names of their properties.
    var parts: [(property: String, part: Any)] {
        Mirror(reflecting: self).children.map { label, value in
            let label = label ?? ""
            return (label.hasPrefix("_") ? String(label.dropFirst()) : label, value)
        }
    }

    /// Checks all values, each by itself and then with others.
    /// - Throws: ``ConfigurationKeyError`` naming the first that nothing can be made of
    public func validate() throws {
        for (_, part) in parts {
            switch part {
            case let key as any AnyKey where key.use == .always: try key.validate()
            case let section as any AnySection:
                do {
                    try section.values.validate()
                } catch let error as ConfigurationKeyError {
                    throw error.inside(section.name)
                }
            case let group as any KeyedConfiguration: try group.validate()
            default: break
            }
        }
        try validateTogether()
    }
}

/// One row of the table of all keys.
public struct KeyDescription: Sendable, Equatable {
    /// Title of the part that the key stands in.
    public let title: String
    /// With dots into sections.
    public let name: String
    /// The default as a file would have it.
    public let defaultText: String
    /// As in "must be …"; nil for anything of the key's type.
    public let expected: String?
    /// One line.
    public let documentation: String
}

extension KeyedConfiguration {
    /// All keys with what is known of them.
    public static var keyDescriptions: [KeyDescription] { Self().descriptions("", title: "") }

    private func descriptions(_ prefix: String, title: String) -> [KeyDescription] {
        let title = Self.title ?? title
        let own = parts.flatMap { _, part -> [KeyDescription] in
            switch part {
            case let key as any AnyKey:
                [
                    KeyDescription(
                        title: title, name: prefix + key.name, defaultText: key.defaultText,
                        expected: key.expected, documentation: key.documentation)
                ]
            case let section as any AnySection:
                section.values.descriptions(prefix + section.name + ".", title: title)
            case let group as any KeyedConfiguration: group.descriptions(prefix, title: title)
            default: []
            }
        }
        return own
            + Self.fixedKeys.map {
                KeyDescription(
                    title: title, name: prefix + $0.name, defaultText: $0.value,
                    expected: $0.value, documentation: $0.reason)
            }
    }

    /// Names of all keys of each section; those of the file itself stand under the empty name.
    public static var knownKeys: [(section: String, keys: [String])] { Self().known("") }

    private func known(_ section: String) -> [(section: String, keys: [String])] {
        var own = Self.fixedKeys.map(\.name)
        var others: [(section: String, keys: [String])] = []
        for (_, part) in parts {
            switch part {
            case let key as any AnyKey: own.append(key.name)
            case let inner as any AnySection:
                own.append(inner.name)
                others += inner.values.known(inner.name)
            case let group as any KeyedConfiguration:
                for (inner, keys) in group.known(section) {
                    if inner == section { own += keys } else { others.append((inner, keys)) }
                }
            default: break
            }
        }
        return [(section, own)] + others
    }

    /// Names of keys that mean something to other programs, with dots into sections.
    static var foreignKeys: Set<String> { Self().foreign("") }

    private func foreign(_ prefix: String) -> Set<String> {
        var names = Set(Self.keysWithoutEffect.map { prefix + $0 })
        for (_, part) in parts {
            switch part {
            case let section as any AnySection:
                names.formUnion(section.values.foreign(section.name + "."))
            case let group as any KeyedConfiguration: names.formUnion(group.foreign(prefix))
            default: break
            }
        }
        return names
    }

    /// The section that may be a file.
    static var fileSection: String? {
        func find(_ values: any KeyedConfiguration) -> String? {
            for (_, part) in values.parts {
                if let section = part as? any AnySection, section.mayBeFile { return section.name }
                if let group = part as? any KeyedConfiguration, let name = find(group) {
                    return name
                }
            }
            return nil
        }
        return find(Self())
    }

    /// Every value under its key.
    var mapping: [(Node, Node)] {
        var pairs: [(Node, Node)] = Self.fixedKeys.filter(\.isWritten).map {
            (Node($0.name), Node($0.value))
        }
        for (_, part) in parts {
            switch part {
            case let key as any AnyKey:
                if key.isWritten, let node = key.node { pairs.append((Node(key.name), node)) }
            case let section as any AnySection:
                pairs.append((Node(section.name), Node(section.values.mapping)))
            case let group as any KeyedConfiguration: pairs += group.mapping
            default: break
            }
        }
        return pairs
    }
}
