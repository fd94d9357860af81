import Files
import Foundation
import Training

/// Does steps in their order, and leaves out those whose outputs are there and whose commands and inputs
/// have not changed. A training run that was interrupted goes on. Where a step is done anew, what it has
/// made before is removed, and nothing else.
public struct StepRunner {
    /// Where records and what commands print are kept.
    public let directory: String
    /// Names of steps that are done again in any case.
    public let rerun: Set<String>
    /// Whether steps that were done with other options are done anew.
    public let overwrites: Bool
    /// Ends the steps where the user asks for it.
    public let stop: StopSignal

    /// Describes a runner.
    public init(directory: String, rerun: Set<String>, overwrites: Bool, stop: StopSignal) {
        self.directory = directory
        self.rerun = rerun
        self.overwrites = overwrites
        self.stop = stop
    }

    /// Does the steps.
    /// - Returns: how each went, or nil where the user stopped it
    /// - Throws: ``StepError``, `DirectoryLockError`, and what making directories and files throws
    public func callAsFunction(_ steps: [Step]) throws -> [StepRecord.Result]? {
        let names = steps.map(\.name)
        if let unknown = rerun.subtracting(names).sorted().first {
            throw StepError.unknown(step: unknown, known: names)
        }
        try checkOptions(of: steps)
        var results: [StepRecord.Result] = []
        for (number, step) in steps.enumerated() {
            // Step by step: other processes may be at work on other steps.
            let lock = try DirectoryLock(directory, part: step.name + ".")
            let head = "[\(number + 1)/\(steps.count)] \(step.title)"
            guard let result = try withExtendedLifetime(lock, { try result(of: step, head) }) else {
                return nil
            }
            results.append(result)
        }
        return results
    }

    /// How a step went that is there already, or that is done now; nil where the user stopped it.
    private func result(of step: Step, _ head: String) throws -> StepRecord.Result? {
        let now = try StepRecord(step)
        let before = StepRecord(path: path(step, "json"))
        let isSame = !rerun.contains(step.name) && before?.isSame(as: now) ?? false
        if isSame, let result = before?.result, step.outputs.allSatisfy(Self.exists) {
            StandardError.note("\(head): is there already")
            return result
        }
        StandardError.note(head)
        if isSame, let before, before.result == nil { return try run(step, before, goesOn: true) }
        try clear(step, before)
        return try run(step, now, goesOn: false)
    }

    /// All steps are looked at before the first is done, so that nothing is half replaced.
    private func checkOptions(of steps: [Step]) throws {
        for step in steps where !overwrites && !rerun.contains(step.name) {
            guard let before = StepRecord(path: path(step, "json")) else { continue }
            for (then, now) in zip(before.commands, step.commands.map(\.arguments))
            where then != now {
                throw StepError.otherOptions(step: step.name, then: then, now: now)
            }
        }
    }

    /// Where a step's record (`json`) or what its commands print (`txt`) is.
    private func path(_ step: Step, _ kind: String) -> String {
        "\(directory)/\(step.name).\(kind)"
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    /// Files and links below a step's directory; a link counts as itself, wherever it leads.
    private static func files(of step: Step) -> Set<String> {
        guard let places = FileManager.default.enumerator(atPath: step.directory) else { return [] }
        var files: Set<String> = []
        while let name = places.nextObject() as? String {
            if places.fileAttributes?[.type] as? FileAttributeType != .typeDirectory {
                files.insert(name)
            }
        }
        return files
    }

    /// Removes what a step has made before.
    /// - Throws: ``StepError/foreignFiles(step:directory:files:)`` where something else is there; then
    ///   nothing has been removed
    private func clear(_ step: Step, _ before: StepRecord?) throws {
        let attributes = try? FileManager.default.attributesOfItem(atPath: step.directory)
        guard let attributes else { return }
        let present = Self.files(of: step)
        let foreign = present.subtracting(before?.files ?? []).sorted()
        guard foreign.isEmpty, attributes[.type] as? FileAttributeType == .typeDirectory else {
            throw StepError.foreignFiles(
                step: step.name, directory: step.directory, files: foreign)
        }
        for file in present {
            let path = step.directory + "/" + file
            guard unlink(path) == 0 else {
                throw FileWritingError(path: path, reason: String(cString: strerror(errno)))
            }
        }
        // What is left are directories, of which the inner ones go first.
        let places = FileManager.default.enumerator(atPath: step.directory)
        for name in (places?.compactMap { $0 as? String } ?? []).sorted().reversed() {
            rmdir(step.directory + "/" + name)
        }
        rmdir(step.directory)
    }

    private func run(_ step: Step, _ record: StepRecord, goesOn: Bool) throws
        -> StepRecord.Result?
    {
        var record = record
        // What is there of a run that goes on and whose end was not seen can be anybody's.
        let others = Self.files(of: step).subtracting(record.files)
        func write() throws {
            record.files = Self.files(of: step).subtracting(others)
            try record.write(to: path(step, "json"))
        }
        try write()
        let output = path(step, "txt")
        try writeAtomically(Data(), to: output)
        let start = ContinuousClock.now
        var peakMemory = 0
        for command in step.commands {
            var arguments = command.arguments
            if goesOn, let run = command.run {
                // Of a run that ended before it saved anything only logs are there.
                arguments =
                    RunDirectory.hasCheckpoint(run)
                    ? Self.resumed(arguments) : arguments + ["--overwrite"]
            } else if goesOn, command.keepsResults {
                // The directory had nothing of others in it when the step was begun.
                arguments += ["--overwrite"]
            }
            StandardError.note("  " + Self.line(arguments))
            let outcome = try ChildProgram.run(arguments, output: output, stop: stop)
            try write()
            if stop.isRequested { return nil }
            guard outcome.status == 0 else {
                throw StepError.failed(
                    step: step.name, command: arguments, status: outcome.status, output: output)
            }
            peakMemory = max(peakMemory, outcome.peakMemory)
        }
        record.result = StepRecord.Result(
            seconds: (ContinuousClock.now - start) / .seconds(1), peakMemory: peakMemory)
        try write()
        return record.result
    }

    /// A training command that goes on. Where it began is left out: beside `--resume`, `--checkpoint`
    /// would name the run to go on with.
    private static func resumed(_ arguments: [String]) -> [String] {
        var result = arguments
        if let place = result.firstIndex(of: "--checkpoint") {
            result.removeSubrange(place...place + 1)
        }
        return result + ["--resume"]
    }

    /// A command as it is typed.
    public static func line(_ arguments: [String]) -> String {
        let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_./=+,:"))
        return (["vicha"] + arguments).map { word in
            word.unicodeScalars.allSatisfy(plain.contains) && !word.isEmpty
                ? word : "'\(word.replacingOccurrences(of: "'", with: "'\\''"))'"
        }.joined(separator: " ")
    }
}
