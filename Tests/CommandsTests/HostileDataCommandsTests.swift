import Files
import Foundation
import Images
import Reports
import Testing
import Torch

@testable import Commands
@testable import Steps
@testable import Tasks
@testable import Training

/// Numbers that are none, images that are missing or elsewhere, and files that are in the way.
extension CommandsTests {
    private static let evaluations: [[String]] = [
        ["retrieval", "evaluate", "--config", "configs/scenes/retrieval.yaml"],
        ["vqa", "evaluate", "--config", "configs/scenes/vqa.yaml"],
        ["entailment", "evaluate", "--config", "configs/scenes/entailment.yaml"],
        ["nlvr", "evaluate", "--config", "configs/scenes/nlvr.yaml"],
        [
            "grounding", "evaluate", "--config", "configs/scenes/grounding.yaml", "--gradcam-mode",
            "itm", "--block-num", "1",
        ],
    ]

    /// What no evaluation can measure is an error that names the first image or text, and what is
    /// missing is left out where that is allowed.
    @Test func evaluationsRefuseWhatTheyCannotMeasure() throws {
        let (directory, run) = try pretrained()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let checkpoint = directory + "/pretrain/checkpoint_last.safetensors"
        var weights = try SafetensorsFile(path: checkpoint).tensors().mapValues { $0.cloned() }
        for key in weights.keys where key.contains("text_encoder.bert.encoder.layer.1.output") {
            weights[key] = weights[key].map { .full($0.shape, .nan) }
        }
        let broken = directory + "/broken.safetensors"
        try writeSafetensors(weights, to: broken)
        for command in Self.evaluations {
            let output = directory + "/log-" + command[0]
            let result = try vicha(
                command + run + ["--checkpoint", broken, "--output-dir", output])
            #expect(result.status != 0, "\(command[0])")
            #expect(result.errors.contains("is no finite number"), "\(result.errors)")
            #expect(
                result.errors.contains("'") && result.errors.contains("images/"),
                "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: output + "/log.txt"))
        }

        // Features alone, which stand first in any order where they are no numbers.
        weights = try SafetensorsFile(path: checkpoint).tensors().mapValues { $0.cloned() }
        weights["vision_proj.weight"] = weights["vision_proj.weight"].map { .full($0.shape, .nan) }
        try writeSafetensors(weights, to: broken)
        let features = try vicha(
            Self.evaluations[0] + run + ["--checkpoint", broken, "--set", "dual_metrics=True"])
        #expect(features.status != 0 && features.errors.contains("the similarity of the image"))

        try missingImagesAreLeftOut(directory, run, checkpoint)
        try absolutePathsStay(directory, run, checkpoint)
    }

    private func missingImagesAreLeftOut(
        _ directory: String, _ run: [String], _ checkpoint: String
    ) throws {
        let scenes = directory + "/scenes"
        let images = try FileManager.default.contentsOfDirectory(atPath: scenes + "/images/test")
            .sorted()
        let gone = directory + "/gone.jpg"
        let first = scenes + "/images/test/" + images[0]
        try FileManager.default.moveItem(atPath: first, toPath: gone)
        for command in Self.evaluations {
            let arguments = command + run + ["--checkpoint", checkpoint]
            let refused = try vicha(arguments)
            #expect(refused.status != 0, "\(command[0])")
            #expect(
                refused.errors.contains("--allow-missing-images")
                    && refused.errors.contains(images[0]), "\(refused.errors)")
            let allowed = try vicha(arguments + ["--allow-missing-images"])
            #expect(allowed.status == 0, "\(command[0]): \(allowed.errors)")
            #expect(
                allowed.errors.contains("left out") && allowed.errors.contains(images[0]),
                "\(allowed.errors)")
        }
        // What is there and no image is found out before anything is computed, and left out alike.
        try Data("<!DOCTYPE html><html>".utf8).write(to: URL(fileURLWithPath: first))
        for command in [Self.evaluations[0], Self.evaluations[3]] {
            let arguments = command + run + ["--checkpoint", checkpoint]
            let refused = try vicha(arguments)
            #expect(refused.status != 0, "\(command[0])")
            #expect(
                refused.errors.contains("1 images of the evaluation cannot be read")
                    && refused.errors.contains("--allow-missing-images")
                    && refused.errors.contains(images[0]), "\(refused.errors)")
            let allowed = try vicha(arguments + ["--allow-missing-images"])
            #expect(allowed.status == 0, "\(command[0]): \(allowed.errors)")
            #expect(
                allowed.errors.contains("left out") && allowed.errors.contains(images[0]),
                "\(allowed.errors)")
        }
        try FileManager.default.removeItem(atPath: first)
        try FileManager.default.moveItem(atPath: gone, toPath: first)
    }

    /// As Python's `os.path.join`: neither an absolute path nor an absolute root is looked for in
    /// the data directory.
    private func absolutePathsStay(
        _ directory: String, _ run: [String], _ checkpoint: String
    ) throws {
        let scenes = directory + "/scenes"
        let file = scenes + "/retrieval_test.json"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try text.replacing("\"images/", with: "\"\(scenes)/images/")
            .write(toFile: directory + "/absolute.json", atomically: true, encoding: .utf8)
        let base = Self.evaluations[0] + run + ["--checkpoint", checkpoint]
        let relative = try vicha(base)
        #expect(relative.status == 0, "\(relative.errors)")
        let elsewhere = ["--data-dir", "/nowhere"]
        let absolute = try vicha(
            base + elsewhere + [
                "--set", "test_file=\(directory)/absolute.json", "--set", "val_file=null",
            ])
        #expect(absolute.status == 0, "\(absolute.errors)")
        let root = try vicha(base + elsewhere + ["--set", "image_root=\(scenes)"])
        #expect(root.status == 0 && root.output == relative.output, "\(root.errors)")
        #expect(relative.output.hasSuffix(absolute.output.suffix(40)), "\(absolute.output)")
    }

    /// Nothing that is there is lost, whatever is to be copied where.
    @Test func copiesNeverReplaceWhatIsThere() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let files = FileManager.default
        for name in ["out/folder", "other/folder", "in"] {
            try files.createDirectory(
                atPath: directory + "/" + name, withIntermediateDirectories: true)
        }
        func write(_ text: String, _ name: String) throws {
            try text.write(
                toFile: directory + "/" + name, atomically: true, encoding: .utf8)
        }
        func content(_ name: String) throws -> String {
            try String(contentsOfFile: directory + "/" + name, encoding: .utf8)
        }
        let out = directory + "/out"
        try write("mine", "out/a.json")
        try write("inner", "out/folder/x")
        // In place already, by whatever path.
        for path in ["/out/a.json", "/out/./a.json", "/in/../out/a.json", "/out/folder/"] {
            try CopiedFiles([directory + path], to: out, beside: []).copy()
        }
        #expect(try content("out/a.json") == "mine" && content("out/folder/x") == "inner")
        // Another file or directory of the name.
        try write("theirs", "other/a.json")
        try write("changed", "other/folder/x")
        for path in ["/other/a.json", "/other/folder"] {
            #expect(throws: CopyError.self) {
                try CopiedFiles([directory + path], to: out, beside: [])
            }
        }
        // Two of one name, one of a result's name, and a directory into itself.
        try write("1", "in/b.json")
        try write("2", "other/b.json")
        #expect(throws: CopyError.self) {
            try CopiedFiles(
                [directory + "/in/b.json", directory + "/other/b.json"], to: out, beside: [])
        }
        #expect(throws: CopyError.self) {
            try CopiedFiles([directory + "/in/b.json"], to: out, beside: [out + "/b.json"])
        }
        #expect(throws: CopyError.self) {
            try CopiedFiles([directory], to: out, beside: [])
        }
        // What is new is copied, and may be copied again.
        for _ in 0..<2 {
            try CopiedFiles([directory + "/in/b.json"], to: out, beside: []).copy()
            #expect(try content("out/b.json") == "1" && content("in/b.json") == "1")
        }
        #expect(try content("out/a.json") == "mine" && content("out/folder/x") == "inner")
        for _ in 0..<2 { try CopiedFiles([directory + "/in"], to: out, beside: []).copy() }
        #expect(try content("out/in/b.json") == "1")
        try write("2", "in/b.json")
        #expect(throws: CopyError.self) {
            try CopiedFiles([directory + "/in"], to: out, beside: [])
        }
        #expect(try files.contentsOfDirectory(atPath: out).count == 4)
    }

    /// Results replace what is there only when they are told to, and never what they are made from.
    @Test func resultsNeverReplaceWhatIsThereUnasked() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory + "/out", withIntermediateDirectories: true)
        // What each writes, and with what it is called. Nothing is read before the look.
        let commands: [(file: String, arguments: [String])] = [
            (
                "a.json",
                ["concepts", "attach", "in/a.json", "--concepts", "c", "--images", "i"]
                    + ["--output-dir", directory + "/out"]
            ),
            (
                "a.json",
                ["filter", "percentage", "in/a.json", "--share", "0.5", "--clip", "c"]
                    + ["--output-dir", directory + "/out"]
            ),
            (
                "counts.json",
                ["concepts", "extract", "in/a.json", "--output-dir", directory + "/out"]
            ),
            (
                "relations.json",
                ["concepts", "extract", "in/a.json", "--relations"]
                    + ["--output-dir", directory + "/out"]
            ),
            (
                "tagger.txt",
                ["concepts", "train-tagger", "--output", directory + "/out/tagger.txt"]
            ),
            (
                "r.json",
                ["vqa", "evaluate", "--config", "x.yaml", "--checkpoint", "x"]
                    + ["--result", directory + "/out/r.json"]
            ),
        ]
        for (file, arguments) in commands {
            let path = directory + "/out/" + file
            try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
            var command = try Vicha.parseAsRoot(arguments)
            #expect(throws: OutputFileError.exists(path: path), "\(arguments)") {
                try command.run()
            }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
            try FileManager.default.removeItem(atPath: path)
        }
        let options = try OutputFileOptions.parse(["--overwrite"])
        let own = directory + "/out/a.json"
        try Data("mine".utf8).write(to: URL(fileURLWithPath: own))
        #expect(throws: OutputFileError.isInput(path: directory + "/out/./a.json")) {
            try OutputFiles([own], in: directory + "/out/.", options)
        }
        #expect(try OutputFiles(["in/a.json"], in: directory + "/out", options).pairs.count == 1)
        #expect(throws: OutputFileError.sameName("a.json")) {
            try OutputFiles(["in/a.json", "on/a.json"], in: directory + "/out", options)
        }
    }

    /// Nothing that an evaluation reads or writes beside them is replaced by its answers.
    @Test func answersReplaceNothingThatIsRead() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let names = ["c.safetensors", "v.txt", "x.yaml", "a.json", "test.json", "list.json"]
        for name in names {
            let text =
                name == "x.yaml" ? "test_file: [test.json]\nanswer_list: list.json\n" : "mine"
            try Data(text.utf8).write(to: URL(fileURLWithPath: directory + "/" + name))
        }
        func run(_ result: String, _ more: [String] = []) throws {
            var command = try Vicha.parseAsRoot(
                [
                    "vqa", "evaluate", "--config", directory + "/x.yaml", "--checkpoint",
                    directory + "/c.safetensors", "--vocabulary", directory + "/v.txt",
                    "--annotations", directory + "/a.json", "--data-json-dir", directory,
                    "--data-dir", directory, "--overwrite", "--result", result,
                ] + more)
            try command.run()
        }
        for name in names {
            let path = directory + "/./" + name
            #expect(throws: OutputFileError.isInput(path: path)) { try run(path) }
        }
        let page = directory + "/page.html"
        #expect(throws: OutputFileError.twice(path: page)) { try run(page, ["--html", page]) }
        let drawn = try vicha(
            ["grounding", "draw", "./a.png", "word", "--checkpoint", "x", "--output", "a.png"])
        #expect(drawn.status != 0 && drawn.errors.contains("its own result"), "\(drawn.errors)")
    }

    /// A page or an image of this program is made again, and nothing else is taken for one.
    @Test func pagesAndImagesReplaceOnlyTheirOwn() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory + "/folder", withIntermediateDirectories: true)
        let (page, image) = (directory + "/made/page.html", directory + "/image.png")
        try MarkedFile.check(page)
        try Page(title: "A title of some length & more", body: "text").write(to: page)
        try MarkedFile.check(page)
        var drawing = HeatMapImage(
            RGBImage(width: 40, height: 30, filledWith: 90), label: "image")
        try drawing.add("word", heat: .zeros([2, 2]))
        try drawing.write(to: image)
        try MarkedFile.check(image)

        let foreign = directory + "/foreign"
        for data in [
            Data("<!doctype html><title>mine</title><main>words</main>".utf8), Data(),
            try ImageEncoder.png(RGBImage(width: 4, height: 4, filledWith: 3)),
        ] {
            try data.write(to: URL(fileURLWithPath: foreign))
            #expect(throws: OutputFileError.foreign(path: foreign)) {
                try MarkedFile.check(foreign)
            }
        }
        #expect(throws: OutputFileError.isDirectory(path: directory + "/folder")) {
            try MarkedFile.check(directory + "/folder")
        }
        for arguments in [
            ["concepts", "show", "a.jpg", "--concepts", "c", "--html", foreign],
            [
                "retrieval", "search", "text", "--images", "i", "--checkpoint", "x", "--html",
                foreign,
            ],
            ["retrieval", "evaluate", "--config", "x", "--checkpoint", "x", "--html", foreign],
            ["grounding", "draw", "a.jpg", "text", "--checkpoint", "x", "--output", foreign],
        ] {
            let refused = try vicha(arguments)
            #expect(
                refused.status != 0 && refused.errors.contains("has not written it"),
                "\(refused.errors)")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: foreign)).isEmpty == false)
    }

    /// Links are followed, also into a circle; names that are no UTF-8 are told.
    @Test func imagesAreFoundBehindLinks() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let files = FileManager.default
        try files.createDirectory(
            atPath: directory + "/real/deep", withIntermediateDirectories: true)
        for name in ["real/a.jpg", "real/deep/b.PNG", "real/deep/c.txt"] {
            try Data().write(to: URL(fileURLWithPath: directory + "/" + name))
        }
        for (link, target) in [
            ("link", "real"), ("real/deep/up", ".."), ("real/lost.jpg", "nowhere"),
            ("real/d.jpeg", "a.jpg"),
        ] {
            try files.createSymbolicLink(
                atPath: directory + "/" + link, withDestinationPath: target)
        }
        let odd = Array((directory + "/real/caf").utf8) + [0xe9] + Array(".jpg".utf8) + [0]
        odd.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                _ = $0.baseAddress.map { close(open($0, O_CREAT | O_WRONLY, 0o644)) }
            }
        }
        let found = ImageDirectory(directory + "/link")
        #expect(
            found.files
                == ["a.jpg", "d.jpeg", "deep/b.PNG"].map { directory + "/link/" + $0 })
        #expect(found.unnamed == [directory + "/link/caf\\xe9.jpg"])
        #expect(ImageDirectory(directory + "/nothing").files.isEmpty)
    }

    /// A process that nobody can wait for any more did not end well, as far as is known.
    @Test func programsThatCannotBeWaitedForAreAnError() throws {
        #expect(throws: POSIXError.self) {
            // The parent of the tests is no child of theirs.
            _ = try ChildProgram.wait(for: getppid(), stop: StopSignal())
        }
    }

    @Test func numbersThatAreNotFiniteAreNoJSON() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try EvaluationLog.append(
            [("a", 0.5), ("b", .nan), ("c", -.infinity)], to: directory)
        let line = try String(contentsOfFile: directory + "/log.txt", encoding: .utf8)
        #expect(line == "{\"a\": 0.5, \"b\": null, \"c\": null, \"epoch\": 0}\n")
        #expect(try EvaluationLog.last(in: directory) == ["a": 0.5, "epoch": 0])
    }
}
