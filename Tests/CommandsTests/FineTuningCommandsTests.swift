import Foundation
import Testing

/// Retrieval and grounding as a user runs them: from scenes to evaluated models.
extension CommandsTests {
    /// Scenes with the generator's concepts, and a pretraining checkpoint.
    private func pretrained() throws -> (directory: String, run: [String]) {
        let directory = Self.temporaryDirectory()
        let scenes = directory + "/scenes"
        let made = try vicha([
            "scenes", scenes, "--images", "60", "--size", "48", "--concepts", "generator",
        ])
        #expect(made.status == 0, "\(made.errors)")
        let run =
            [
                "--data-dir", scenes, "--data-json-dir", scenes, "--vocabulary",
                scenes + "/vocab.txt", "--threads", "1", "--set", "queue_size=64",
            ] + Self.small
        let pretrained = try vicha(
            [
                "pretrain", "--config", "configs/scenes/pretrain.yaml", "--output-dir",
                directory + "/pretrain", "--max-steps", "2",
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
        #expect(missing.errors.contains("--checkpoint is missing"), "\(missing.errors)")
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
        // The features alone, straight from pretraining.
        let dual = try vicha(
            [
                "retrieval", "evaluate", "--config", "configs/scenes/retrieval.yaml",
                "--checkpoint", start, "--set", "dual_metrics=True",
            ] + run)
        #expect(dual.status == 0 && !dual.output.contains("matching head"), "\(dual.errors)")
    }

    @Test func groundingIsTrainedAndEvaluated() throws {
        let (directory, run) = try pretrained()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let output = directory + "/grounding"
        let config = ["--config", "configs/scenes/grounding.yaml"] + run
        let start = ["--checkpoint", directory + "/pretrain/checkpoint_last.safetensors"]
        let wrong = try vicha(
            ["grounding", "train", "--output-dir", output, "--block-num", "0"] + config + start)
        #expect(wrong.status != 0 && wrong.errors.contains("fusion layer"), "\(wrong.errors)")
        let trained = try vicha(
            ["grounding", "train", "--output-dir", output, "--block-num", "1"] + config + start
                + ["--set", "batch_size=64"])
        #expect(trained.status == 0, "\(trained.errors)")
        let log = try String(contentsOfFile: output + "/log.txt", encoding: .utf8)
        #expect(log.contains("\"val_d\": ") && log.contains("\"testB_d\": "), "\(log)")
        for mode in [["itm", "1"], ["itc", "0"]] {
            let evaluated = try vicha(
                [
                    "grounding", "evaluate", "--checkpoint",
                    output + "/checkpoint_best.safetensors", "--gradcam-mode", mode[0],
                    "--block_num", mode[1],
                ] + config)
            #expect(evaluated.status == 0, "\(evaluated.errors)")
            #expect(evaluated.output.contains("a random box"), "\(evaluated.output)")
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
