import Foundation

/// Parses sentences with link-grammar's own program, so that nothing of it is linked and a sentence on
/// which it dies costs no more than itself.
struct LinkParser: Sendable {
    /// A word as link-grammar tagged it.
    struct Word: Equatable {
        let surface: String
        /// The letters after the last dot: n-u, v-d; empty for function words.
        let mark: String
    }

    private static let name = "link-parser"
    private static let arguments = [
        // Linkages to look at: with fewer, post-processing rejects too many of them.
        "en", "-limit=300", "-timeout=1", "-null=0", "-panic=0", "-spell=0", "-graphics=0",
        "-postscript=1", "-walls=0", "-echo=1", "-verbosity=1",
    ]

    private let program: String

    /// - Throws: ``NounError/noLinkGrammar(reason:)``
    init() throws {
        let directories = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        guard
            let program = directories.map({ $0 + "/" + Self.name }).first(where: {
                FileManager.default.isExecutableFile(atPath: String($0))
            })
        else { throw NounError.noLinkGrammar(reason: "there is no program '\(Self.name)'") }
        self.program = String(program)
        guard try parse([["the dog runs."]])[0][0] != nil else {
            throw NounError.noLinkGrammar(reason: "it does not parse a simple sentence")
        }
    }

    /// The words of each sentence with nothing left out; nil where link-grammar finds no full parse,
    /// or not in time. Each batch has a process of its own.
    func parse(_ batches: [[String]]) throws -> [[[Word]?]] {
        var results: [[[Word]?]] = batches.map { _ in [] }
        while true {
            let open = batches.indices.filter { results[$0].count < batches[$0].count }
            guard !open.isEmpty else { return results }
            let runs = try open.map { try Run(program, batches[$0][results[$0].count...]) }
            for (index, run) in zip(open, runs) {
                let rest = batches[index][results[index].count...]
                results[index] += Self.answers(to: rest, in: try run.output())
                // The program died on the next one.
                if results[index].count < batches[index].count { results[index].append(nil) }
            }
        }
    }

    /// A process with its files.
    private struct Run {
        private let process = Process()
        private let directory: URL

        init(_ program: String, _ sentences: ArraySlice<String>) throws {
            directory = FileManager.default.temporaryDirectory
                .appendingPathComponent("link-parser-\(UUID().uuidString)")
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: false)
            let input = directory.appendingPathComponent("input")
            try Data((sentences.joined(separator: "\n") + "\n").utf8).write(to: input)
            try Data().write(to: directory.appendingPathComponent("output"))
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = LinkParser.arguments
            process.environment = ["LC_ALL": "C.UTF-8"]
            process.standardInput = try FileHandle(forReadingFrom: input)
            process.standardOutput = try FileHandle(
                forWritingTo: directory.appendingPathComponent("output"))
            process.standardError = FileHandle.nullDevice
            try process.run()
        }

        /// What the process wrote until its end.
        func output() throws -> String {
            defer { try? FileManager.default.removeItem(at: directory) }
            process.waitUntilExit()
            let file = directory.appendingPathComponent("output")
            return try String(decoding: Data(contentsOf: file), as: UTF8.self)
        }
    }

    /// The program repeats each sentence and then says what it found. The last answer counts only when
    /// something follows it: the program may have died over it.
    static func answers(to sentences: ArraySlice<String>, in output: String) -> [[Word]?] {
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        var starts: [Int] = []
        for (number, line) in lines.enumerated() where starts.count < sentences.count {
            if line == sentences[sentences.startIndex + starts.count] { starts.append(number) }
        }
        let end = lines.lastIndex { $0.hasPrefix("Bye") }
        var answers: [[Word]?] = []
        for (index, start) in starts.enumerated() {
            guard let next = index + 1 < starts.count ? starts[index + 1] : end else { break }
            let answer = lines[start..<next]
            let isLate = answer.contains { $0.hasPrefix("Timer") }
            let words = answer.first { $0.hasPrefix("[(LEFT-WALL)") }
            answers.append(isLate ? nil : words.map(Self.words))
        }
        return answers
    }

    /// The words of `[(LEFT-WALL)(the)(dog.n)(runs.v)]`.
    private static func words(_ line: Substring) -> [Word] {
        line.dropFirst("[(LEFT-WALL)(".count).dropLast(")]".count).components(separatedBy: ")(")
            .map { token in
                // [?] and [!] mark words that were guessed.
                var token = token[...]
                var mark = ""
                if let dot = token.lastIndex(of: "."), dot > token.startIndex {
                    let rest = token[token.index(after: dot)...]
                    if let first = rest.first, first.isASCII, first.isLowercase {
                        mark = String(rest)
                        token = token[..<dot]
                    }
                }
                if token.hasSuffix("]"), let open = token.lastIndex(of: "["),
                    open > token.startIndex
                {
                    token = token[..<open]
                }
                return Word(surface: String(token), mark: mark)
            }
    }
}
