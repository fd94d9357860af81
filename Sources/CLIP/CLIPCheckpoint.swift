import Files
import Foundation
import Torch

/// A CLIP model in a file or a directory, in one of the forms in which they are published.
public struct CLIPCheckpoint {
    /// The sizes.
    public let configuration: CLIPConfiguration
    /// Mean of each colour channel, in units of the full range.
    public let mean: [Float]
    /// Standard deviation of each colour channel, in units of the full range.
    public let std: [Float]
    private let weights: [String: Tensor]

    /// The values of CLIP's image preparation.
    private static let published: (mean: [Float], std: [Float]) = (
        [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    )
    private static let openCLIPConfiguration = "open_clip_config.json"
    private static let openCLIPWeights = "open_clip_model.safetensors"
    /// Attention masks, which OpenAI's archives carry in each block, and other constants.
    private static func isConstant(_ key: String) -> Bool {
        CLIPWeights.constants.contains(key) || key.hasSuffix("attn_mask")
            || key.hasSuffix("position_ids")
    }

    /// Opens a model.
    ///
    /// - Parameter path: OpenAI's TorchScript archive (`ViT-B-16.pt`), a directory with
    ///   `open_clip_config.json` and `open_clip_model.safetensors`, or a directory of Hugging Face
    ///   with `config.json` and `model.safetensors`
    /// - Throws: ``CLIPError``, `TorchArchiveError`, `SafetensorsError`
    public init(path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw CLIPError.unknownLayout(path: path, reason: "it does not exist")
        }
        func file(_ name: String) -> String? {
            let file = (path as NSString).appendingPathComponent(name)
            return FileManager.default.fileExists(atPath: file) ? file : nil
        }
        if !isDirectory.boolValue {
            weights = try TorchArchive(path: path).tensors().filter { !Self.isConstant($0.key) }
            configuration = try CLIPWeights.configuration(of: weights, path: path)
            (mean, std) = Self.published
        } else if let configurationFile = file(Self.openCLIPConfiguration) {
            let read = try Self.decode(OpenCLIPConfiguration.self, configurationFile)
            configuration = read.model
            mean = read.preprocessing?.mean ?? Self.published.mean
            std = read.preprocessing?.std ?? Self.published.std
            guard let weightsFile = file(Self.openCLIPWeights) else {
                throw CLIPError.unknownLayout(
                    path: path, reason: "there is no \(Self.openCLIPWeights) in it")
            }
            weights = try SafetensorsFile(path: weightsFile).tensors()
                .filter { !Self.isConstant($0.key) }
        } else if let configurationFile = file("config.json"),
            let weightsFile = file("model.safetensors")
        {
            configuration = try Self.decode(HuggingFaceCLIPConfiguration.self, configurationFile)
                .configuration(path: path)
            weights = CLIPWeights.renamed(
                huggingFace: try SafetensorsFile(path: weightsFile).tensors(), configuration)
            let preprocessing = try file("preprocessor_config.json").map {
                try Self.decode(Preprocessor.self, $0)
            }
            mean = preprocessing?.mean ?? Self.published.mean
            std = preprocessing?.std ?? Self.published.std
        } else {
            throw CLIPError.unknownLayout(
                path: path,
                reason: "it has neither \(Self.openCLIPConfiguration) nor config.json with "
                    + "model.safetensors")
        }
        guard mean.count == 3, std.count == 3, std.allSatisfy({ $0 > 0 }) else {
            throw CLIPError.unknownLayout(
                path: path, reason: "mean and std of its image preparation are no three numbers")
        }
    }

    private struct Preprocessor: Decodable {
        let mean: [Float]?
        let std: [Float]?

        enum CodingKeys: String, CodingKey {
            case mean = "image_mean"
            case std = "image_std"
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value
    {
        do {
            return try JSONDocument(path: path).decode(type)
        } catch {
            throw CLIPError.unknownLayout(path: path, reason: "\(error)")
        }
    }

    /// The model with its weights, in full precision.
    /// - Throws: ``CLIPError``, `StateDictionaryError`, `TorchError`
    public func model(on device: Device) throws -> CLIPModel {
        let store = try ParameterStore(device: device)
        let model = try CLIPModel(store.root, configuration)
        try store.validate()
        try store.load(weights)
        return model
    }

    /// Saves weights in open_clip's form, which other programs read too.
    /// - Throws: `FileWritingError`, `SafetensorsError`, `TorchError`
    public static func save(
        _ store: ParameterStore, _ configuration: CLIPConfiguration, to directory: String
    ) throws {
        try makeDirectory(directory)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let described = OpenCLIPConfiguration(
            model: configuration, preprocessing: .init(mean: published.mean, std: published.std))
        try writeSafetensors(
            store.state, metadata: ["format": "pt"],
            to: (directory as NSString).appendingPathComponent(openCLIPWeights))
        try writeAtomically(
            encoder.encode(described),
            to: (directory as NSString).appendingPathComponent(openCLIPConfiguration))
    }
}
