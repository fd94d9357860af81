import Foundation
import Testing

/// What ends a program, or tries to, and what it leaves behind.
extension CommandsTests {
    /// A run that would take minutes, with a signal as soon as it has begun.
    private func signalled(_ signal: Int32, _ output: String, shell prefix: String = "") throws
        -> Result
    {
        let arguments =
            [
                "pretrain", "--config", "configs/pretrain_tiny.yaml", "--data-dir", "Samples",
                "--data-json-dir", "Samples", "--output-dir", output, "--threads", "1",
                "--set", "schedular.epochs=5000",
            ] + Self.small
        return try shell(
            prefix + "exec " + Self.program.path + " " + arguments.joined(separator: " "),
            signal: signal, after: output + "/metrics.jsonl")
    }

    /// Runs a line of a shell; sends it a signal once a file has appeared and has something in it.
    private func shell(_ line: String, signal: Int32? = nil, after file: String = "") throws
        -> Result
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", line]
        process.currentDirectoryURL = Self.root
        let (out, err) = (Self.temporaryDirectory(), Self.temporaryDirectory())
        for path in [out, err] { try Data().write(to: URL(fileURLWithPath: path)) }
        defer { for path in [out, err] { try? FileManager.default.removeItem(atPath: path) } }
        process.standardOutput = FileHandle(forWritingAtPath: out)
        process.standardError = FileHandle(forWritingAtPath: err)
        try process.run()
        if let signal {
            while process.isRunning, FileManager.default.contents(atPath: file)?.isEmpty ?? true {
                usleep(20_000)
            }
            kill(process.processIdentifier, signal)
        }
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus,
            output: try String(contentsOfFile: out, encoding: .utf8),
            errors: try String(contentsOfFile: err, encoding: .utf8))
    }

    /// A closed terminal and the warnings of batch systems save the run.
    @Test(arguments: [SIGHUP, SIGUSR1, SIGXCPU, SIGTERM])
    func signalsWithTimeToSaveSave(_ signal: Int32) throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        let result = try signalled(signal, output)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("--resume goes on from"), "\(result.errors)")
        #expect(FileManager.default.fileExists(atPath: output + "/checkpoint_last.safetensors"))
    }

    @Test func underNohupAClosedTerminalMeansNothing() throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        // What comes after the closed terminal is what ends it.
        let result = try shell(
            """
            trap '' HUP; \(Self.program.path) pretrain --config configs/pretrain_tiny.yaml --data-dir \
            Samples --data-json-dir Samples --output-dir \(output) --threads 1 \
            \(Self.small.joined(separator: " ")) --set schedular.epochs=5000 & vicha=$!
            while [ ! -s \(output)/metrics.jsonl ] && kill -0 $vicha; do sleep 0.1; done
            kill -HUP $vicha; before=$(wc -l < \(output)/metrics.jsonl)
            while [ "$(wc -l < \(output)/metrics.jsonl)" -lt $((before + 5)) ]; do sleep 0.1; done
            kill -TERM $vicha; wait $vicha; echo "status $?"
            """)
        #expect(result.output.contains("status 0"), "\(result.output) \(result.errors)")
    }

    /// It asks for an end, not for a backtrace through libtorch.
    @Test func quitEndsAtOnce() throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        let result = try signalled(SIGQUIT, output)
        #expect(result.status == SIGQUIT)
        #expect(!result.errors.contains("crashed"), "\(result.errors)")
    }

    /// A message that nobody can read ends no run, and goes into no file of it.
    @Test(arguments: ["2>&-", "2>/dev/full", "2> >(head -c 1 >/dev/null)", ">&- 2>&- <&-"])
    func messagesThatCannotBeWrittenEndNothing(_ redirection: String) throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        let line =
            ([
                Self.program.path, "pretrain", "--config", "configs/pretrain_tiny.yaml",
                "--data-dir", "Samples", "--data-json-dir", "Samples", "--output-dir", output,
                "--threads", "1", "--max-steps", "2", "--log-interval", "1",
            ] + Self.small).joined(separator: " ")
        let result = try shell("\(line) \(redirection); echo status $?")
        #expect(result.output == "status 0\n", "\(result.output)")
        let lines = try String(contentsOfFile: output + "/metrics.jsonl", encoding: .utf8)
            .split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("{\"step\": ") }, "\(lines)")
    }

    @Test func otherRunsAreNotOverwrittenUnasked() throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        let first = try pretrain(output, ["--max-steps", "2"])
        #expect(first.status == 0, "\(first.errors)")
        func log() throws -> String {
            try String(contentsOfFile: output + "/metrics.jsonl", encoding: .utf8)
        }
        let before = try log()
        let second = try pretrain(output, ["--max-steps", "1"])
        #expect(second.status != 0)
        #expect(second.errors.contains("'\(output)' holds another run"), "\(second.errors)")
        #expect(second.errors.contains("--overwrite"))
        #expect(try log() == before)
        let both = try pretrain(output, ["--resume", "--overwrite"])
        #expect(both.status != 0 && both.errors.contains("exclude each other"))
        let itself = try pretrain(
            output, ["--overwrite", "--checkpoint", output + "/checkpoint_last.safetensors"])
        #expect(itself.status != 0 && itself.errors.contains("which the run starts from"))
        // A run that was saved elsewhere does not go on among the logs of this one.
        let elsewhere = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: elsewhere) }
        #expect(try pretrain(elsewhere, ["--max-steps", "1"]).status == 0)
        let saved = ["--resume", "--checkpoint", elsewhere + "/checkpoint_last.safetensors"]
        let mixed = try pretrain(output, saved)
        #expect(mixed.status != 0 && mixed.errors.contains("holds another run"))
        let moved = try pretrain(output + "/moved", saved + ["--max-steps", "3"])
        #expect(moved.status == 0, "\(moved.errors)")
        let third = try pretrain(output, ["--max-steps", "1", "--overwrite"])
        #expect(third.status == 0, "\(third.errors)")
        #expect(try log().split(separator: "\n").count == 1)
        #expect(
            !FileManager.default.fileExists(atPath: output + "/checkpoint_previous.safetensors"))
    }

    /// The lock of a process that is killed is gone with it.
    @Test func twoRunsInOneDirectoryAreOneTooMany() throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        let line =
            ([
                Self.program.path, "pretrain", "--config", "configs/pretrain_tiny.yaml",
                "--data-dir", "Samples", "--data-json-dir", "Samples", "--output-dir", output,
                "--threads", "1",
            ] + Self.small).joined(separator: " ")
        let result = try shell(
            """
            \(line) --set schedular.epochs=5000 & vicha=$!
            while [ ! -s \(output)/metrics.jsonl ] && kill -0 $vicha; do sleep 0.1; done
            \(line) --resume; echo "second $?"; \(line) --overwrite; echo "third $?"
            kill -KILL $vicha; wait $vicha
            \(line) --resume; echo "nothing saved $?"
            \(line) --overwrite --max-steps 1; echo "fourth $?"
            """)
        for end in ["second 1", "third 1", "nothing saved 1", "fourth 0"] {
            #expect(result.output.contains(end), "\(result.output) \(result.errors)")
        }
        #expect(result.errors.contains("'\(output)' is in use by another run (process "))
        #expect(result.errors.contains("ended before anything was saved"), "\(result.errors)")
    }

    /// What is saved within an epoch is what a killed run goes on from, with the same end.
    @Test func killedRunsGoOnFromTheLastSave() throws {
        let (whole, parts) = (Self.temporaryDirectory(), Self.temporaryDirectory())
        defer {
            for path in [whole, parts] { try? FileManager.default.removeItem(atPath: path) }
        }
        let settings = [
            "--set", "schedular.epochs=6", "--save-every", "0", "--config",
            "configs/pretrain_tiny.yaml", "--data-dir", "Samples", "--data-json-dir", "Samples",
            "--threads", "1",
        ]
        let undisturbed = try vicha(["pretrain", "--output-dir", whole] + settings + Self.small)
        #expect(undisturbed.status == 0, "\(undisturbed.errors)")
        var arguments = ["pretrain", "--output-dir", parts] + settings + Self.small
        for kill in 1...3 {
            _ = try vicha(arguments, killAfter: parts + "/checkpoint_previous.safetensors")
            if kill == 1 { arguments.append("--resume") }
        }
        let last = try vicha(arguments)
        #expect(last.status == 0, "\(last.errors)")
        for file in ["metrics.jsonl", "log.txt", "checkpoint_last.safetensors"] {
            let (a, b) = (
                FileManager.default.contents(atPath: whole + "/" + file),
                FileManager.default.contents(atPath: parts + "/" + file)
            )
            #expect(a != nil && a == b, "\(file)")
        }
    }

    /// Another vocabulary of the same size is another language.
    @Test func vocabularyOfTheCheckpointIsTheOneToUse() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let output = directory + "/run"
        let first = try pretrain(output, ["--max-steps", "1"])
        #expect(first.status == 0, "\(first.errors)")
        let own = Self.root.appendingPathComponent(".venv/minilm/vocab.txt").path
        let lines = try String(contentsOfFile: own, encoding: .utf8).split(separator: "\n")
        let other = directory + "/other.txt"
        try (lines.prefix(1000) + lines.dropFirst(1000).reversed()).joined(separator: "\n")
            .write(toFile: other, atomically: true, encoding: .utf8)
        for arguments in [
            ["--resume"],
            ["--checkpoint", output + "/checkpoint_last.safetensors", "--overwrite"],
        ] {
            let place = arguments[0] == "--resume" ? output : directory + "/new"
            let result = try pretrain(place, arguments + ["--vocabulary", other])
            #expect(result.status != 0)
            #expect(
                result.errors.contains(other) && result.errors.contains("minilm/vocab.txt"),
                "\(result.errors)")
        }
    }

    /// A BERT and a vocabulary that do not belong together.
    @Test func vocabularyOfTheTextEncoderIsTheOneToUse() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let bert = Self.root.appendingPathComponent(".venv/minilm").path
        let lines = try String(contentsOfFile: bert + "/vocab.txt", encoding: .utf8)
            .split(separator: "\n")
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let other = directory + "/other.txt"
        try (lines.prefix(1000) + lines.dropFirst(1000).reversed()).joined(separator: "\n")
            .write(toFile: other, atomically: true, encoding: .utf8)
        let result = try vicha([
            "pretrain", "--config", "configs/pretrain_tiny.yaml", "--data-dir", "Samples",
            "--data-json-dir", "Samples", "--output-dir", directory + "/run", "--text-encoder",
            bert, "--vocabulary", other,
        ])
        #expect(result.status != 0)
        #expect(
            result.errors.contains(bert + "/vocab.txt") && result.errors.contains(other),
            "\(result.errors)")
    }

    /// A clone that was built can be moved: the program finds libtorch from where it lies.
    @Test func builtClonesCanBeMoved() throws {
        let clone = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: clone) }
        let build = clone + "/.build/machine/debug"
        try FileManager.default.createDirectory(
            atPath: build, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: clone + "/.venv",
            withDestinationPath: Self.root.appendingPathComponent(".venv").path)
        try FileManager.default.copyItem(
            atPath: Self.program.path, toPath: build + "/vicha")
        let result = try shell("LD_DEBUG=libs \(build)/vicha --help")
        #expect(result.status == 0)
        #expect(
            result.errors.contains("calling init: \(build)/../../../.venv/libtorch/lib/libc10.so"))
    }

    /// A demo removes what it made, and nothing that lay there or was put there.
    @Test func demoRemovesNothingOfOthers() throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        try FileManager.default.createDirectory(
            atPath: output + "/scenes", withIntermediateDirectories: true)
        try "mine".write(toFile: output + "/scenes/notes", atomically: true, encoding: .utf8)
        let demo = ["demo", "--output-dir", output, "--minutes", "0.2", "--threads", "1"]
        let first = try vicha(demo)
        #expect(first.status != 0)
        #expect(first.errors.contains("did not make (notes)"), "\(first.errors)")
        #expect(FileManager.default.fileExists(atPath: output + "/scenes/notes"))
        try FileManager.default.removeItem(atPath: output + "/scenes")
        let made = try vicha(demo, interruptAfter: output + "/scenes/dataset.json")
        #expect(made.status == 0, "\(made.errors)")
        // Something of one's own beside what the demo made.
        try "mine".write(toFile: output + "/scenes/notes", atomically: true, encoding: .utf8)
        let again = try vicha(demo + ["--rerun", "scenes"])
        #expect(again.status != 0 && again.errors.contains("did not make (notes)"))
        #expect(FileManager.default.fileExists(atPath: output + "/scenes/dataset.json"))
        try FileManager.default.removeItem(atPath: output + "/scenes/notes")
        // Another demo in the same place is asked about.
        let larger = try vicha(["demo", "--output-dir", output, "--minutes", "0.3"])
        #expect(larger.status != 0 && larger.errors.contains("--overwrite"), "\(larger.errors)")
        let replaced = try vicha(
            ["demo", "--output-dir", output, "--minutes", "0.3", "--overwrite"],
            interruptAfter: output + "/clip/metrics.jsonl")
        #expect(replaced.status == 0, "\(replaced.errors)")
    }
}
