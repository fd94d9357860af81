import CLIP
import Foundation
import Testing
import Torch

/// Models in the forms in which they are published. `Fixtures/make.py` had each written and run by
/// the library whose form it is.
@Suite struct CLIPCheckpointTests {
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures").path

    @Test(arguments: [
        ("hugging_face", "hugging_face"), ("open_clip", "open_clip"), ("openai.pt", "openai"),
    ])
    func embeddingsAreThoseOfTheLibrary(_ file: String, _ name: String) throws {
        let checkpoint = try CLIPCheckpoint(path: Self.fixtures + "/" + file)
        #expect(checkpoint.configuration.vision.imageSize == 16)
        #expect(checkpoint.configuration.vision.depth == 2)
        #expect(checkpoint.configuration.text.vocabularySize == 50)
        #expect(
            checkpoint.configuration.vision.blocks.activation
                == (name == "open_clip" ? .gelu : .quickGELU))
        #expect((checkpoint.preparation.normalization.mean[0] == 0.5) == (name == "open_clip"))
        let model = try checkpoint.model(on: .cpu)
        let expected = try SafetensorsFile(path: Self.fixtures + "/expected.safetensors")
        try withInferenceMode {
            for (kind, found) in [
                ("images", model.encode(images: try expected.tensor("pixels"))),
                ("texts", model.encode(texts: try expected.tensor("ids"))),
            ] {
                let wanted = try expected.tensor("\(name).\(kind)").array(of: Float.self)
                let values = try found.array(of: Float.self)
                #expect(values.count == wanted.count)
                for (a, b) in zip(values, wanted) { #expect(abs(a - b) < 2e-4 * max(1, abs(b))) }
            }
        }
    }

    /// What is saved here is read here, and the same.
    @Test func savedModelsAreReadAgain() throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let checkpoint = try CLIPCheckpoint(path: Self.fixtures + "/openai.pt")
        let store = try ParameterStore()
        let model = try CLIPModel(store.root, checkpoint.configuration)
        try CLIPCheckpoint.save(store, checkpoint.configuration, to: directory)
        let again = try CLIPCheckpoint(path: directory)
        #expect(again.configuration == checkpoint.configuration)
        #expect(again.preparation == checkpoint.preparation)
        #expect(try again.model(on: .cpu).fingerprint() == model.fingerprint())
        #expect(try checkpoint.model(on: .cpu).fingerprint() != model.fingerprint())
    }

    /// Weights that are no numbers are refused as such, before an image is blamed for them.
    @Test func weightsThatAreNotFiniteAreRefused() throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let checkpoint = try CLIPCheckpoint(path: Self.fixtures + "/openai.pt")
        let store = try ParameterStore()
        _ = try CLIPModel(store.root, checkpoint.configuration)
        let key = "visual.ln_post.weight"
        let values = try #require(store[key])
        try withoutGradient { try values.copy(from: .full(values.shape, .infinity)) }
        try CLIPCheckpoint.save(store, checkpoint.configuration, to: directory)
        let error = try #require(throws: StateDictionaryError.self) {
            try CLIPCheckpoint(path: directory).model(on: .cpu)
        }
        #expect(error.notFinite == [key])
        #expect("\(error)".contains(directory) && "\(error)".contains("not finite"), "\(error)")
    }

    /// Sizes are judged before anything is made by their number.
    @Test(arguments: [
        ("num_hidden_layers\": 2", "2147483648"), ("hidden_size\": 64", "-9223372036854775808"),
        ("hidden_size\": 64", "4611686018427387904"),
        ("intermediate_size\": 256", "9223372036854774784"),
    ]) func sizesThatNoModelHasAreRefused(_ setting: String, _ value: String) throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.copyItem(
            atPath: Self.fixtures + "/hugging_face", toPath: directory)
        let path = directory + "/config.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let key = setting.prefix { $0 != ":" }
        #expect(text.contains("\"\(setting)"))
        try text.replacing("\"\(setting)", with: "\"\(key): \(value)")
            .write(toFile: path, atomically: true, encoding: .utf8)
        let error = try #require(throws: CLIPError.self) { try CLIPCheckpoint(path: directory) }
        #expect("\(error)".contains(directory), "\(error)")
        #expect("\(error)".contains(value), "\(error)")
    }

    @Test(arguments: [
        ("missing", "does not exist"), ("empty", "has neither"), ("text.pt", "is a text"),
        ("old.pt", "before PyTorch 1.6"),
        ("cut.pt", "no directory at its end"), ("noweights", "there is no open_clip_model"),
        ("badjson", "head_width"), ("wrongsize", "text_projection"),
    ]) func wrongFilesAreRefused(_ name: String, _ reason: String) throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        let files = FileManager.default
        defer { try? files.removeItem(atPath: directory) }
        try files.createDirectory(atPath: directory + "/empty", withIntermediateDirectories: true)
        func copy(_ name: String) throws {
            try files.copyItem(atPath: Self.fixtures + "/open_clip", toPath: directory + "/" + name)
        }
        func edit(_ name: String, _ old: String, _ new: String) throws {
            let path = directory + "/\(name)/open_clip_config.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains(old))
            try text.replacingOccurrences(of: old, with: new)
                .write(toFile: path, atomically: true, encoding: .utf8)
        }
        try Data("hello".utf8).write(to: URL(fileURLWithPath: directory + "/text.pt"))
        try (Data([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]) + Data(count: 99))
            .write(to: URL(fileURLWithPath: directory + "/old.pt"))
        let archive = try Data(contentsOf: URL(fileURLWithPath: Self.fixtures + "/openai.pt"))
        try archive.dropLast(1000).write(to: URL(fileURLWithPath: directory + "/cut.pt"))
        try copy("noweights")
        try files.removeItem(atPath: directory + "/noweights/open_clip_model.safetensors")
        try copy("badjson")
        try edit("badjson", "\"head_width\": 32", "\"head_width\": \"many\"")
        try copy("wrongsize")
        try edit("wrongsize", "\"embed_dim\": 24", "\"embed_dim\": 32")
        let error = try #require(throws: (any Error).self) {
            _ = try CLIPCheckpoint(path: directory + "/" + name).model(on: .cpu)
        }
        #expect("\(error)".contains(reason), "\(error)")
        #expect("\(error)".contains(directory + "/" + name), "\(error)")
    }
}
