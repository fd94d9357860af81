import ArgumentParser
import Files
import Foundation

/// Looks for files that the package's readers do not survive.
@main
struct Fuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz",
        abstract: "Give changed files to every reader of files from outside.",
        discussion: """
            Whole files that the package makes itself are changed at random and read. A reader may \
            refuse a file with an error that a person understands; it must not end the process, take \
            longer or more memory than the bounds, or say the names of Swift types. The same seed gives \
            the same files. Ends with 1 where something was found; the files that did it are kept.

            EXAMPLES
              swift run -c release fuzz
              swift run -c release fuzz --inputs 1000000 --reader jpeg png --seed 2
              swift run -c release fuzz --reader torch --input fuzz-findings/torch-1-a.pt
            """)

    @Option(help: "Files for each reader.")
    var inputs = 100_000

    @Option(help: "Decides about all changes.")
    var seed: UInt64 = 1

    @Option(parsing: .upToNextOption, help: "Readers to try; --list names them. (default: all)")
    var reader: [String] = []

    @Option(help: "Time that a file may take, in seconds.")
    var seconds = 2.0

    @Option(help: "Memory that a file may take, in MB.")
    var memory = 512

    @Option(help: "Directory for files that do harm; made when there is one.")
    var keep = "fuzz-findings"

    @Option(help: "A file to try again with one reader, and nothing else.")
    var input: String?

    @Flag(help: "Name the readers.")
    var list = false

    func validate() throws {
        guard inputs > 0 else { throw ValidationError("--inputs must be 1 or more.") }
        guard seconds > 0, seconds < 1e6 else {
            throw ValidationError("--seconds must be above 0.")
        }
        guard (1...1 << 20).contains(memory) else {
            throw ValidationError("--memory must be between 1 and \(1 << 20).")
        }
        let names = Reader.all.map(\.name)
        if let unknown = reader.first(where: { !names.contains($0) }) {
            throw ValidationError(
                "There is no reader '\(unknown)'; there are \(names.joined(separator: ", ")).")
        }
        guard input == nil || reader.count == 1 else {
            throw ValidationError("--input needs the one reader to try it with: --reader NAME.")
        }
    }

    func run() throws {
        if list {
            for reader in Reader.all { print(reader.name) }
            return
        }
        let directory = try Self.workDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let bounds = Fuzzer.Bounds(time: seconds, memory: memory << 20)
        let fuzzer = Fuzzer(bounds: bounds, directory: directory)
        let readers = Reader.all.filter { reader.isEmpty || reader.contains($0.name) }
        if let input {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: input)))
            let (tally, answers) = try fuzzer.replay(readers[0], bytes)
            for answer in answers { print(answer) }
            for finding in tally.findings { print("found: \(finding.reason)") }
            if !tally.findings.isEmpty { throw ExitCode.failure }
            return
        }
        let found = try run(readers, fuzzer, bounds)
        if found > 0 {
            print("\(found) found; the files are in \(keep)")
            throw ExitCode.failure
        }
        print("nothing found")
    }

    /// Tries all readers and returns how much was found.
    private func run(_ readers: [Reader], _ fuzzer: Fuzzer, _ bounds: Fuzzer.Bounds) throws -> Int {
        // Made before anything goes wrong: a signal leaves no time for it.
        try FileManager.default.createDirectory(atPath: keep, withIntermediateDirectories: true)
        let watchdog = Watchdog(bounds)
        let memory = ProcessMemory()
        CrashNote.catchSignals()
        var found = 0
        print(Row.title)
        for reader in readers {
            CrashNote.set(
                input: fuzzer.path(of: reader), kept: "\(keep)/\(reader.name)-ended-\(reader.file)",
                reader: reader.name)
            let tally = try fuzzer.run(
                reader, count: inputs, seed: seed, before: { _ in watchdog.begin(memory) },
                after: watchdog.end)
            print(Row.text(reader, tally))
            for finding in tally.findings.prefix(Self.mostKept) {
                found += 1
                let path = "\(keep)/\(reader.name)-\(found)-\(reader.file)"
                try Data(finding.input).write(to: URL(fileURLWithPath: path))
                print("  found: \(finding.reason)\n  in \(path)")
            }
            found += max(0, tally.findings.count - Self.mostKept)
            // A row is seen when its reader is done, also where a pipe follows.
            fflush(nil)
        }
        if found == 0 { rmdir(keep) }
        return found
    }

    /// Files of one reader that are kept; more of them mostly show the same fault.
    private static let mostKept = 10

    /// A directory in memory where the system has one.
    private static func workDirectory() throws -> String {
        let shared = "/dev/shm"
        let root =
            access(shared, W_OK) == 0 ? shared + "/" : NSTemporaryDirectory()
        let path = root + "fuzz-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// The table of what was done.
    private enum Row {
        static let title = line(
            "reader", ["inputs", "accepted", "refused", "inputs/s", "ms", "MB"])

        static func text(_ reader: Reader, _ tally: Fuzzer.Tally) -> String {
            line(
                reader.name,
                [
                    "\(tally.inputs)", "\(tally.accepted)", "\(tally.refused)",
                    String(format: "%.0f", Double(tally.inputs) / max(tally.time, 1e-9)),
                    String(format: "%.1f", 1000 * tally.longest), "\(tally.largestGrowth >> 20)",
                ])
        }

        private static func line(_ name: String, _ cells: [String]) -> String {
            func padding(_ text: String, _ width: Int) -> String {
                String(repeating: " ", count: max(0, width - text.count))
            }
            return name + padding(name, 20) + cells.map { padding($0, 10) + $0 }.joined()
        }
    }
}
