import Foundation
import Testing

@testable import fuzz

/// A small run of `fuzz`, and that it sees what it looks for.
@Suite struct FuzzingTests {
    /// Large enough that a slow machine is no finding.
    private static let bounds = Fuzzer.Bounds(time: 120, memory: 1 << 30)

    private func withFuzzer(_ body: (Fuzzer) throws -> Void) throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(Fuzzer(bounds: Self.bounds, directory: directory))
    }

    @Test(arguments: Reader.all.map(\.name)) func nothingIsFound(_ name: String) throws {
        let reader = try #require(Reader.all.first { $0.name == name })
        try withFuzzer { fuzzer in
            let tally = try fuzzer.run(reader, count: 100, seed: 1)
            #expect(tally.findings.map(\.reason) == [])
            #expect(tally.inputs == 100)
            // Otherwise no whole file suits a use, which then only sees the first check fail.
            #expect(tally.usesThatAccepted.count == reader.uses.count)
            let takesAnything = ["captions", "wordnet"]
            #expect(tally.refused > 0 || takesAnything.contains(name))
        }
    }

    private struct Silly: Error, CustomStringConvertible { let description: String }

    private func findings(_ use: @escaping Reader.Use) throws -> [String] {
        let reader = Reader(
            name: "silly", file: "a", form: .text, seeds: { _ in [Data("abc".utf8)] }, uses: [use])
        var found: [String] = []
        try withFuzzer { found = try $0.run(reader, count: 1, seed: 1).findings.map(\.reason) }
        return found
    }

    @Test func errorsThatNobodyUnderstandsAreFound() throws {
        #expect(try findings { _ in throw Silly(description: "no key CodingKeys(a)") }.count == 1)
        #expect(
            try findings { _ in throw Silly(description: String(repeating: "long ", count: 1000)) }
                .count == 1)
        #expect(try findings { _ in throw Silly(description: "'a' is no number") } == [])
    }

    /// In a process of its own: memory is measured by process, and other tests take some as well.
    @Test func memoryBeyondTheBoundIsFound() async {
        await #expect(processExitsWith: .success) {
            let directory = NSTemporaryDirectory() + UUID().uuidString
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let fuzzer = Fuzzer(bounds: .init(time: 120, memory: 16 << 20), directory: directory)
            let greedy = Reader(
                name: "greedy", file: "a", form: .text, seeds: { _ in [Data("abc".utf8)] },
                uses: [
                    { input in
                        let bytes = [UInt8](repeating: input.bytes[0], count: 64 << 20)
                        guard bytes.reduce(0, &+) > 0 else { throw Silly(description: "none") }
                    }
                ])
            let tally = try fuzzer.run(greedy, count: 1, seed: 1)
            #expect(tally.findings.map(\.reason).contains { $0.contains("MB") })
        }
    }

    /// The same seed makes the same files, another one others.
    @Test func filesAreMadeAgain() throws {
        func files(_ seed: UInt64) throws -> [[UInt8]] {
            var files: [[UInt8]] = []
            let reader = try #require(Reader.all.first { $0.name == "json" })
            try withFuzzer {
                _ = try $0.run(reader, count: 50, seed: seed, before: { files.append($0) })
            }
            return files
        }
        let (first, again, other) = (try files(1), try files(1), try files(2))
        #expect(first == again)
        #expect(first != other)
        #expect(Set(first).count > 40)
    }
}
