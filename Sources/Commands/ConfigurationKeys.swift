import ArgumentParser
import Configuration
import Tasks
import Training

/// `vicha config`
struct ConfigurationCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Look up what configuration files can say.",
        discussion: """
            EXAMPLES
              vicha config keys
              vicha config keys optimizer.lr
            """,
        subcommands: [ShowKeys.self])
}

/// `vicha config keys`
struct ShowKeys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "List the keys of configuration files with their defaults and meanings.",
        discussion: """
            Without a name all keys; with one those of that name, in whatever section. --markdown \
            writes the tables of Documentation/configuration.md.

            EXAMPLES
              vicha config keys
              vicha config keys k_test
              vicha config keys bert_config.fusion_layer
              vicha config keys --markdown
            """)

    @Argument(help: "A key, with or without its section.")
    var key: String?

    @Flag(help: "As tables of a page.")
    var markdown = false

    func run() throws {
        let tables = Self.tables.map { title, keys in
            (title: title, keys: keys.filter(isWanted))
        }.filter { !$0.keys.isEmpty }
        guard let first = tables.first else {
            throw ValidationError(
                "there is no key '\(key ?? "")'; 'vicha config keys' lists all of them")
        }
        if markdown { return print(Self.markdown(tables)) }
        for (title, keys) in tables {
            if title != first.title { print() }
            print(title)
            for key in keys {
                print("  \(key.name) (\(key.defaultText)): \(key.documentation)")
                if let expected = key.expected { print("    \(expected)") }
            }
        }
    }

    private func isWanted(_ description: KeyDescription) -> Bool {
        guard let key else { return true }
        return description.name == key || description.name.hasSuffix("." + key)
            || description.name.hasPrefix(key + ".")
    }

    /// All keys of all kinds of files, each in the first table that has it.
    static let tables: [(title: String, keys: [KeyDescription])] = {
        let types: [any KeyedConfiguration.Type] = [
            PretrainingConfiguration.self, TextAssignmentConfiguration.self,
            RetrievalConfiguration.self, QuestionAnsweringConfiguration.self,
            ClassificationConfiguration.self, GroundingConfiguration.self,
            CLIPTrainingConfiguration.self,
        ]
        var titles: [String] = []
        var tables: [String: [KeyDescription]] = [:]
        for key in types.flatMap({ $0.keyDescriptions }) {
            if tables[key.title] == nil { titles.append(key.title) }
            // Sections that several files have stand in the first table.
            let isKnown = tables.contains { title, keys in
                (title == key.title || key.name.contains("."))
                    && keys.contains { $0.name == key.name }
            }
            if !isKnown { tables[key.title, default: []].append(key) }
        }
        return titles.map { ($0, tables[$0] ?? []) }
    }()

    /// The tables of a page.
    static func markdown(_ tables: [(title: String, keys: [KeyDescription])]) -> String {
        tables.map { title, keys in
            let rows = keys.map {
                "| `\($0.name)` | \($0.defaultText.isEmpty ? "" : "`\($0.defaultText)`") | "
                    + "\($0.documentation) |"
            }
            return (["## \(title)", "| key | default | meaning |", "|---|---|---|"] + rows)
                .joined(separator: "\n")
        }.joined(separator: "\n\n")
    }
}
