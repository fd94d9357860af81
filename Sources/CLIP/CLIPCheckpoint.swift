import Configuration
import Files
import Foundation
import Images
import Torch

/// A CLIP model in a file or a directory, in one of the forms in which they are published.
public struct CLIPCheckpoint {
    /// The sizes, and what else the embeddings depend on.
    public let configuration: CLIPConfiguration
    /// How images are prepared.
    public let preparation: CLIPImagePreparation
    private let weights: [String: Tensor]
    private let path: String

    private static let openCLIPConfiguration = "open_clip_config.json"
    private static let openCLIPWeights = "open_clip_model.safetensors"
    /// In the order in which open_clip looks for them.
    private static let openCLIPWeightFiles = [
        openCLIPWeights, "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin",
    ]
    private static let huggingFaceWeightFiles = ["model.safetensors", "pytorch_model.bin"]

    /// Opens a model.
    ///
    /// - Parameters:
    ///   - path: OpenAI's TorchScript archive (`ViT-B-16.pt`), a state dictionary of open_clip, a
    ///     directory with `open_clip_config.json` and its weights, or a directory of Hugging Face
    ///     with `config.json` and its weights
    ///   - activation: of a state dictionary, which does not say; nil for all other forms
    /// - Throws: ``CLIPError``, `TorchArchiveError`, `SafetensorsError`
    public init(path: String, activation: CLIPConfiguration.Activation? = nil) throws {
        self.path = path
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CLIPError.unknownLayout(path: path, reason: "it does not exist")
        }
        func file(_ name: String) -> String? {
            let file = (path as NSString).appendingPathComponent(name)
            return FileManager.default.fileExists(atPath: file) ? file : nil
        }
        func tensors(_ names: [String]) throws -> [String: Tensor] {
            guard let file = names.lazy.compactMap(file).first else {
                let parts = names[0] + ".index.json"
                throw CLIPError.unknownLayout(
                    path: path,
                    reason: file(parts) == nil
                        ? "there is no \(names[0]) in it"
                        : "its weights lie in several files, which \(parts) lists; save them in one"
                )
            }
            return try Self.tensors(file)
        }
        if !isDirectory.boolValue {
            let isSafetensors = (path as NSString).pathExtension == "safetensors"
            let isScript = try !isSafetensors && TorchArchive(path: path).isScript
            weights = CLIPWeights.plain(try Self.tensors(path))
            guard let known = isScript ? .quickGELU : activation else {
                // Weights of another kind of model need no activation but another option.
                _ = try CLIPWeights.configuration(
                    of: weights, isOpenAI: isScript, .gelu, path: path)
                throw CLIPError.unnamedActivation(path: path)
            }
            configuration = try CLIPWeights.configuration(
                of: weights, isOpenAI: isScript, known, path: path)
            preparation = CLIPImagePreparation(side: configuration.vision.imageSize)
        } else if let configurationFile = file(Self.openCLIPConfiguration) {
            let read = try OpenCLIPFile(path: configurationFile)
            configuration = read.model
            preparation = read.preparation
            weights = CLIPWeights.plain(try tensors(Self.openCLIPWeightFiles))
        } else if file("config.json") != nil {
            let read = try HuggingFaceFiles(directory: path)
            configuration = read.model
            preparation = read.preparation
            // Weights are named by the sizes, of which a damaged file may have any.
            try Self.validate(configuration, path: path)
            weights = CLIPWeights.renamed(
                huggingFace: try tensors(Self.huggingFaceWeightFiles), configuration)
        } else {
            throw CLIPError.unknownLayout(
                path: path,
                reason: "it has neither \(Self.openCLIPConfiguration) nor config.json")
        }
        try Self.validate(configuration, path: path)
        let named = [configuration.vision.blocks.activation, configuration.text.blocks.activation]
        if let activation, named != [activation, activation] {
            throw CLIPError.otherActivation(path: path)
        }
    }

    private static func validate(_ configuration: CLIPConfiguration, path: String) throws {
        do {
            try configuration.validate()
        } catch CLIPError.invalidConfiguration(let what) {
            throw CLIPError.unknownLayout(path: path, reason: what)
        }
    }

    private static func tensors(_ file: String) throws -> [String: Tensor] {
        (file as NSString).pathExtension == "safetensors"
            ? try SafetensorsFile(path: file).tensors() : try TorchArchive(path: file).tensors()
    }

    /// The model with its weights, in full precision.
    /// - Throws: ``CLIPError``, `StateDictionaryError`, `TorchError`
    public func model(on device: Device) throws -> CLIPModel {
        let store = try ParameterStore(device: device)
        let model = try CLIPModel(store.root, configuration)
        try store.validate()
        try StateDictionaryError.naming(path) {
            try store.load(weights)
            // An image would be blamed for them.
            try store.state.checkFinite()
        }
        return model
    }

    /// Saves weights in open_clip's form, which other programs read too.
    /// - Throws: ``CLIPError/invalidConfiguration(_:)`` for a configuration with more than sizes and
    ///   an activation, `FileWritingError`, `SafetensorsError`, `TorchError`
    public static func save(
        _ store: ParameterStore, _ configuration: CLIPConfiguration, to directory: String
    ) throws {
        let sizes = CLIPSizes(configuration)
        guard sizes.configuration == configuration else {
            throw CLIPError.invalidConfiguration(
                "it has settings beyond sizes and one activation, which cannot be saved")
        }
        try makeDirectory(directory)
        // As few digits as bring each number back.
        func numbers(_ values: [Float]) -> [Double] { values.map { Double("\($0)") ?? Double($0) } }
        let normalization = PixelNormalization.clip
        let described: [String: Any] = [
            "model_cfg": ConfigurationFile.object(sizes),
            "preprocess_cfg": [
                "mean": numbers(normalization.mean), "std": numbers(normalization.std),
            ],
        ]
        try writeSafetensors(
            store.state, metadata: ["format": "pt"],
            to: (directory as NSString).appendingPathComponent(openCLIPWeights))
        try writeAtomically(
            JSONSerialization.data(
                withJSONObject: described, options: [.prettyPrinted, .sortedKeys]),
            to: (directory as NSString).appendingPathComponent(openCLIPConfiguration))
    }
}
