import Files
import Foundation
import Yams

/// Reading of configuration files: the official ones unchanged, and this project's.
public enum ConfigurationFile {
    /// A configuration and what is worth a warning in its file.
    public struct Loaded<Configuration: KeyedConfiguration>: Sendable {
        /// The values.
        public let configuration: Configuration
        /// Keys that mean nothing here, with the nearest that does.
        public let warnings: [String]
    }

    /// Reads a YAML file.
    ///
    /// `bert_config` may name a JSON file, looked for beside the YAML file, in the directory above
    /// it and in the current one, or hold the sizes themselves.
    ///
    /// - Parameters:
    ///   - type: what the file configures
    ///   - path: the file
    ///   - overrides: settings of the form `key=value`, with dots into sections
    /// - Throws: ``ConfigurationError``
    public static func load<Configuration: KeyedConfiguration>(
        _ type: Configuration.Type, _ path: String, overrides: [String] = []
    ) throws -> Loaded<Configuration> {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            throw ConfigurationError.unreadable(
                file: path,
                reason: exists ? (error as NSError).localizedDescription : "there is no such file")
        }
        var root: Node
        do {
            root = try Yams.compose(yaml: text) ?? Node([(Node, Node)]())
        } catch {
            throw ConfigurationError.malformed(file: path, reason: "\(error)".excerpt(400))
        }
        guard root.mapping != nil else {
            throw ConfigurationError.malformed(
                file: path, reason: "it is no mapping of keys to values")
        }
        for override in overrides { try apply(override, to: &root) }
        if let key = type.fileSection { try resolve(key, &root, path: path) }
        return Loaded(
            configuration: try read(type, root, file: path),
            warnings: warnings(type, root, path: path))
    }

    /// Reads the values of a YAML text, or of JSON, which is YAML.
    /// - Throws: ``ConfigurationError``
    public static func read<Configuration: KeyedConfiguration>(
        _ type: Configuration.Type, text: String, file: String
    ) throws -> Configuration {
        try read(type, Yams.compose(yaml: text) ?? Node([(Node, Node)]()), file: file)
    }

    private static func read<Configuration: KeyedConfiguration>(
        _ type: Configuration.Type, _ root: Node, file: String
    ) throws -> Configuration {
        try ConfigurationReader(file: file, path: [], section: root).read(Configuration())
    }

    /// A configuration with every value spelled out, as YAML.
    /// - Throws: `YamlError` where a value has no form in YAML.
    public static func text(_ configuration: some KeyedConfiguration) throws -> String {
        try Yams.serialize(node: Node(configuration.mapping))
    }

    /// A configuration with every value spelled out, as `JSONSerialization` takes it.
    public static func object(_ configuration: some KeyedConfiguration) -> [String: Any] {
        Node(configuration.mapping).any as? [String: Any] ?? [:]
    }

    /// The keys whose values differ between two texts of ``text(_:)``, each with both values; nil where the
    /// later text has no such key. Keys that only the later one has are those of a newer program.
    package static func differences(_ then: String, _ now: String) -> [(
        key: String, then: String, now: String?
    )] {
        let (old, new) = (values(of: then), values(of: now))
        return old.sorted { $0.key < $1.key }.compactMap { key, then in
            then == new[key] ? nil : (key, then, new[key])
        }
    }

    private static func values(of text: String) -> [String: String] {
        var found: [String: String] = [:]
        func visit(_ node: Node, _ path: String) {
            if let mapping = node.mapping {
                for (key, value) in mapping {
                    let name = key.string ?? ""
                    visit(value, path.isEmpty ? name : path + "." + name)
                }
            } else if let sequence = node.sequence {
                found[path] = "[" + sequence.map { $0.string ?? "…" }.joined(separator: ", ") + "]"
            } else {
                let text = node.string ?? ""
                // Written for people, not as YAML has it: 0.25 and not 2.5e-1.
                found[path] = Int(text) == nil ? Double(text).map { "\($0)" } ?? text : text
            }
        }
        if let root = try? Yams.compose(yaml: text) { visit(root, "") }
        return found
    }

    private static func apply(_ override: String, to root: inout Node) throws {
        let parts = override.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let value = try? Yams.compose(yaml: parts[1]),
            parts[0].contains(where: { $0 != "." })
        else { throw ConfigurationError.invalidOverride(override) }
        func set(_ node: inout Node, _ keys: ArraySlice<String>) {
            guard let key = keys.first else {
                node = value
                return
            }
            if node.mapping == nil { node = Node([(Node, Node)]()) }
            var child = node[key] ?? Node([(Node, Node)]())
            set(&child, keys.dropFirst())
            node[key] = child
        }
        set(&root, parts[0].split(separator: ".").map(String.init)[...])
    }

    /// Puts the sizes of the BERT configuration file in the place of its name.
    private static func resolve(_ key: String, _ root: inout Node, path: String) throws {
        guard let name = root[key]?.string else { return }
        let directory = path.parentDirectory
        let parent = (directory as NSString).appendingPathComponent("..")
        let places = [
            name, (directory as NSString).appendingPathComponent(name),
            (parent as NSString).appendingPathComponent(name),
            (directory as NSString).appendingPathComponent((name as NSString).lastPathComponent),
        ].reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        func isFile(_ path: String) -> Bool {
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }
        guard let place = places.first(where: isFile) else {
            throw ConfigurationError.missingFile(
                file: path, key: key, value: name, searched: places)
        }
        do {
            // JSON is YAML.
            root[key] = try Yams.compose(yaml: String(contentsOfFile: place, encoding: .utf8))
        } catch {
            throw ConfigurationError.malformed(file: place, reason: "\(error)".excerpt(400))
        }
    }

    private static func warnings(
        _ type: (some KeyedConfiguration).Type, _ root: Node, path: String
    ) -> [String] {
        let others = type.keysOfOthers.union(type.foreignKeys)
        return type.knownKeys.flatMap { section, known in
            let node = section.isEmpty ? root : root[section]
            let prefix = section.isEmpty ? "" : section + "."
            return (node?.mapping?.keys.compactMap(\.string) ?? []).filter {
                !known.contains($0) && !others.contains(prefix + $0)
            }.map { key in
                let nearest = known.min { distance($0, key) < distance($1, key) } ?? ""
                return
                    "'\(path)': the key '\(prefix)\(key.excerpt())' is unknown and has no effect; "
                    + "the nearest known key is '\(prefix)\(nearest)'"
            }
        }
    }

    /// Levenshtein distance.
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let cost = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(cost, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
