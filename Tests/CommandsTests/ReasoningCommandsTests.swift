import Foundation
import Testing

/// Questions, entailment and NLVR2 as a user runs them: from scenes to evaluated models.
extension CommandsTests {
    /// The directory, what every command takes, and a pretraining checkpoint.
    private func prepared() throws -> (directory: String, run: [String], start: [String]) {
        let (directory, run) = try pretrained()
        return (
            directory, run, ["--checkpoint", directory + "/pretrain/checkpoint_last.safetensors"]
        )
    }

    @Test func questionsAreLearntAndAnswered() throws {
        let (directory, run, start) = try prepared()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (scenes, output) = (directory + "/scenes", directory + "/vqa")
        let config = ["--config", "configs/scenes/vqa.yaml"] + run
        let trained = try vicha(
            [
                "vqa", "train", "--output-dir", output, "--set", "schedular.epochs=2", "--set",
                "batch_size_train=64",
            ] + config + start)
        #expect(trained.status == 0, "\(trained.errors)")
        #expect(trained.errors.contains(", 0 initialised anew"), "\(trained.errors)")
        #expect(trained.errors.contains("best epoch"), "\(trained.errors)")
        #expect(
            FileManager.default.fileExists(atPath: output + "/result/vqa_result_epoch1.json"))
        let log = try String(contentsOfFile: output + "/log.txt", encoding: .utf8)
        #expect(log.contains("\"val_acc\": ") && log.contains("\"train_loss\": "), "\(log)")
        let best = ["--checkpoint", output + "/checkpoint_best.safetensors"]
        let evaluate = ["vqa", "evaluate", "--config", output + "/config.yaml"] + run + best
        let result = directory + "/result.json"
        let evaluated = try vicha(
            evaluate + [
                "--result", result, "--annotations", scenes + "/vqa_test_annotations.json",
                "--output-dir", directory + "/evaluated", "--list-weights",
            ])
        #expect(evaluated.status == 0, "\(evaluated.errors)")
        #expect(evaluated.output.contains("always '"), "\(evaluated.output)")
        #expect(evaluated.errors.contains("  text_decoder_m."), "unused weights by name")
        let answers = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(fileURLWithPath: result)))
        let questions = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(fileURLWithPath: scenes + "/vqa_test.json")))
        #expect((answers as? [[String: Any]])?.count == (questions as? [Any])?.count)
        // Where answers stand in the records, they are compared with; where nobody has them, not.
        let known = try vicha(evaluate + ["--set", "test_file=[vqa_val.json]"])
        #expect(known.output.contains("always '"), "\(known.output) \(known.errors)")
        let unknown = try vicha(evaluate)
        #expect(unknown.status == 0 && unknown.output.contains("not known"), "\(unknown.errors)")
        // Bad input: results that cannot be written, annotations of other questions, no answers.
        let record = #"{"image": "a.jpg", "dataset": "vqa", "question": "b", "kwords": []"#
        for (name, end) in [("unanswered", "}"), ("empty", #", "answer": []}"#)] {
            try "[\(record)\(end)]".write(
                toFile: scenes + "/\(name).json", atomically: true, encoding: .utf8)
        }
        for (arguments, message) in [
            (evaluate + ["--result", "/none/result.json"], "/none/result.json"),
            (
                evaluate + ["--annotations", scenes + "/vqa_val_annotations.json"],
                "must belong together"
            ),
            (evaluate + ["--set", "answer_list=none.json"], "none.json"),
            (
                ["vqa", "train", "--output-dir", directory + "/x", "--set"]
                    + ["train_file=[unanswered.json]"] + config + start, "'answer'"
            ),
            (
                ["vqa", "train", "--output-dir", directory + "/x", "--set"]
                    + ["train_file=[empty.json]"] + config + start, "'answer'"
            ),
        ] {
            let failed = try vicha(arguments)
            #expect(failed.status != 0 && failed.errors.contains(message), "\(failed.errors)")
        }
        try isAsked(best, scenes: scenes)
    }

    private func isAsked(_ best: [String], scenes: String) throws {
        let images = try FileManager.default.contentsOfDirectory(atPath: scenes + "/images/test")
        let image = scenes + "/images/test/" + (try #require(images.first))
        let ask =
            ["vqa", "ask", image] + best + [
                "--vocabulary", scenes + "/vocab.txt", "--threads", "1",
            ]
        let ranked = try vicha(
            ask + ["How many stars are there?", "--answers", scenes + "/answer_list.json"])
        #expect(ranked.status == 0, "\(ranked.errors)")
        #expect(ranked.output.split(separator: "\n").count == 5, "\(ranked.output)")
        for beams in ["1", "2"] {
            let written = try vicha(ask + ["How many stars are there?", "--beams", beams])
            #expect(written.status == 0, "\(written.errors)")
            #expect(written.output.split(separator: "\n").count == Int(beams))
        }
        let empty = try vicha(ask + ["?!"])
        #expect(empty.status != 0 && empty.errors.contains("no word"), "\(empty.errors)")
    }

    @Test func entailmentIsTrainedAndEvaluated() throws {
        let (directory, run, start) = try prepared()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let output = directory + "/entailment"
        let config = ["--config", "configs/scenes/entailment.yaml"] + run
        let trained = try vicha(
            ["entailment", "train", "--output-dir", output, "--set", "schedular.epochs=1"] + config
                + start)
        #expect(trained.status == 0, "\(trained.errors)")
        #expect(trained.errors.contains(", 8 initialised anew"), "\(trained.errors)")
        let evaluated = try vicha(
            [
                "entailment", "evaluate", "--checkpoint", output + "/checkpoint_best.safetensors",
                "--output-dir", directory + "/evaluated",
            ] + config)
        #expect(evaluated.status == 0, "\(evaluated.errors)")
        #expect(evaluated.output.contains("always '"), "\(evaluated.output)")
        let log = try String(contentsOfFile: output + "/log.txt", encoding: .utf8)
        let found = try String(contentsOfFile: directory + "/evaluated/log.txt", encoding: .utf8)
        let accuracy = try #require(
            found.range(of: #""test_acc": [0-9.]+"#, options: .regularExpression))
        #expect(log.contains(found[accuracy]), "\(found)\n\(log)")
        let scenes = directory + "/scenes"
        try #"[{"image": "a", "sentence": "b", "label": "maybe", "kwords": []}]"#.write(
            toFile: scenes + "/bad.json", atomically: true, encoding: .utf8)
        let bad = try vicha(
            [
                "entailment", "train", "--output-dir", directory + "/x", "--set",
                "train_file=bad.json",
            ]
                + config + start)
        #expect(bad.status != 0 && bad.errors.contains("'maybe'"), "\(bad.errors)")
    }

    @Test func pairsAreAssignedTrainedAndEvaluated() throws {
        let (directory, run, start) = try prepared()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (assigned, output) = (directory + "/assigned", directory + "/nlvr")
        let small = try vicha(
            [
                "nlvr", "assign", "--config", "configs/scenes/assign.yaml", "--output-dir",
                assigned, "--set", "batch_size=2",
            ] + run + start)
        #expect(
            small.status != 0 && small.errors.contains("'batch_size' must be between 3"),
            "\(small.errors)")
        let first = try vicha(
            [
                "nlvr", "assign", "--config", "configs/scenes/assign.yaml", "--output-dir",
                assigned, "--max-steps", "1",
            ] + run + start)
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.errors.contains(", 2 initialised anew"), "\(first.errors)")
        let config = ["--config", "configs/scenes/nlvr.yaml"] + run
        for checkpoint in [["--checkpoint", assigned + "/checkpoint_last.safetensors"], start] {
            try? FileManager.default.removeItem(atPath: output)
            let trained = try vicha(
                ["nlvr", "train", "--output-dir", output, "--set", "schedular.epochs=1"] + config
                    + checkpoint)
            #expect(trained.status == 0, "\(trained.errors)")
        }
        let evaluated = try vicha(
            ["nlvr", "evaluate", "--checkpoint", output + "/checkpoint_best.safetensors"] + config)
        #expect(evaluated.status == 0, "\(evaluated.errors)")
        #expect(evaluated.output.contains("right of all pairs"), "\(evaluated.output)")
        let scenes = directory + "/scenes"
        try #"[{"images": ["a.jpg"], "sentence": "b", "label": "True"}]"#.write(
            toFile: scenes + "/bad.json", atomically: true, encoding: .utf8)
        let bad = try vicha(
            ["nlvr", "train", "--output-dir", directory + "/x", "--set", "train_file=bad.json"]
                + config + start)
        #expect(bad.status != 0 && bad.errors.contains("two paths"), "\(bad.errors)")
    }
}
