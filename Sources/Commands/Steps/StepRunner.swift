import Files
import Foundation
import Training

/// Does steps in their order, and leaves out those whose outputs are there and whose commands and inputs
/// have not changed. A training run that was interrupted goes on.
struct StepRunner {
    /// Where records and what commands print are kept.
    let directory: String
    /// Names of steps that are done again in any case.
    let rerun: Set<String>
    let stop: StopSignal

    /// Does the steps.
    /// - Returns: how each went, or nil where the user stopped it
    /// - Throws: ``StepError``, and what making directories and files throws
    func callAsFunction(_ steps: [Step]) throws -> [StepRecord.Result]? {
        let names = steps.map(\.name)
        if let unknown = rerun.subtracting(names).sorted().first {
            throw StepError.unknown(step: unknown, known: names)
        }
        try makeDirectory(directory)
        var results: [StepRecord.Result] = []
        for (number, step) in steps.enumerated() {
            let head = "[\(number + 1)/\(steps.count)] \(step.title)"
            let now = try StepRecord(step)
            let before = rerun.contains(step.name) ? nil : StepRecord(path: path(step, "json"))
            let isSame = before?.isSame(as: now) ?? false
            if isSame, let result = before?.result, step.outputs.allSatisfy(Self.exists) {
                note("\(head): is there already")
                results.append(result)
                continue
            }
            note(head)
            let isUnfinished = isSame && before?.result == nil
            guard let result = try run(step, now, continues: isUnfinished) else { return nil }
            results.append(result)
        }
        return results
    }

    /// Where a step's record (`json`) or what its commands print (`txt`) is.
    private func path(_ step: Step, _ kind: String) -> String {
        "\(directory)/\(step.name).\(kind)"
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    private func run(_ step: Step, _ record: StepRecord, continues: Bool) throws
        -> StepRecord.Result?
    {
        if !continues, Self.exists(step.directory) {
            try FileManager.default.removeItem(atPath: step.directory)
        }
        var record = record
        try record.write(to: path(step, "json"))
        let output = path(step, "txt")
        try writeAtomically(Data(), to: output)
        let start = ContinuousClock.now
        var peakMemory = 0
        for command in step.commands {
            var arguments = command.arguments
            if let checkpoint = command.checkpoint, Self.exists(checkpoint) {
                arguments = Self.resumed(arguments)
            }
            note("  " + Self.line(arguments))
            let outcome = try ChildProgram.run(arguments, output: output, stop: stop)
            if stop.isRequested { return nil }
            guard outcome.status == 0 else {
                throw StepError.failed(
                    step: step.name, command: arguments, status: outcome.status, output: output)
            }
            peakMemory = max(peakMemory, outcome.peakMemory)
        }
        let result = StepRecord.Result(
            seconds: (ContinuousClock.now - start) / .seconds(1), peakMemory: peakMemory)
        record.result = result
        try record.write(to: path(step, "json"))
        return result
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
    static func line(_ arguments: [String]) -> String {
        let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_./=+,:"))
        return (["vicha"] + arguments).map { word in
            word.unicodeScalars.allSatisfy(plain.contains) && !word.isEmpty
                ? word : "'\(word.replacingOccurrences(of: "'", with: "'\\''"))'"
        }.joined(separator: " ")
    }
}
