import Foundation
import Testing

/// Images that are cut short, in evaluations and in training.
extension CommandsTests {
    /// Cuts an image in two.
    private func cut(_ path: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: path))
    }

    /// Every evaluation reads them as far as they go, and says how many they were at its end.
    @Test func damagedImagesAreEvaluatedAndCounted() throws {
        let (directory, run) = try pretrained()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let test = directory + "/scenes/images/test/"
        let images = try FileManager.default.contentsOfDirectory(atPath: test).sorted()
        for image in images.prefix(2) { try cut(test + image) }
        let start = ["--checkpoint", directory + "/pretrain/checkpoint_last.safetensors"]
        for (command, more) in [
            ("retrieval", []), ("retrieval", ["--processes", "2"]),
            ("vqa", ["--set", "batch_size_test=3"]), ("entailment", []),
            ("nlvr", []),
            ("grounding", ["--gradcam-mode", "itc", "--block-num", "0"]),
        ] {
            let evaluated = try vicha(
                [command, "evaluate", "--config", "configs/scenes/\(command).yaml"] + run + start
                    + more)
            #expect(evaluated.status == 0, "\(command): \(evaluated.errors)")
            for image in images.prefix(2) {
                #expect(
                    evaluated.errors.components(
                        separatedBy: "\(test)\(image)' is corrupt: the file ends after"
                    ).count == 2, "\(command): \(evaluated.errors)")
            }
            #expect(
                evaluated.errors.contains("2 damaged images were evaluated as far as they go"),
                "\(command): \(evaluated.errors)")
        }
    }

    /// A damaged image of a validation does not end a run; training replaces its own unless told
    /// otherwise.
    @Test func damagedImagesOfTrainingAreReplacedUnlessToldOtherwise() throws {
        let (directory, run) = try pretrained()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let images = directory + "/scenes/images/"
        try cut(images + "val/000000.jpg")
        try cut(images + "train/000001.jpg")
        for reads in ["False", "True"] {
            let output = directory + "/retrieval\(reads)"
            let trained = try vicha(
                [
                    "retrieval", "train", "--config", "configs/scenes/retrieval.yaml",
                    "--output-dir", output, "--set", "schedular.epochs=1", "--set",
                    "images.train_on_truncated=\(reads)", "--checkpoint",
                    directory + "/pretrain/checkpoint_last.safetensors",
                ] + run)
            #expect(trained.status == 0, "\(trained.errors)")
            let isReplaced = trained.errors.contains(
                "skipped: the image '\(images)train/000001.jpg' is corrupt")
            #expect(isReplaced == (reads == "False"), "\(trained.errors)")
            #expect(
                trained.errors.contains("1 damaged image was evaluated as far as it goes"),
                "\(trained.errors)")
            let log = try String(contentsOfFile: output + "/log.txt", encoding: .utf8)
            #expect(log.contains("\"skipped_images\"") == (reads == "False"), "\(log)")
            #expect(log.contains("\"val_txt_r1\": "), "\(log)")
        }
        try checkLimits(directory, run)
    }

    /// Limits of an image's pixels, by configuration and by option.
    private func checkLimits(_ directory: String, _ run: [String]) throws {
        let evaluate =
            [
                "retrieval", "evaluate", "--config", "configs/scenes/retrieval.yaml",
                "--checkpoint", directory + "/pretrain/checkpoint_last.safetensors",
            ] + run
        let refused = try vicha(evaluate + ["--set", "images.max_pixels=2303"])
        #expect(refused.status != 0, "\(refused.output)")
        #expect(refused.errors.contains("has 48×48 pixels, more than 2303"), "\(refused.errors)")
        let wrong = try vicha(evaluate + ["--set", "images.max_pixels=0"])
        #expect(wrong.status != 0 && wrong.errors.contains("images.max_pixels"), "\(wrong.errors)")
        let embed = [
            "concepts", "embed-images", directory + "/scenes/retrieval_val.json", "--data-dir",
            directory + "/scenes", "--clip", directory + "/none", "--output-dir",
            directory + "/table", "--max-image-pixels",
        ]
        for limit in ["0", "99999999999999"] {
            let failed = try vicha(embed + [limit])
            #expect(
                failed.status != 0 && failed.errors.contains("--max-image-pixels must be between"),
                "\(failed.errors)")
        }
    }
}
