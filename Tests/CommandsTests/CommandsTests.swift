import Foundation
import Images
import Testing
import Torch

/// The program as a user runs it.
@Suite(.serialized) struct CommandsTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../..").standardized

    /// The binary that was built with the tests.
    static var program: URL {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        for directory in [bundle, root.appendingPathComponent(".build/debug")] {
            let candidate = directory.appendingPathComponent("vicha")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
        }
        return root.appendingPathComponent(".build/debug/vicha")
    }

    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs a command; with `interruptAfter` sends it an interrupt once that file has appeared, with
    /// `killAfter` ends it without warning.
    func vicha(
        _ arguments: [String], environment: [String: String] = [:], interruptAfter: String? = nil,
        killAfter: String? = nil
    ) throws -> Result {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        process.currentDirectoryURL = Self.root
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (out, err) = (
            FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString),
            FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        )
        for url in [out, err] { try Data().write(to: url) }
        defer { for url in [out, err] { try? FileManager.default.removeItem(at: url) } }
        process.standardOutput = try FileHandle(forWritingTo: out)
        process.standardError = try FileHandle(forWritingTo: err)
        try process.run()
        if let file = interruptAfter ?? killAfter {
            while process.isRunning,
                FileManager.default.contents(atPath: file)?.isEmpty ?? true
            {
                usleep(killAfter == nil ? 20_000 : 500)
            }
            kill(process.processIdentifier, killAfter == nil ? SIGINT : SIGKILL)
        }
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: try String(contentsOf: out, encoding: .utf8),
            errors: try String(contentsOf: err, encoding: .utf8))
    }

    static func temporaryDirectory() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    }

    /// Sizes that make a step cheap.
    static let small = [
        "image_res=32", "vision_width=24", "vision_depth=2", "vision_heads=2", "decoder_width=24",
        "decoder_heads=2", "decoder_depth=1", "num_hidden_align=1", "bert_config.hidden_size=24",
        "bert_config.encoder_width=24", "bert_config.num_attention_heads=2",
        "bert_config.intermediate_size=32", "bert_config.num_hidden_layers=2",
        "bert_config.fusion_layer=1", "num_hidden_layers_kw=1",
    ].flatMap { ["--set", $0] }

    func pretrain(_ output: String, _ extra: [String], interruptAfter file: String? = nil) throws
        -> Result
    {
        try vicha(
            [
                "pretrain", "--config", "configs/pretrain_tiny.yaml", "--data-dir", "Samples",
                "--data-json-dir", "Samples", "--output-dir", output, "--threads", "1",
            ] + Self.small + extra, interruptAfter: file)
    }

    @Test func helpHasExamples() throws {
        let groups = [
            "concepts": [
                "extract", "embed-text", "embed-images", "attach", "show", "train-clip",
                "train-tagger",
            ], "filter": ["per-image", "percentage"],
            "retrieval": ["train", "evaluate", "index", "search", "match"],
            "grounding": ["train", "evaluate", "draw"], "vqa": ["train", "evaluate", "ask"],
            "entailment": ["train", "evaluate"], "nlvr": ["assign", "train", "evaluate"],
        ]
        let commands =
            [[], ["pretrain"], ["scenes"], ["demo"], ["ablate"], ["parity"]]
            + groups.flatMap { group in [[group.key]] + group.value.map { [group.key, $0] } }
        for command in commands {
            let result = try vicha(command + ["--help"])
            #expect(result.status == 0)
            #expect(result.output.contains("EXAMPLES"), "\(command)")
        }
    }

    @Test func interruptedAndResumedOnTheCommandLine() throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        let first = try pretrain(
            output, ["--set", "schedular.epochs=500"], interruptAfter: output + "/metrics.jsonl")
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.errors.contains("--resume goes on from"))
        func steps() throws -> Int {
            try String(contentsOfFile: output + "/metrics.jsonl", encoding: .utf8).split(
                separator: "\n"
            ).count
        }
        let before = try steps()
        #expect(before >= 1)
        let second = try pretrain(
            output, ["--set", "schedular.epochs=500", "--resume", "--max-steps", "\(before + 3)"])
        #expect(second.status == 0, "\(second.errors)")
        #expect(try steps() == before + 3)
        // The official spelling of options, and starting from weights.
        let third = try vicha(
            [
                "pretrain", "--config", output + "/config.yaml", "--data_dir", "Samples",
                "--data_json_dir",
                "Samples", "--output_dir", output + "/again", "--checkpoint",
                output + "/checkpoint_last.safetensors", "--max-steps", "1",
            ])
        #expect(third.status == 0, "\(third.errors)")
    }

    @Test func badInputIsAnsweredClearly() throws {
        let output = Self.temporaryDirectory()
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: output) }
        func failure(_ extra: [String], _ expected: String) throws {
            let result = try pretrain(output + "/run", extra)
            #expect(result.status != 0, "\(extra)")
            #expect(result.errors.contains(expected), "\(extra): \(result.errors)")
            #expect(!result.errors.contains("Fatal error"), "\(result.errors)")
        }
        func annotations(_ name: String, _ text: String) throws -> [String] {
            try text.write(toFile: output + "/" + name, atomically: true, encoding: .utf8)
            return ["--set", "train_file=[\(output)/\(name)]"]
        }
        try failure(annotations("empty.json", "[]"), "no record")
        try failure(annotations("cut.json", "[{"), "line 1, column 3, in record 0")
        try failure(
            annotations(
                "nocaption.json",
                #"[{"image": "photos/cat.png", "kwords": []}, {"image": "photos/cat.png"}]"#)
                + ["--set", "batch_size=2"],
            "record 0")
        try failure(["--data-dir", "/nowhere"], "16 images are missing")
        try failure(["--set", "batch_size=many"], "batch_size")
        try failure(["--set", "vision_heads=5"], "vision_heads")
        try failure(["--set", "batch_size=3"], "queue_size")
        try failure(["--config", "/no.yaml"], "no such file")
        try failure(["--checkpoint", "/no.safetensors"], "/no.safetensors")
        try failure(["--resume"], "there is no checkpoint in '\(output)/run'")
        try failure(["--output-dir", "/dev/null/x"], "cannot write '/dev/null/x'")
        if Device.cudaCount == 0 { try failure(["--device", "cuda"], "no CUDA device") }
        let warned = try pretrain(output + "/run", ["--set", "queue_sise=8", "--max-steps", "1"])
        #expect(warned.status == 0)
        #expect(
            warned.errors.contains("'queue_sise' is unknown")
                && warned.errors.contains("'queue_size'"))
        // A checkpoint of other sizes names the keys.
        try failure(
            [
                "--checkpoint", output + "/run/checkpoint_last.safetensors", "--set",
                "embed_dim=20", "--output-dir", output + "/other",
            ],
            "vision_proj.weight (model [20, 24], file [64, 24])")
    }

    /// A limit on the size of files stands for a full disk: the write fails half-way in the same
    /// place, and the checkpoint that was there stays.
    @Test func failedWriteKeepsTheOldCheckpoint() throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        #expect(try pretrain(output, ["--max-steps", "1"]).status == 0)
        let checkpoint = output + "/checkpoint_last.safetensors"
        let before = try Data(contentsOf: URL(fileURLWithPath: checkpoint))
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.currentDirectoryURL = Self.root
        let command =
            [
                Self.program.path, "pretrain", "--config", output + "/config.yaml", "--data-dir",
                "Samples",
                "--data-json-dir", "Samples", "--output-dir", output, "--resume", "--max-steps",
                "2",
            ].map { "'\($0)'" }.joined(separator: " ")
        shell.arguments = ["-c", "trap '' XFSZ; ulimit -f 1000; exec \(command)"]
        let errors = Pipe()
        shell.standardError = errors
        try shell.run()
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(shell.terminationStatus != 0)
        #expect(text.contains("cannot write '\(checkpoint)'"), "\(text)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: checkpoint)) == before)
        let left = try FileManager.default.contentsOfDirectory(atPath: output)
        #expect(!left.contains { $0.contains(".tmp-") }, "\(left)")
    }

    @Test func unreadableImagesAreSkippedAndCounted() throws {
        let data = Self.temporaryDirectory()
        try FileManager.default.copyItem(
            atPath: Self.root.appendingPathComponent("Samples").path, toPath: data)
        defer { try? FileManager.default.removeItem(atPath: data) }
        let photo = data + "/photos/coffee.jpg"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: photo))
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: photo))
        try Data("no image".utf8).write(to: URL(fileURLWithPath: data + "/photos/rocket.jpg"))
        try ImageEncoder.png(RGBImage(width: 1, height: 1, filledWith: 9)).write(
            to: URL(fileURLWithPath: data + "/photos/cat.png"))
        try ImageEncoder.png(RGBImage(width: 12_000, height: 3, filledWith: 9)).write(
            to: URL(fileURLWithPath: data + "/photos/moon.png"))
        try FileManager.default.removeItem(atPath: data + "/photos/clock.png")
        let output = data + "/out"
        let refused = try pretrain(output, ["--data-dir", data])
        #expect(refused.status != 0)
        #expect(refused.errors.contains("clock.png"))
        let result = try pretrain(
            output, ["--data-dir", data, "--allow-missing-images", "--set", "schedular.epochs=1"])
        #expect(result.status == 0, "\(result.errors)")
        for name in ["coffee.jpg", "rocket.jpg", "clock.png"] {
            #expect(
                result.errors.contains("skipped: ") && result.errors.contains(name),
                "\(result.errors)")
        }
        #expect(
            try String(contentsOfFile: output + "/log.txt", encoding: .utf8).contains(
                "\"skipped_images\": "))
    }

    @Test func scenesAreMadeOnceAndPretrainedOn() throws {
        let scenes = Self.temporaryDirectory()
        let output = Self.temporaryDirectory()
        defer {
            for path in [scenes, output] { try? FileManager.default.removeItem(atPath: path) }
        }
        let make = ["scenes", scenes, "--images", "60", "--size", "48"]
        let first = try vicha(make + ["--concepts", "generator"])
        #expect(first.status == 0 && first.output.contains("made \(scenes)"), "\(first.errors)")
        #expect(first.output.contains("know the truth in part"))
        let again = try vicha(make + ["--concepts", "generator"])
        #expect(again.status == 0 && again.output.contains("there already"))
        let other = try vicha(make)
        #expect(other.status != 0 && other.errors.contains("holds other scenes"))
        let few = try vicha(["scenes", output, "--images", "3"])
        #expect(few.status != 0 && few.errors.contains("--images must be 40 or more"))
        let run = try vicha(
            [
                "pretrain", "--config", "configs/scenes/pretrain.yaml", "--data-dir", scenes,
                "--data-json-dir", scenes, "--vocabulary", scenes + "/vocab.txt", "--output-dir",
                output, "--threads", "1", "--max-steps", "1", "--set", "batch_size=32",
            ] + Self.small)
        #expect(run.status == 0, "\(run.errors)")
    }

    @Test func parityCommandCountsCases() throws {
        let fixtures = Self.root.appendingPathComponent("Tests/ParityTests/Fixtures").path
        let result = try vicha(["parity", fixtures, "--only", "options_lr_schedule"])
        #expect(result.status == 0)
        #expect(result.output.contains("1 passed, 0 failed"))
        let none = try vicha(["parity", "/nowhere"])
        #expect(none.status != 0)
        #expect(none.errors.contains("holds no case"))
    }
}
