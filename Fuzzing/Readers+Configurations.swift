import CLIP
import Configuration
import Foundation
import Tasks
import Training
import ViCHA

extension Reader {
    /// YAML files of each kind of training.
    static let configurations: [Reader] = [
        configuration("pretraining-yaml", PretrainingConfiguration()) { try $0.validate() },
        configuration("retrieval-yaml", RetrievalConfiguration()) { try $0.validate() },
        configuration("questions-yaml", QuestionAnsweringConfiguration()) { try $0.validate() },
        configuration("grounding-yaml", GroundingConfiguration()) { try $0.validate() },
        configuration("classification-yaml", ClassificationConfiguration()) { try $0.validate() },
        configuration("clip-yaml", CLIPTrainingConfiguration()) { try $0.validate() },
    ]

    private static func configuration<Configuration: KeyedConfiguration>(
        _ name: String, _ values: Configuration,
        _ validate: @escaping @Sendable (Configuration) throws -> Void
    ) -> Reader {
        Reader(
            name: name, file: "a.yaml", form: .text,
            seeds: { directory in
                try Data(#"{"hidden_size": 768}"#.utf8)
                    .write(to: URL(fileURLWithPath: directory + "/bert.json"))
                let text = try ConfigurationFile.text(values)
                    .replacing("train_file: []", with: "train_file: [a.json]")
                let official = """
                    train_file: ['a.json', "b.json"]
                    bert_config: 'bert.json'
                    image_res: 256
                    optimizer: {opt: adamW, lr: 1e-4, weight_decay: 0.02}
                    schedular: {sched: cosine, lr: 1e-4, epochs: 3, min_lr: 1e-5}
                    batch_size: &size 4
                    batch_size_test: *size
                    warm_up: True

                    """
                return [Data(text.utf8), Data(official.utf8)]
            },
            uses: [
                { input in
                    let loaded = try ConfigurationFile.load(Configuration.self, input.path)
                    try validate(loaded.configuration)
                    _ = try ConfigurationFile.text(loaded.configuration)
                }
            ])
    }

    /// What CLIP models of other programs are described with.
    static let models: [Reader] = [
        model(
            "open-clip", "open_clip_config.json",
            """
            {"model_cfg": {"embed_dim": 24, "quick_gelu": true, "vision_cfg": {"image_size": 16,
            "patch_size": 8, "width": 64, "layers": 2, "head_width": 32, "mlp_ratio": 4.0},
            "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 64, "heads": 4, "layers": 2,
            "norm_kwargs": {"eps": 1e-5}}}, "preprocess_cfg": {"mean": [0.5, 0.4, 0.3],
            "std": [0.2, 0.3, 0.4], "interpolation": "bicubic", "resize_mode": "shortest"}}
            """),
        model("hugging-face", "config.json", huggingFace),
        model(
            "preprocessor", "preprocessor_config.json",
            """
            {"do_center_crop": true, "do_normalize": true, "do_resize": true, "do_rescale": true,
            "rescale_factor": 0.00392156862745098, "crop_size": {"height": 16, "width": 16},
            "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], "resample": 3,
            "size": {"shortest_edge": 16}}
            """, beside: ["config.json": huggingFace]),
        model(
            "tokenizer", "tokenizer_config.json",
            #"{"tokenizer_class": "CLIPTokenizer", "model_max_length": 8, "do_lower_case": true}"#,
            beside: ["config.json": huggingFace]),
    ]

    private static let huggingFace = """
        {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 24,
        "text_config": {"eos_token_id": 2, "hidden_act": "quick_gelu", "hidden_size": 64,
        "intermediate_size": 256, "layer_norm_eps": 1e-05, "max_position_embeddings": 8,
        "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 50},
        "vision_config": {"hidden_act": "quick_gelu", "hidden_size": 64, "image_size": 16,
        "intermediate_size": 256, "num_attention_heads": 2, "num_channels": 3,
        "num_hidden_layers": 2, "patch_size": 8}}
        """

    private static func model(
        _ name: String, _ file: String, _ seed: String, beside others: [String: String] = [:]
    ) -> Reader {
        Reader(
            name: name, file: file, form: .text,
            seeds: { directory in
                let weights = try safetensors(in: directory)
                for other in ["open_clip_model.safetensors", "model.safetensors"] {
                    try weights.write(to: URL(fileURLWithPath: directory + "/" + other))
                }
                for (other, text) in others {
                    try Data(text.utf8).write(to: URL(fileURLWithPath: directory + "/" + other))
                }
                return [Data(seed.utf8)]
            }, uses: [{ _ = try CLIPCheckpoint(path: $0.directory) }])
    }
}
