import CLIP
import Foundation
import Images
import Testing
import Torch

/// Settings that change embeddings, as open_clip and Hugging Face compute them
/// (`Fixtures/settings/make.py`), and the refusal of all others.
@Suite struct CLIPSettingsTests {
    static let fixtures = CLIPCheckpointTests.fixtures + "/settings"

    /// `configurations.json`
    private static func fixture(_ key: String) throws -> Any {
        let data = try Data(contentsOf: URL(fileURLWithPath: fixtures + "/configurations.json"))
        let all = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        return try #require(all[key])
    }

    /// A directory with settings and the weights of a model of the fixture, removed afterwards.
    private func withModel(
        _ file: String, _ settings: Any, weights name: String,
        _ body: (String) throws -> Void
    ) throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try JSONSerialization.data(withJSONObject: settings)
            .write(to: URL(fileURLWithPath: directory + "/" + file))
        let names = try #require(Self.fixture("names") as? [String: [String: String]])
        let isHuggingFace = name.hasPrefix("hf_")
        let kept = try SafetensorsFile(
            path: Self.fixtures
                + (isHuggingFace ? "/hugging_face_weights.safetensors" : "/weights.safetensors"))
        try writeSafetensors(
            try #require(names[name]).mapValues { try kept.tensor($0).cloned() },
            to: directory
                + (isHuggingFace ? "/model.safetensors" : "/open_clip_model.safetensors"))
        try body(directory)
    }

    private func expectEqual(_ found: Tensor, _ key: String) throws {
        let wanted = try SafetensorsFile(path: Self.fixtures + "/expected.safetensors").tensor(key)
        #expect(found.shape == wanted.shape, "\(key)")
        let (values, numbers) = (
            try found.array(of: Float.self), try wanted.array(of: Float.self)
        )
        let worst = zip(values, numbers).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 1
        #expect(worst < 2e-4, "\(key) differs by \(worst)")
    }

    private func expectEmbeddings(_ directory: String, _ name: String) throws {
        let model = try CLIPCheckpoint(path: directory).model(on: .cpu)
        let inputs = try SafetensorsFile(path: Self.fixtures + "/expected.safetensors")
        try withInferenceMode {
            try expectEqual(model.encode(images: inputs.tensor("pixels")), name + ".images")
            try expectEqual(model.encode(texts: inputs.tensor("ids")), name + ".texts")
        }
    }

    @Test(arguments: [
        "plain", "average", "average_normalized", "no_pre_norm", "last", "first", "end",
        "not_causal", "tanh", "quick", "epsilon", "mlp_ratio", "layer_scale", "bias",
        "own_text_tower",
    ])
    func openCLIPSettingsAreDone(_ name: String) throws {
        try withModel(
            "open_clip_config.json", ["model_cfg": Self.fixture(name)], weights: name
        ) { try expectEmbeddings($0, name) }
    }

    @Test(arguments: ["hf_plain", "hf_end", "hf_tanh", "hf_inner", "hf_epsilon"])
    func huggingFaceSettingsAreDone(_ name: String) throws {
        try withModel("config.json", Self.fixture(name), weights: name) {
            try expectEmbeddings($0, name)
        }
    }

    /// The photo and its mirror image along the diagonal, so that either side is the longer one.
    private func expectPixels(_ preparation: CLIPImagePreparation, _ name: String) throws {
        let photo = try ImageDecoder.decode(path: Self.fixtures + "/photo.png")
        var turned = RGBImage(width: photo.height, height: photo.width, filledWith: 0)
        for y in 0..<photo.height {
            for x in 0..<photo.width {
                let (from, to) = (3 * (y * photo.width + x), 3 * (x * photo.height + y))
                for channel in 0..<3 { turned.pixels[to + channel] = photo.pixels[from + channel] }
            }
        }
        try expectEqual(
            Tensor(
                preparation(photo) + preparation(turned),
                shape: [2, 3, preparation.side, preparation.side]), name + ".pixels")
    }

    @Test(arguments: ["shortest", "bilinear", "squash", "squash_bilinear", "longest", "mean"])
    func openCLIPPreparationsAreDone(_ name: String) throws {
        let settings = try #require(Self.fixture("preprocess") as? [String: Any])
        try withModel(
            "open_clip_config.json",
            ["model_cfg": Self.fixture("plain"), "preprocess_cfg": try #require(settings[name])],
            weights: "plain"
        ) { try expectPixels(CLIPCheckpoint(path: $0).preparation, name) }
    }

    @Test(arguments: ["processor_shortest", "processor_square", "processor_numbers"])
    func huggingFacePreparationsAreDone(_ name: String) throws {
        let settings = try #require(Self.fixture("processors") as? [String: Any])
        try withModel("config.json", Self.fixture("hf_plain"), weights: "hf_plain") { directory in
            try JSONSerialization.data(withJSONObject: try #require(settings[name]))
                .write(to: URL(fileURLWithPath: directory + "/preprocessor_config.json"))
            try expectPixels(CLIPCheckpoint(path: directory).preparation, name)
        }
    }

    private static let refused: [(section: String, key: String, value: String)] = [
        ("", "multimodal_cfg", "{}"), ("", "audio_cfg", "{}"), ("", "quick_glu", "true"),
        ("vision_cfg", "timm_model_name", "\"vit_base\""), ("vision_cfg", "pool_type", "\"none\""),
        ("vision_cfg", "attentional_pool", "true"), ("vision_cfg", "qk_norm", "true"),
        ("vision_cfg", "layers", "[3, 4, 6, 3]"), ("vision_cfg", "image_size", "[16, 32]"),
        ("vision_cfg", "block_type", "\"custom\""), ("vision_cfg", "scale_fc", "true"),
        ("vision_cfg", "pos_embed_type", "\"rope\""), ("vision_cfg", "pooltype", "\"avg\""),
        ("vision_cfg", "norm_kwargs", "{\"bias\": false}"),
        ("vision_cfg", "act_kwargs", "{\"approximate\": \"sigmoid\"}"),
        ("text_cfg", "hf_model_name", "\"roberta-base\""), ("text_cfg", "embed_cls", "true"),
        ("text_cfg", "hf_tokenizer_name", "\"google/mt5-base\""),
        ("text_cfg", "tokenizer_kwargs", "{\"clean\": \"canonicalize\"}"),
        ("text_cfg", "tokenizer_kwargs", "{\"reduction_mask\": \"random\"}"),
        ("text_cfg", "tokenizer_type", "\"tiktoken\""), ("text_cfg", "proj_type", "\"none\""),
        ("text_cfg", "text_arch", "\"modern\""), ("text_cfg", "norm_type", "\"rmsnorm\""),
        ("text_cfg", "scaled_cosine_attn", "true"), ("text_cfg", "pool_type", "\"map\""),
        ("preprocess_cfg", "interpolation", "\"nearest\""),
        ("preprocess_cfg", "resize_mode", "\"crop\""), ("preprocess_cfg", "mode", "\"L\""),
        ("preprocess_cfg", "std", "[0, 1, 1]"), ("preprocess_cfg", "mean", "[0.5]"),
    ]

    @Test(arguments: refused.indices)
    func otherSettingsAreRefusedByName(_ index: Int) throws {
        let (section, key, text) = Self.refused[index]
        let value = try JSONSerialization.jsonObject(
            with: Data(text.utf8), options: .fragmentsAllowed)
        var model = try #require(Self.fixture("plain") as? [String: Any])
        var preprocessing: [String: Any] = [:]
        if section == "preprocess_cfg" {
            preprocessing[key] = value
        } else if section.isEmpty {
            model[key] = value
        } else {
            var inner = try #require(model[section] as? [String: Any])
            inner[key] = value
            model[section] = inner
        }
        try withModel(
            "open_clip_config.json", ["model_cfg": model, "preprocess_cfg": preprocessing],
            weights: "plain"
        ) { directory in
            let error = try #require(throws: CLIPError.self) {
                _ = try CLIPCheckpoint(path: directory)
            }
            let name = section.isEmpty ? key : section + "." + key
            #expect("\(error)".contains(name), "\(error)")
            #expect("\(error)".contains("open_clip_config.json"), "\(error)")
        }
    }

    @Test(arguments: [
        ("config.json", "model_type", "siglip"), ("config.json", "hidden_act", "silu"),
        ("preprocessor_config.json", "resample", "1"),
        ("preprocessor_config.json", "crop_size", "20"),
        ("preprocessor_config.json", "do_resize", "false"),
        ("preprocessor_config.json", "rescale_factor", "1"),
        ("tokenizer_config.json", "tokenizer_class", "BertTokenizer"),
    ])
    func otherHuggingFaceSettingsAreRefusedByName(_ file: String, _ key: String, _ text: String)
        throws
    {
        var settings = try #require(Self.fixture("hf_plain") as? [String: Any])
        let value: Any = key == "do_resize" ? false : Double(text).map { $0 as Any } ?? text
        if key == "hidden_act" {
            var inner = try #require(settings["vision_config"] as? [String: Any])
            inner[key] = value
            settings["vision_config"] = inner
        } else if file == "config.json" {
            settings[key] = value
        }
        try withModel("config.json", settings, weights: "hf_plain") { directory in
            if file != "config.json" {
                try JSONSerialization.data(withJSONObject: [key: value])
                    .write(to: URL(fileURLWithPath: directory + "/" + file))
            }
            let error = try #require(throws: CLIPError.self) {
                _ = try CLIPCheckpoint(path: directory)
            }
            #expect("\(error)".contains(key) && "\(error)".contains(file), "\(error)")
        }
    }

    /// Sizes that no model has are errors that name their file, and take no memory before.
    @Test(arguments: [
        ("vision_cfg", "layers", 1_000_000_000_000), ("text_cfg", "layers", -1),
        ("vision_cfg", "width", 0), ("text_cfg", "heads", 0), ("vision_cfg", "head_width", 0),
        ("vision_cfg", "patch_size", 7), ("text_cfg", "vocab_size", 1 << 60),
    ]) func oddSizesAreRefused(_ section: String, _ key: String, _ value: Int) throws {
        var model = try #require(Self.fixture("plain") as? [String: Any])
        var inner = try #require(model[section] as? [String: Any])
        inner[key] = value
        model[section] = inner
        try withModel("open_clip_config.json", ["model_cfg": model], weights: "plain") {
            directory in
            let error = try #require(throws: CLIPError.self) {
                _ = try CLIPCheckpoint(path: directory)
            }
            #expect("\(error)".contains(directory), "\(error)")
        }
    }

    /// Weights of another kind of model are not asked for what only CLIP has.
    @Test func otherWeightsAreNoStateDictionaryOfCLIP() throws {
        let path = NSTemporaryDirectory() + UUID().uuidString + ".safetensors"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try writeSafetensors(["visual_encoder.cls_token": .ones([1, 1, 4])], to: path)
        let error = try #require(throws: CLIPError.self) { try CLIPCheckpoint(path: path) }
        #expect("\(error)".contains("is no CLIP model"), "\(error)")
    }

    /// Weights alone do not say which activation they were trained with; all other forms do.
    @Test func stateDictionariesAskForTheActivation() throws {
        try withModel(
            "open_clip_config.json", ["model_cfg": Self.fixture("quick")], weights: "quick"
        ) { directory in
            let file = directory + "/open_clip_model.safetensors"
            let error = try #require(throws: CLIPError.self) { _ = try CLIPCheckpoint(path: file) }
            #expect("\(error)".contains("--quick-gelu") && "\(error)".contains("--gelu"))
            let model = try CLIPCheckpoint(path: file, activation: .quickGELU)
            #expect(model.configuration.vision.blocks.activation == .quickGELU)
            #expect(model.configuration.text.blocks.activation == .quickGELU)
            #expect(throws: CLIPError.otherActivation(path: directory)) {
                _ = try CLIPCheckpoint(path: directory, activation: .gelu)
            }
            _ = try CLIPCheckpoint(path: directory, activation: .quickGELU)
        }
        #expect(throws: CLIPError.self) {
            _ = try CLIPCheckpoint(
                path: CLIPCheckpointTests.fixtures + "/openai.pt", activation: .gelu)
        }
    }

    /// The names that training in parallel puts in front, and the optimizer's tensors beside them.
    @Test func wrappersOfStateDictionariesAreTakenOff() throws {
        try withModel(
            "open_clip_config.json", ["model_cfg": Self.fixture("plain")], weights: "plain"
        ) { directory in
            let file = directory + "/open_clip_model.safetensors"
            let weights = try SafetensorsFile(path: file).tensors()
            var wrapped = ["optimizer.state.0.exp_avg": Tensor([Float(1)])]
            for (key, tensor) in weights { wrapped["state_dict.module." + key] = tensor }
            wrapped["state_dict.module.logit_bias"] = Tensor([Float(-10)])
            let other = directory + "/epoch_1.safetensors"
            try writeSafetensors(wrapped.mapValues { $0.cloned() }, to: other)
            let models = try [file, other].map {
                try CLIPCheckpoint(path: $0, activation: .gelu).model(on: .cpu).fingerprint()
            }
            #expect(models[0] == models[1])
        }
    }
}
