import Foundation
import Testing

/// From captions and images to annotation files with concepts, as a user runs it.
extension CommandsTests {
    /// A directory with a vocabulary of the photos' captions and a CLIP model after two steps.
    private func prepared() throws -> String {
        let directory = Self.temporaryDirectory()
        let extracted = try vicha([
            "concepts", "extract", "Samples/pretrain.json", "--output-dir", directory,
            "--attributes", "--relations",
        ])
        #expect(extracted.status == 0, "\(extracted.errors)")
        let trained = try vicha([
            "concepts", "train-clip", "--config", "configs/scenes/clip.yaml", "--data-dir",
            "Samples", "--data-json-dir", "Samples", "--output-dir", directory + "/clip",
            "--max-steps", "2", "--set", "batch_size=4", "--threads", "1",
        ])
        #expect(trained.status == 0, "\(trained.errors)")
        return directory
    }

    private func json<Value>(_ path: String, as type: Value.Type) throws -> Value {
        try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
                as? Value)
    }

    @Test func conceptsOfPhotos() throws {
        let directory = try prepared()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let names = try json(directory + "/concepts.json", as: [String].self)
        #expect(names.contains("astronaut") && names.contains("space suit") && names.count > 50)
        let counts = try json(directory + "/counts.json", as: [String: Int].self)
        #expect(Set(counts.keys) == Set(names) && counts.values.allSatisfy { $0 > 0 })
        for name in ["attributes", "relations"] {
            #expect(try json(directory + "/\(name).json", as: [String: Int].self).count > 20)
        }
        let clip = ["--clip", directory + "/clip", "--threads", "1"]
        let text = try vicha(
            [
                "concepts", "embed-text", directory + "/concepts.json", "--output-dir",
                directory + "/text",
            ] + clip)
        #expect(text.status == 0, "\(text.errors)")
        let images =
            ["concepts", "embed-images", "Samples/pretrain.json", "--data-dir", "Samples"] + clip
        let embedded = try vicha(images + ["--output-dir", directory + "/images"])
        #expect(embedded.status == 0, "\(embedded.errors)")
        #expect(embedded.output.contains("16 images are embedded"))

        let attach = [
            "concepts", "attach", "Samples/pretrain.json", "--concepts", directory + "/text",
        ]
        let saved = try vicha(
            attach + ["--images", directory + "/images", "--output-dir", directory + "/a"])
        #expect(saved.status == 0, "\(saved.errors)")
        let onePass = try vicha(
            attach + ["--one-pass", "--data-dir", "Samples", "--output-dir", directory + "/b"]
                + clip)
        #expect(onePass.status == 0, "\(onePass.errors)")
        let official = try vicha(
            attach + [
                "--images", directory + "/images", "--official-rounding", "--top", "3",
                "--output-dir", directory + "/c",
            ])
        #expect(official.status == 0, "\(official.errors)")
        let a = try json(directory + "/a/pretrain.json", as: [[String: Any]].self)
        let b = try json(directory + "/b/pretrain.json", as: [[String: Any]].self)
        let c = try json(directory + "/c/pretrain.json", as: [[String: Any]].self)
        #expect(a.count == 16 && b.count == 16 && c.count == 16)
        for (x, (y, z)) in zip(a, zip(b, c)) {
            let concepts = try #require(x["kwords"] as? [String])
            #expect(Set(concepts).count == 15 && Set(concepts).isSubset(of: names))
            #expect(concepts == y["kwords"] as? [String])
            #expect((z["kwords"] as? [String])?.count == 3)
            #expect((x["caption"] as? [String])?.isEmpty == false)
        }
        #expect(!FileManager.default.fileExists(atPath: directory + "/b/ranks"))
        // Where they come from stands beside them, also after filtering.
        let kept = try vicha(
            [
                "filter", "percentage", directory + "/a/pretrain.json", "--share", "0.5",
                "--data-dir", "Samples", "--output-dir", directory + "/deep/fa",
            ] + clip)
        #expect(kept.status == 0, "\(kept.errors)")
        for (place, up, count) in [("a", "..", 15), ("b", "..", 15), ("c", "..", 3)]
            + [("deep/fa", "../..", 15)]
        {
            let origin = try json(
                directory + "/\(place)/concept_origin.json", as: [String: Any].self)
            #expect(origin["vocabulary"] as? String == up + "/text", "\(origin)")
            #expect(
                origin["clip"] as? String
                    == clip[1].replacingOccurrences(of: directory, with: up), "\(origin)")
            #expect(origin["count"] as? Int == count)
        }

        let shown = try vicha(
            [
                "concepts", "show", "Samples/photos/cat.png", "Samples/photos/rocket.jpg",
                "--concepts", directory + "/concepts.json", "--html", directory + "/show.html",
            ] + clip)
        #expect(shown.status == 0, "\(shown.errors)")
        #expect(shown.output.split(separator: "\n").count == 2 + 2 * 15 + 1)
        let html = try String(contentsOfFile: directory + "/show.html", encoding: .utf8)
        #expect(html.components(separatedBy: "data:image/jpeg;base64,").count == 3)

        try filtered(directory, clip)
        try refused(directory, clip)
    }

    private func filtered(_ directory: String, _ clip: [String]) throws {
        let captions = try vicha(
            [
                "concepts", "embed-text", "Samples/pretrain.json", "--output-dir",
                directory + "/captions",
            ] + clip)
        #expect(captions.status == 0, "\(captions.errors)")
        let saved = try vicha([
            "filter", "per-image", "Samples/pretrain.json", "--share", "0.5", "--images",
            directory + "/images", "--captions", directory + "/captions", "--store-similarity",
            "--output-dir", directory + "/f1",
        ])
        #expect(saved.status == 0, "\(saved.errors)")
        let direct = try vicha(
            [
                "filter", "per-image", "Samples/pretrain.json", "--share", "0.5", "--data-dir",
                "Samples", "--output-dir", directory + "/f2",
            ] + clip)
        #expect(direct.status == 0, "\(direct.errors)")
        let half = try vicha(
            [
                "filter", "percentage", "Samples/pretrain.json", "--share", "0.25", "--data-dir",
                "Samples", "--output-dir", directory + "/f3",
            ] + clip)
        #expect(half.status == 0, "\(half.errors)")
        let f1 = try json(directory + "/f1/pretrain.json", as: [[String: Any]].self)
        let f2 = try json(directory + "/f2/pretrain.json", as: [[String: Any]].self)
        let f3 = try json(directory + "/f3/pretrain.json", as: [[String: Any]].self)
        #expect(Set(f1.compactMap { $0["image"] as? String }).count == 16)
        #expect(f1.allSatisfy { $0["sim"] is Double && $0["caption"] is String })
        #expect(f1.map { $0["caption"] as? String } == f2.map { $0["caption"] as? String })
        let records = try json(
            Self.root.appendingPathComponent("Samples/pretrain.json").path,
            as: [[String: Any]].self)
        let captionCount = records.map { ($0["caption"] as? [String])?.count ?? 0 }.reduce(0, +)
        #expect(captionCount > 30 && f3.count == captionCount / 4)
    }

    /// Each mistake has an answer that says what to do, and nothing half-written stays.
    private func refused(_ directory: String, _ clip: [String]) throws {
        func failure(_ arguments: [String], _ expected: String) throws {
            let result = try vicha(arguments)
            #expect(result.status != 0, "\(arguments)")
            #expect(result.errors.contains(expected), "\(arguments): \(result.errors)")
        }
        func file(_ name: String, _ text: String) throws -> String {
            let path = directory + "/" + name
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }
        let output = ["--output-dir", directory + "/x"]
        try failure(
            [
                "concepts", "attach", "Samples/pretrain.json", "--concepts", directory + "/text",
                "--images", directory + "/images", "--top", "5000",
            ] + output, "--top")
        let empty = try file("empty.json", "[]")
        try failure(["concepts", "embed-text", empty] + output + clip, "there is no concept in")
        try failure(["concepts", "extract", empty] + output, "no concept is left")
        try failure(
            ["concepts", "embed-images", "Samples/pretrain.json", "--data-dir", "/nowhere"]
                + output + clip, "check --data-dir")
        // The image of the pair, not the number of the pair.
        try failure(
            [
                "filter", "percentage", "Samples/pretrain.json", "--share", "0.5", "--data-dir",
                "/nowhere", "--output-dir", directory + "/y",
            ] + clip, "embedded, 'photos/")
        try failure(
            ["concepts", "embed-images", "Samples/pretrain.json", "--data-dir", "Samples"]
                + output, "--clip is missing")
        try failure(
            ["concepts", "embed-text", directory + "/concepts.json", "--template", "a photo"]
                + output + clip, "{}")
        try failure(
            [
                "concepts", "embed-text", directory + "/concepts.json", "--template", "a {}",
                "--output-dir", directory + "/text",
            ] + clip, "was begun with")
        try failure(
            ["concepts", "attach", "Samples/pretrain.json", "--concepts", directory + "/text"]
                + output, "--one-pass")
        try failure(
            [
                "filter", "percentage", "Samples/pretrain.json", "--share", "1.5", "--data-dir",
                "Samples",
            ] + output + clip, "share")
        try failure(
            ["concepts", "extract", "Samples/pretrain.json", "--wordnet", "/nowhere"] + output,
            "/nowhere")
    }

    /// Killed without warning in the middle, the same command goes on, and at the end there are the
    /// bytes of a run that nobody disturbed.
    @Test func killedEmbeddingGoesOn() throws {
        let directory = try prepared()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let embed = [
            "concepts", "embed-images", "Samples/pretrain.json", "--data-dir", "Samples", "--clip",
            directory + "/clip", "--threads", "1", "--shard-size", "1", "--output-dir",
        ]
        let whole = try vicha(embed + [directory + "/whole"])
        #expect(whole.status == 0, "\(whole.errors)")
        let killed = try vicha(
            embed + [directory + "/parts"],
            killAfter: directory + "/parts/"
                + "shard-000003-of-000016.safetensors")
        #expect(killed.status == SIGKILL)
        let parts = directory + "/parts"
        let found = try FileManager.default.contentsOfDirectory(atPath: parts)
            .filter { $0.hasSuffix(".safetensors") }
        #expect((4..<16).contains(found.count), "\(found)")
        let early = try vicha([
            "concepts", "attach", "Samples/pretrain.json", "--concepts", parts, "--images", parts,
            "--output-dir", directory + "/x",
        ])
        #expect(early.errors.contains("of 16 shards"), "\(early.errors)")
        let again = try vicha(embed + [parts])
        #expect(again.status == 0, "\(again.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: directory + "/whole")
        #expect(files.count == 18)  // the shards, their description and the lock
        #expect(
            try Set(FileManager.default.contentsOfDirectory(atPath: parts)) == Set(files))
        for file in files {
            #expect(
                FileManager.default.contents(atPath: parts + "/" + file)
                    == FileManager.default.contents(atPath: directory + "/whole/" + file), "\(file)"
            )
        }
    }

    @Test func unreadableImagesAreLeftOut() throws {
        let directory = try prepared()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let data = directory + "/data"
        try FileManager.default.copyItem(
            atPath: Self.root.appendingPathComponent("Samples").path, toPath: data)
        try FileManager.default.removeItem(atPath: data + "/photos/clock.png")
        try Data("no image".utf8).write(to: URL(fileURLWithPath: data + "/photos/cat.png"))
        let clip = ["--clip", directory + "/clip", "--threads", "1"]
        let embedded = try vicha(
            [
                "concepts", "embed-images", data + "/pretrain.json", "--data-dir", data,
                "--output-dir", directory + "/images", "--fp16",
            ] + clip)
        #expect(embedded.status == 0, "\(embedded.errors)")
        #expect(embedded.output.contains("14 images are embedded"))
        #expect(embedded.output.contains("2 could not be read"))
        #expect(embedded.output.contains("clock.png") && embedded.output.contains("cat.png"))
        let text = try vicha(
            [
                "concepts", "embed-text", directory + "/concepts.json", "--output-dir",
                directory + "/text",
            ] + clip)
        #expect(text.status == 0, "\(text.errors)")
        let attached = try vicha([
            "concepts", "attach", data + "/pretrain.json", "--concepts", directory + "/text",
            "--images", directory + "/images", "--output-dir", directory + "/out",
        ])
        #expect(attached.status == 0, "\(attached.errors)")
        #expect(attached.output.contains("14 records") && attached.output.contains("2 left out"))
    }

    @Test func clipTrainingGoesOn() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        func train(_ name: String, _ extra: [String]) throws -> Data? {
            let result = try vicha(
                [
                    "concepts", "train-clip", "--config", "configs/scenes/clip.yaml", "--data-dir",
                    "Samples", "--data-json-dir", "Samples", "--output-dir", directory + "/" + name,
                    "--set", "batch_size=4", "--threads", "1",
                ] + extra)
            #expect(result.status == 0, "\(result.errors)")
            return FileManager.default.contents(
                atPath: directory + "/\(name)/open_clip_model.safetensors")
        }
        let whole = try train("whole", ["--max-steps", "6"])
        let half = try train("parts", ["--max-steps", "3"])
        let rest = try train("parts", ["--max-steps", "6", "--resume"])
        #expect(whole != nil && whole == rest && whole != half)
    }
}
