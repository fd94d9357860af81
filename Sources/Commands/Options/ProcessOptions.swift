import ArgumentParser
import Files
import Foundation
import Synchronization
import Torch

/// Whether several processes share the work of a command.
struct ProcessOptions: ParsableArguments {
    @Option(help: "Processes on this machine that share the work; on GPUs one for each.")
    var processes = 1

    func validate() throws {
        guard processes > 0 else { throw ValidationError("--processes must be 1 or more") }
    }

    /// Starts the other processes, or joins those of whoever started this one.
    /// - Throws: `TorchError`, and what starting a process throws
    func start() throws -> WorkingProcesses {
        if let place = try ProcessPlace(environment: ProcessInfo.processInfo.environment) {
            return try WorkingProcesses(joining: place)
        }
        return try WorkingProcesses(count: processes)
    }
}

/// Which of how many processes this is, and where they meet: the environment variables that
/// PyTorch's launchers set.
struct ProcessPlace {
    let rank: Int
    let size: Int
    /// Number among the processes of this machine.
    let localRank: Int
    let host: String
    let port: Int

    /// The place that the environment states, nil where it states none.
    /// - Throws: `ValidationError` for a variable that is missing or no number
    init?(environment: [String: String]) throws {
        guard let size = environment["WORLD_SIZE"] else { return nil }
        func number(_ name: String, _ text: String?, _ allowed: Range<Int>) throws -> Int {
            guard let text, let value = Int(text), allowed ~= value else {
                throw ValidationError(
                    "WORLD_SIZE is set, so \(name) must be a number from \(allowed.lowerBound) to "
                        + "\(allowed.upperBound - 1), not '\(text ?? "")'; or unset WORLD_SIZE")
            }
            return value
        }
        self.size = try number("WORLD_SIZE", size, 1..<65_536)
        rank = try number("RANK", environment["RANK"], 0..<self.size)
        localRank = try number(
            "LOCAL_RANK", environment["LOCAL_RANK"] ?? environment["RANK"], 0..<self.size)
        port = try number("MASTER_PORT", environment["MASTER_PORT"], 1..<65_536)
        host = environment["MASTER_ADDR"] ?? "127.0.0.1"
    }
}

/// The processes that share the work of this command. One that fails ends all.
final class WorkingProcesses {
    /// nil where this process works alone.
    let group: ProcessGroup?
    /// Number among the processes of this machine.
    let localRank: Int
    private var others: [Process] = []

    /// Whether this process tells the user about progress and results.
    var isFirst: Bool { group?.rank ?? 0 == 0 }

    /// Joins the processes of a launcher.
    init(joining place: ProcessPlace) throws {
        localRank = place.localRank
        group = try ProcessGroup(
            ProcessStore(host: place.host, port: place.port, isServer: place.rank == 0),
            rank: place.rank, size: place.size)
    }

    /// Starts this command again, as often as needed.
    init(count: Int) throws {
        localRank = 0
        guard count > 1 else {
            group = nil
            return
        }
        let store = try ProcessStore(host: "127.0.0.1", port: 0, isServer: true)
        for rank in 1..<count { others.append(try Self.start(rank, of: count, store)) }
        group = try ProcessGroup(store, rank: 0, size: count)
    }

    private static func start(_ rank: Int, of count: Int, _ store: ProcessStore) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = Array(CommandLine.arguments.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging([
            "WORLD_SIZE": "\(count)", "RANK": "\(rank)", "LOCAL_RANK": "\(rank)",
            "MASTER_ADDR": store.host, "MASTER_PORT": "\(store.port)",
        ]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        // What it says is what this process says too, unless it fails.
        let pipe = Pipe()
        process.standardError = pipe
        let said = Mutex(Data())
        pipe.fileHandleForReading.readabilityHandler = { handle in
            said.withLock { $0.append(handle.availableData) }
        }
        process.terminationHandler = { process in
            guard process.terminationStatus != 0 else { return }
            let cause =
                process.terminationReason == .uncaughtSignal
                ? "was ended by signal \(process.terminationStatus)" : "failed"
            note("process \(rank + 1) of \(count) \(cause)")
            StandardError.write(said.withLock { $0 })
            // The work of all is lost. No way out but this one: another thread is inside libtorch,
            // which exit() would take apart under it.
            _exit(EXIT_FAILURE)
        }
        try process.run()
        return process
    }

    /// Waits for the other processes to end.
    func finish() { for process in others { process.waitUntilExit() } }
}
