import ArgumentParser
import Foundation
import Testing
import Training
import ViCHA

@testable import Commands
@testable import Steps
@testable import Tasks

/// What pages and `--help` show exists.
struct DocumentationTests {
    /// A shell command with the place where it stands.
    struct Command {
        let place: String
        let words: [String]
    }

    /// All pages with their text.
    static let pages: [(name: String, text: String)] = {
        let names =
            ["README.md", "CONTRIBUTING.md", "Benchmarks/README.md"]
            + ((try? FileManager.default.contentsOfDirectory(
                atPath: CommandsTests.root.appendingPathComponent("Documentation").path)) ?? [])
            .filter { $0.hasSuffix(".md") }.map { "Documentation/\($0)" }.sorted()
        return names.map { name in
            let url = CommandsTests.root.appendingPathComponent(name)
            return (name, (try? String(contentsOf: url, encoding: .utf8)) ?? "")
        }
    }()

    /// Splits a line as a shell does that knows words, quotes and `$NAME`.
    static func words(_ line: String, variables: [String: String]) throws -> [String] {
        var (words, word, quote): ([String], String?, Character?) = ([], nil, nil)
        var rest = Substring(line)
        while let character = rest.popFirst() {
            switch character {
            case quote: quote = nil
            case "\"" where quote == nil, "'" where quote == nil:
                (quote, word) = (character, word ?? "")
            case " " where quote == nil:
                if let word { words.append(word) }
                word = nil
            case "#" where quote == nil && word == nil: return words
            case "$" where quote != "'":
                let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                rest = rest.dropFirst(name.count)
                word =
                    (word ?? "")
                    + (try #require(variables[String(name)], "'\(line)' uses $\(name)"))
            default: word = (word ?? "") + String(character)
            }
        }
        #expect(quote == nil, "'\(line)' does not end its quote")
        return words + (word.map { [$0] } ?? [])
    }

    /// Commands of a text, a line each or several with `&` between; assignments of names of one letter hold
    /// for those that follow, others go to the command behind them.
    static func commands(_ text: String, place: String) throws -> [Command] {
        var variables: [String: String] = [:]
        return try text.replacingOccurrences(
            of: #"\\\n\s*"#, with: " ", options: .regularExpression
        ).split(separator: "\n").flatMap { line in
            let line = line.trimmingCharacters(in: .whitespaces)
            guard line.wholeMatch(of: /([A-Za-z]=[^ ;]+(; )?)+/) == nil else {
                for match in line.matches(of: /([A-Za-z])=([^ ;]+)/) {
                    variables[String(match.1)] = String(match.2)
                }
                return [Command]()
            }
            return try words(line, variables: variables)
                .split { $0 == "&" || $0 == "&&" }
                .map { Command(place: place, words: Array($0.drop { $0.contains("=") })) }
        }
    }

    /// Everything in the shell blocks of a page, in its order.
    static func shell(_ page: String) -> String {
        page.matches(of: /(?ms)^```sh\n(.*?)^```$/).map { String($0.1) }.joined()
    }

    /// A command with all commands below it.
    static func family(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        [command] + command.configuration.subcommands.flatMap(family)
    }

    /// What is wrong with the arguments of the program. Only the command that they name is built, since
    /// building all takes a while.
    static func complaint(_ arguments: some Collection<String>) -> String? {
        var (command, rest) = (Vicha.self as any ParsableCommand.Type, Array(arguments))
        while let next = command.configuration.subcommands.first(where: {
            $0._commandName == rest.first
        }) {
            command = next
            rest.removeFirst()
        }
        do {
            _ = try command.parse(rest)
            return nil
        } catch {
            return command.fullMessage(for: error)
        }
    }

    @Test func commandsOnPagesAreUnderstood() throws {
        let commands = try Self.pages.flatMap {
            try Self.commands(Self.shell($0.text), place: $0.name)
        }
        let known = ["vicha", "make", "swift", "apt-get", "perf"]
        for command in commands {
            let program = URL(fileURLWithPath: command.words[0]).lastPathComponent
            #expect(known.contains(program), "\(command.place): \(command.words)")
            guard program == "vicha" else { continue }
            let complaint = Self.complaint(command.words.dropFirst())
            #expect(complaint == nil, "\(command.place): \(command.words)")
        }
        #expect(commands.count > 50)
    }

    @Test func examplesOfHelpAreUnderstood() throws {
        for type in Self.family(Vicha.self) {
            let help = type.configuration
            let place = type._commandName
            let examples = try #require(
                help.discussion.components(separatedBy: "EXAMPLES\n").dropFirst().first, "\(place)")
            let commands = try Self.commands(examples, place: place)
            #expect(!commands.isEmpty, "\(place)")
            for command in commands {
                #expect(command.words[0] == "vicha", "\(place): \(command.words)")
                let complaint = Self.complaint(command.words.dropFirst())
                #expect(complaint == nil, "\(place): \(command.words)")
            }
        }
    }

    /// Prose names options that some command has, or those of the official scripts and of Swift.
    @Test func optionsInProseExist() throws {
        let help = Self.family(Vicha.self).map { $0.helpMessage(columns: 200) }.joined()
        let option = /--[a-z][a-z0-9_-]+/
        let known = Set(help.matches(of: option).map { $0.output })
            .union(["--evaluate", "--filter", "--python", "--version"])
        for page in Self.pages {
            let unknown = page.text.matches(of: option).map(\.output).filter {
                !known.contains($0)
            }
            #expect(unknown.isEmpty, "\(page.name)")
        }
    }

    /// The page of all keys ends with what `vicha config keys --markdown` prints.
    @Test func keysAreListed() throws {
        let page = try #require(Self.pages.first { $0.name.hasSuffix("/configuration.md") })
        let tables = ShowKeys.markdown(ShowKeys.tables)
        #expect(
            page.text.hasSuffix(tables + "\n"),
            "make the tables anew: vicha config keys --markdown")
        #expect(ShowKeys.tables.flatMap(\.keys).count > 120)
    }

    /// The version that the program prints is the first one of the changes.
    @Test func versionIsDescribed() throws {
        let changes = try String(
            contentsOf: CommandsTests.root.appendingPathComponent("CHANGELOG.md"), encoding: .utf8)
        let version = Vicha.configuration.version.replacing("-dev", with: "")
        let first = try #require(changes.firstMatch(of: /(?m)^## ([0-9.]+)/))
        #expect(String(first.1) == version)
    }

    @Test func linksLeadSomewhere() throws {
        for page in Self.pages {
            let directory = CommandsTests.root.appendingPathComponent(page.name)
                .deletingLastPathComponent()
            for match in page.text.matches(of: /\]\(([^)#]+)\)/) where !match.1.contains("://") {
                let file = directory.appendingPathComponent(String(match.1)).standardized
                let isThere = FileManager.default.fileExists(atPath: file.path)
                #expect(isThere, "\(page.name): \(match.1)")
            }
        }
    }

    /// Each row of the table of differences names a test that is there.
    @Test func differencesAreTested() throws {
        let page = try #require(Self.pages.first { $0.name.hasSuffix("compatibility.md") })
        let tests = CommandsTests.root.appendingPathComponent("Tests")
        let files = try #require(
            FileManager.default.enumerator(at: tests, includingPropertiesForKeys: nil))
        let source = files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
            .compactMap { try? String(contentsOf: $0, encoding: .utf8) }.joined()
        let rows = page.text.matches(of: /(?m)^\|.*\| `([A-Za-z]+)` \|$/)
        #expect(rows.count >= 15)
        for row in rows {
            let isThere = source.contains("func \(row.1)(")
            #expect(isThere, "\(row.1)")
        }
    }
}
