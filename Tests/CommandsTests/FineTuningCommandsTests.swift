import Foundation
import Images
import Testing
import Torch

/// Retrieval and grounding as a user runs them: from scenes to evaluated models.
extension CommandsTests {
    /// Scenes with the generator's concepts, and a pretraining checkpoint.
    func pretrained() throws -> (directory: String, run: [String]) {
        let directory = Self.temporaryDirectory()
        let scenes = directory + "/scenes"
        let made = try vicha([
            "scenes", scenes, "--images", "60", "--size", "48", "--concepts", "generator",
        ])
        #expect(made.status == 0, "\(made.errors)")
        let run =
            [
                "--data-dir", scenes, "--data-json-dir", scenes, "--vocabulary",
                scenes + "/vocab.txt", "--threads", "1",
            ] + Self.small
        let pretrained = try vicha(
            [
                "pretrain", "--config", "configs/scenes/pretrain.yaml", "--output-dir",
                directory + "/pretrain", "--max-steps", "2", "--set", "batch_size=32",
            ] + run)
        #expect(pretrained.status == 0, "\(pretrained.errors)")
        return (directory, run)
    }

    @Test func retrievalIsTrainedAndEvaluated() throws {
        let (directory, run) = try pretrained()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let start = directory + "/pretrain/checkpoint_last.safetensors"
        let output = directory + "/retrieval"
        let train = [
            "retrieval", "train", "--config", "configs/scenes/retrieval.yaml", "--output-dir",
            output, "--set", "schedular.epochs=2",
        ]
        let missing = try vicha(train + run)
        #expect(missing.errors.contains("--model is missing"), "\(missing.errors)")
        let first = try vicha(train + run + ["--checkpoint", start, "--max-steps", "7"])
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.errors.contains("k_test is 32, but there are 3 images"), "\(first.errors)")
        #expect(first.errors.contains("best epoch: 0"), "\(first.errors)")
        let second = try vicha(train + run + ["--resume", "--max-steps", "9"])
        #expect(second.status == 0, "\(second.errors)")
        let log = try String(contentsOfFile: output + "/log.txt", encoding: .utf8)
        for field in ["train_loss_ita", "train_loss_itm", "val_txt_r1", "test_r_mean"] {
            #expect(log.contains("\"\(field)\": "), "\(log)")
        }
        // Evaluated again, the best epoch is what training said.
        let again = try vicha(
            [
                "retrieval", "evaluate", "--config", output + "/config.yaml", "--checkpoint",
                output + "/checkpoint_best.safetensors", "--output-dir", directory + "/evaluated",
            ] + run)
        #expect(again.status == 0, "\(again.errors)")
        #expect(again.output.contains("test: 6 images"), "\(again.output)")
        let found = try String(contentsOfFile: directory + "/evaluated/log.txt", encoding: .utf8)
        let mean = try #require(
            found.range(of: #""test_r_mean": [0-9.]+"#, options: .regularExpression))
        #expect(log.contains(found[mean]), "\(found)\n\(log)")
        // Two processes find what one does, and say it once.
        let shared = try vicha(
            [
                "retrieval", "evaluate", "--config", output + "/config.yaml", "--checkpoint",
                output + "/checkpoint_best.safetensors", "--processes", "2",
            ] + run)
        #expect(shared.status == 0 && shared.output == again.output, "\(shared.errors)")
        let many = try vicha(
            [
                "retrieval", "evaluate", "--config", output + "/config.yaml", "--checkpoint",
                output + "/checkpoint_best.safetensors", "--processes", "4",
            ] + run)
        #expect(many.status != 0 && many.errors.contains("more than the images"), "\(many.errors)")
        let lone = try vicha(
            ["retrieval", "evaluate", "--config", output + "/config.yaml", "--checkpoint", start]
                + run, environment: ["WORLD_SIZE": "2", "RANK": "2"])
        #expect(lone.status != 0 && lone.errors.contains("RANK must be"), "\(lone.errors)")
        // The features alone, straight from pretraining.
        let dual = try vicha(
            [
                "retrieval", "evaluate", "--config", "configs/scenes/retrieval.yaml",
                "--checkpoint", start, "--set", "dual_metrics=True",
            ] + run)
        #expect(dual.status == 0 && !dual.output.contains("matching head"), "\(dual.errors)")
    }

    /// A model directory says everything: no configuration, no vocabulary, no CLIP beside it; also when it
    /// and what it names are moved together.
    @Test func modelsOpenFromTheirDirectories() throws {
        let directory = try pretrained().directory
        let moved = Self.temporaryDirectory()
        defer {
            for path in [directory, moved] { try? FileManager.default.removeItem(atPath: path) }
        }
        let scenes = directory + "/scenes"
        let clip = try vicha([
            "concepts", "train-clip", "--config", "configs/scenes/clip.yaml", "--data-dir", scenes,
            "--data-json-dir", scenes, "--output-dir", directory + "/clip", "--max-steps", "1",
            "--set", "batch_size=4", "--threads", "1",
        ])
        #expect(clip.status == 0, "\(clip.errors)")
        try #"["dog", "house", "red star"]"#.write(
            toFile: directory + "/concepts.json", atomically: true, encoding: .utf8)
        try #"{"vocabulary": "../concepts.json", "clip": "../clip", "count": 2}"#.write(
            toFile: scenes + "/concept_origin.json", atomically: true, encoding: .utf8)
        // All but the vocabulary, which the model brings along.
        let trained = try vicha(
            [
                "retrieval", "train", "--config", "configs/scenes/retrieval.yaml", "--model",
                directory + "/pretrain", "--output-dir", directory + "/retrieval", "--max-steps",
                "1", "--data-dir", scenes, "--data-json-dir", scenes, "--threads", "1",
            ] + Self.small)
        #expect(trained.status == 0, "\(trained.errors)")
        try FileManager.default.moveItem(atPath: directory, toPath: moved)
        let model = ["--model", moved + "/retrieval", "--threads", "1"]
        let test = moved + "/scenes/images/test"
        let found = try vicha(["retrieval", "search", "a red star", "--images", test] + model)
        #expect(found.status == 0 && !found.errors.contains("no concepts"), "\(found.errors)")
        let given = try vicha(
            ["retrieval", "search", "a red star", "--images", test] + model + [
                "--concepts", moved + "/concepts.json", "--clip", moved + "/clip", "--top", "2",
            ])
        #expect(found.output == given.output && given.status == 0, "\(given.errors)")
        let evaluated = try vicha(
            [
                "retrieval", "evaluate", "--data-dir", moved + "/scenes", "--data-json-dir",
                moved + "/scenes",
            ] + model)
        #expect(evaluated.status == 0, "\(evaluated.errors)")
        #expect(evaluated.output.contains("test: 6 images"), "\(evaluated.output)")
        // A link to it, and a run with its configuration elsewhere.
        let link = moved + "/images/link"
        try FileManager.default.createDirectory(
            atPath: link.parentDirectory, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: moved + "/retrieval")
        let linked = try vicha([
            "retrieval", "search", "a red star", "--images", test, "--threads", "1", "--model",
            link,
        ])
        #expect(linked.output == found.output && linked.status == 0, "\(linked.errors)")
        let again = try vicha(
            [
                "retrieval", "train", "--config", moved + "/retrieval/config.yaml", "--output-dir",
                moved + "/a/b/again", "--max-steps", "1", "--data-dir", moved + "/scenes",
                "--data-json-dir", moved + "/scenes",
            ] + model)
        #expect(again.status == 0, "\(again.errors)")
        let text = try String(contentsOfFile: moved + "/a/b/again/config.yaml", encoding: .utf8)
        #expect(text.contains("../../../clip") && text.contains("../../../concepts.json"))
        // Another task, no model at all, both ways at once, another vocabulary, and a run of another task.
        let scenesOption = ["--data-dir", moved + "/scenes", "--data-json-dir", moved + "/scenes"]
        let image = test + "/" + (try FileManager.default.contentsOfDirectory(atPath: test))[0]
        let other = moved + "/other.txt"
        let words = try String(contentsOfFile: moved + "/retrieval/vocab.txt", encoding: .utf8)
            .split(separator: "\n")
        try (words.prefix(5) + words.dropFirst(5).reversed()).joined(separator: "\n")
            .write(toFile: other, atomically: true, encoding: .utf8)
        for (arguments, parts) in [
            (["vqa", "ask", image, "what is it?"] + model, ["for retrieval", "for question"]),
            (["vqa", "ask", image, "what is it?", "--model", test], ["there is no model"]),
            (["vqa", "ask", image, "what is it?"], ["--model is missing"]),
            (
                ["vqa", "ask", image, "?", "--checkpoint", "x"] + model,
                ["--model and --checkpoint"]
            ),
            (
                ["retrieval", "search", "a", "--images", test, "--vocabulary", other] + model,
                [other, "pretrain/vocab.txt"]
            ),
            (
                [
                    "entailment", "train", "--config", "configs/scenes/entailment.yaml", "--resume",
                    "--output-dir", moved + "/retrieval", "--threads", "1",
                ] + scenesOption + Self.small, ["for retrieval", "for entailment"]
            ),
        ] {
            let refused = try vicha(arguments)
            #expect(refused.status != 0)
            for part in parts { #expect(refused.errors.contains(part), "\(refused.errors)") }
        }
    }

    /// Images and texts that stand in no annotation file, with a model straight from pretraining.
    @Test func imagesAreSearchedMatchedAndDrawn() throws {
        let directory = try pretrained().directory
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let scenes = directory + "/scenes"
        let clip = try vicha([
            "concepts", "train-clip", "--config", "configs/scenes/clip.yaml", "--data-dir", scenes,
            "--data-json-dir", scenes, "--output-dir", directory + "/clip", "--max-steps", "1",
            "--set", "batch_size=4", "--threads", "1",
        ])
        #expect(clip.status == 0, "\(clip.errors)")
        let vocabulary = directory + "/concepts.json"
        try #"["dog", "house", "red star"]"#.write(
            toFile: vocabulary, atomically: true, encoding: .utf8)
        let model = [
            "--checkpoint", directory + "/pretrain/checkpoint_last.safetensors", "--vocabulary",
            scenes + "/vocab.txt", "--threads", "1",
        ]
        let concepts = ["--concepts", vocabulary, "--clip", directory + "/clip", "--top", "2"]
        let test = scenes + "/images/test"
        try Data("no image".utf8).write(to: URL(fileURLWithPath: test + "/broken.jpg"))
        let page = directory + "/page.html"
        let found = try vicha(
            [
                "retrieval", "search", "a red star", "--images", test, "--html", page, "--results",
                "3",
            ]
                + model + concepts)
        #expect(found.status == 0, "\(found.errors)")
        #expect(found.output.contains("broken.jpg"), "\(found.output)")
        let html = try String(contentsOfFile: page, encoding: .utf8)
        #expect(html.components(separatedBy: "data:image/jpeg").count == 1 + 3)
        // An index gives the same, without CLIP at hand, and knows what it was made with.
        let (index, words) = (directory + "/index", ["retrieval", "search", "a red star"])
        let make = ["retrieval", "index", test, "--output-dir", index] + model + concepts
        let indexed = try vicha(make)
        #expect(indexed.status == 0 && indexed.output.contains("6 images are in"))
        #expect(indexed.output.contains("broken.jpg"), "\(indexed.output) \(indexed.errors)")
        for extra in [[], ["--dual"]] {
            let direct = try vicha(words + ["--images", test] + model + concepts + extra)
            let fast = try vicha(words + ["--index", index] + model + extra)
            #expect(fast.status == 0, "\(fast.errors)")
            let lines = direct.output.split(separator: "\n").filter { $0.contains(test) }
            #expect(fast.output.split(separator: "\n") == lines.filter { !$0.contains("broken") })
        }
        // Features that are no numbers would stand first in every search.
        var weights = try SafetensorsFile(
            path: directory + "/pretrain/checkpoint_last.safetensors"
        ).tensors().mapValues { $0.cloned() }
        weights["vision_proj.weight"] = weights["vision_proj.weight"].map { .full($0.shape, .nan) }
        try writeSafetensors(weights, to: directory + "/pretrain/broken.safetensors")
        let broken = try vicha(
            [
                "retrieval", "index", test, "--output-dir", directory + "/broken", "--checkpoint",
                directory + "/pretrain/broken.safetensors",
            ] + model[2...])
        #expect(broken.status != 0 && broken.errors.contains("the feature of '\(test)/"))
        // A file of the index's names where there is no index is somebody else's.
        try FileManager.default.createDirectory(
            atPath: directory + "/other", withIntermediateDirectories: true)
        let named = directory + "/other/vocabulary.json"
        try "mine".write(toFile: named, atomically: true, encoding: .utf8)
        let taken = try vicha(
            ["retrieval", "index", test, "--output-dir", directory + "/other"] + model)
        #expect(taken.status != 0 && taken.errors.contains("has not written it"))
        #expect(try String(contentsOfFile: named, encoding: .utf8) == "mine")
        let remade = try vicha(make)
        #expect(remade.status == 0 && remade.output == indexed.output, "\(remade.errors)")
        let bareAgain = try vicha(
            ["retrieval", "index", test, "--output-dir", index] + model)
        #expect(bareAgain.status != 0 && bareAgain.errors.contains("was begun with"))
        let other = directory + "/other.safetensors"
        var tensors = try SafetensorsFile(
            path: directory + "/pretrain/checkpoint_last.safetensors"
        ).tensors()
        for (key, tensor) in tensors where key.hasSuffix("vision_proj.weight") {
            tensors[key] = tensor * 2
        }
        try writeSafetensors(tensors, to: other)
        let foreign = try vicha(
            words + ["--index", index, "--checkpoint", other, "--vocabulary"]
                + [scenes + "/vocab.txt", "--config", directory + "/pretrain/config.yaml"])
        #expect(foreign.status != 0 && foreign.errors.contains("made with other weights"))
        let neither = try vicha(words + model)
        #expect(neither.status != 0 && neither.errors.contains("--images or --index"))
        let image = try #require(
            FileManager.default.contentsOfDirectory(atPath: test).sorted().first {
                $0 != "broken.jpg"
            })
        // Without concepts too an image that cannot be read is left out and listed.
        let bare = try vicha(["retrieval", "search", "a red star", "--images", test] + model)
        #expect(bare.status == 0 && bare.output.contains("broken.jpg"), "\(bare.errors)")
        let unreadable = try vicha(
            ["retrieval", "match", test + "/broken.jpg", "--captions", vocabulary] + model)
        #expect(
            unreadable.status != 0 && unreadable.errors.contains("broken.jpg"),
            "\(unreadable.errors)")
        // Without concepts the model still works, and says what it misses; equal captions count once.
        let captions = directory + "/captions.txt"
        try "a dog\n\na house\na dog\n".write(
            toFile: captions, atomically: true, encoding: .utf8)
        let matched = try vicha(
            ["retrieval", "match", test + "/" + image, "--captions", captions, "--dual"] + model)
        #expect(matched.status == 0 && matched.errors.contains("no concepts"), "\(matched.errors)")
        #expect(matched.output.split(separator: "\n").count == 2, "\(matched.output)")
        let drawing = directory + "/heat.png"
        let draw = ["grounding", "draw", test + "/" + image]
        for (mode, block) in [("itm", "1"), ("itc", "1")] {
            let drawn = try vicha(
                draw + ["the red stars", "--output", drawing, "--gradcam-mode", mode] + model
                    + concepts + ["--block-num", block])
            #expect(drawn.status == 0, "\(drawn.errors)")
            let image = try ImageDecoder.decode(path: drawing)
            // The image, the phrase and its three words; without words the first two.
            #expect((image.height > 500) == (mode == "itm"), "\(image.width)×\(image.height)")
        }
        let long = Array(repeating: "star", count: 200).joined(separator: " ")
        let cut = try vicha(
            draw + [long, "--output", drawing, "--block-num", "1"] + model + concepts)
        #expect(cut.status == 0 && cut.errors.contains("cut after 30 words"), "\(cut.errors)")
        for (arguments, message) in [
            (draw + ["!?", "--block-num", "1"], "no word"),
            (draw + ["star"], "fusion layer"),
            (["retrieval", "search", "x", "--images", "Documentation"], "no JPEG or PNG"),
            (["retrieval", "match", "x.jpg", "--captions", "/none.txt"], "/none.txt"),
            (draw + ["star", "--clip", directory], "give both"),
        ] {
            let failed = try vicha(arguments + model)
            #expect(failed.status != 0 && failed.errors.contains(message), "\(failed.errors)")
        }
    }

    @Test func groundingIsTrainedAndEvaluated() throws {
        let (directory, run) = try pretrained()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let output = directory + "/grounding"
        let config = ["--config", "configs/scenes/grounding.yaml"] + run
        let start = ["--checkpoint", directory + "/pretrain/checkpoint_last.safetensors"]
        let wrong = try vicha(
            [
                "grounding", "train", "--output-dir", output, "--gradcam-mode", "itm",
                "--block-num", "0",
            ]
                + config + start)
        #expect(wrong.status != 0 && wrong.errors.contains("fusion layer"), "\(wrong.errors)")
        let trained = try vicha(
            [
                "grounding", "train", "--output-dir", output, "--gradcam-mode", "itm",
                "--block-num", "1",
            ]
                + config + start
                + ["--set", "batch_size=64"])
        #expect(trained.status == 0, "\(trained.errors)")
        let log = try String(contentsOfFile: output + "/log.txt", encoding: .utf8)
        #expect(log.contains("\"val_d\": ") && log.contains("\"testB_d\": "), "\(log)")
        let page = directory + "/page.html"
        for mode in [["itm", "1"], ["itc", "0"]] {
            let evaluated = try vicha(
                [
                    "grounding", "evaluate", "--checkpoint",
                    output + "/checkpoint_best.safetensors", "--gradcam-mode", mode[0],
                    "--block_num", mode[1], "--html", page, "--examples", "3",
                ] + config)
            #expect(evaluated.status == 0, "\(evaluated.errors)")
            #expect(evaluated.output.contains("a random box"), "\(evaluated.output)")
            #expect(evaluated.output.contains("hottest inside"), "\(evaluated.output)")
            let html = try String(contentsOfFile: page, encoding: .utf8)
            #expect(html.components(separatedBy: "data:image/jpeg").count == 1 + 2 * 3)
        }
        // References that do not belong to the phrases are named before anything is computed.
        let scenes = directory + "/scenes"
        try "[]".write(
            toFile: scenes + "/refcoco+/refs.json", atomically: true, encoding: .utf8)
        try FileManager.default.removeItem(atPath: scenes + "/refcoco+/refs(unc).p")
        let unknown = try vicha(
            [
                "grounding", "evaluate", "--checkpoint", output + "/checkpoint_best.safetensors",
                "--block-num", "1",
            ] + config)
        #expect(unknown.status != 0 && unknown.errors.contains("ref_id"), "\(unknown.errors)")
    }
}
