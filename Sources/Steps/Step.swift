import Files
import Foundation

/// A part of a longer piece of work: commands of this program that make files from files.
public struct Step {
    /// A command.
    public struct Command {
        /// Without the name of the program.
        public let arguments: [String]
        /// Directory of the run that it makes and goes on with under `--resume`; nil for a command that
        /// does not train.
        public var run: String?
        /// Whether it replaces results only with `--overwrite`.
        public var keepsResults = false

        /// Describes a command.
        public init(arguments: [String], run: String? = nil, keepsResults: Bool = false) {
            self.arguments = arguments
            self.run = run
            self.keepsResults = keepsResults
        }
    }

    /// Names its record and what it prints.
    public let name: String
    /// For people.
    public let title: String
    /// What it makes, and nothing else does.
    public let directory: String
    /// One after the other.
    public let commands: [Command]
    /// Files and directories that the commands read.
    public let inputs: [String]
    /// Files that are there afterwards.
    public let outputs: [String]

    /// Describes a step.
    public init(
        name: String, title: String, directory: String, commands: [Command], inputs: [String],
        outputs: [String]
    ) {
        self.name = name
        self.title = title
        self.directory = directory
        self.commands = commands
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// What is known of a step that has been begun.
public struct StepRecord: Codable, Equatable {
    /// Of each command.
    public let commands: [[String]]
    /// Hashes of the inputs, by their paths.
    public let inputs: [String: String]
    /// What the commands have made, as paths in the step's directory: nothing else there is removed.
    public var files: Set<String> = []
    /// nil until the step has ended.
    public var result: Result?

    /// How a step went.
    public struct Result: Codable, Equatable {
        /// From its beginning to its end; of a continued one, without what was done before.
        public let seconds: Double
        /// Most memory that a command had resident at a time. bytes
        public let peakMemory: Int
    }

    /// A step as it is now.
    /// - Throws: ``StepError``
    public init(_ step: Step) throws {
        commands = step.commands.map(\.arguments)
        inputs = try Dictionary(
            step.inputs.map { path in
                guard let hash = Self.hash(path) else {
                    throw StepError.noInput(step: step.name, path: path)
                }
                return (path, hash)
            }
        ) { first, _ in first }
    }

    /// A hash of a file, or of the names and contents of all files below a directory.
    private static func hash(_ path: String) -> String? {
        var hash = StableHash()
        if let names = FileManager.default.enumerator(atPath: path)?.compactMap({ $0 as? String }),
            !names.isEmpty
        {
            for name in names.sorted() {
                hash.add(item: name.utf8)
                // A directory within has no contents but its files, which are on the list.
                try? hash.add(contentsOf: path + "/" + name)
            }
            return hash.text
        }
        guard (try? hash.add(contentsOf: path)) != nil else { return nil }
        return hash.text
    }

    /// What was written at an earlier time; nil where there is nothing that can be read.
    public init?(path: String) {
        guard let data = FileManager.default.contents(atPath: path),
            let record = try? JSONDecoder().decode(Self.self, from: data)
        else { return nil }
        self = record
    }

    /// - Throws: `FileWritingError`
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try writeAtomically(encoder.encode(self), to: path)
    }

    /// Whether both are of the same commands on the same inputs.
    public func isSame(as other: StepRecord) -> Bool {
        commands == other.commands && inputs == other.inputs
    }
}

/// Why steps cannot go on.
public enum StepError: Error, CustomStringConvertible {
    case noInput(step: String, path: String)
    case notStarted(command: [String], reason: String)
    case notWaitedFor(command: [String], reason: String)
    case failed(step: String, command: [String], status: Int32, output: String)
    case unknown(step: String, known: [String])
    case foreignFiles(step: String, directory: String, files: [String])
    case otherOptions(step: String, then: [String], now: [String])

    /// Which step, what stands in its way, and what to do about it.
    public var description: String {
        switch self {
        case .foreignFiles(let step, let directory, let files):
            "the step '\(step)' would have to remove files in '\(directory)' that it did not make ("
                + files.prefix(3).joined(separator: ", ")
                + (files.count > 3 ? " and \(files.count - 3) more" : "")
                + "); move them, or name another --output-dir"
        case .otherOptions(let step, let then, let now):
            "the step '\(step)' was done with other options:\n  \(StepRunner.line(then))\nand not:\n"
                + "  \(StepRunner.line(now))\nPass --overwrite to do it and what follows from it anew, or "
                + "name another --output-dir."
        case .noInput(let step, let path):
            "the step '\(step)' needs '\(path)', which is not there; --rerun the step that makes it"
        case .notStarted(let command, let reason):
            "'\(StepRunner.line(command))' could not be started: \(reason)"
        case .notWaitedFor(let command, let reason):
            "how '\(StepRunner.line(command))' ended is not known: \(reason)"
        case .failed(let step, let command, let status, let output):
            "the step '\(step)' failed with status \(status): its message stands above, what it printed "
                + "is in '\(output)'. The command was:\n\(StepRunner.line(command))"
        case .unknown(let step, let known):
            "there is no step '\(step)'; the steps are \(known.joined(separator: ", "))"
        }
    }
}
