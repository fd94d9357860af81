import Configuration
import Torch

/// What every model has: named weights of a configuration, and where it is taught by a momentum model the
/// teacher that moves that.
public struct ModelShell {
    /// Sizes and switches.
    public let configuration: ModelConfiguration
    /// All weights and buffers under the official keys.
    public let store: ParameterStore
    /// Moves the momentum weights.
    public let teacher: MomentumTeacher

    /// Makes the weights of a model, and its momentum model as a copy.
    ///
    /// - Parameters:
    ///   - configuration: sizes and switches
    ///   - use: what the model is for, which decides the values that are checked
    ///   - decay: share of its value that a momentum weight keeps in a step
    ///   - seed: of random weights; nil for weights that are all loaded before they are used
    ///   - device: where the weights are
    ///   - declare: declares all parts, in the order of the official model, which is that of its optimizer
    ///     state
    /// - Returns: the shell, and what `declare` made
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public static func make<Parts>(
        _ configuration: ModelConfiguration, for use: ModelUse, decay: Double, seed: UInt64?,
        device: Device, _ declare: (ParameterScope) -> Parts
    ) throws -> (shell: ModelShell, parts: Parts) {
        try configuration.validate(for: use)
        let store = try ParameterStore(seed: seed, device: device)
        let parts = declare(store.root)
        try store.validate()
        let shell = ModelShell(
            configuration: configuration, store: store,
            teacher: MomentumTeacher(store, decay: decay))
        if seed != nil { try shell.teacher.copyOnlineWeights() }
        return (shell, parts)
    }
}

/// A model of a task.
public protocol TaskModel: AnyObject {
    /// Its weights.
    var shell: ModelShell { get }

    /// How weights of pretraining or of a task become those of this model.
    ///
    /// - Parameter keys: of a state dictionary
    func mapping(of keys: [String: Tensor].Keys) -> WeightMapping
}

extension TaskModel {
    /// Sizes and switches.
    public var configuration: ModelConfiguration { shell.configuration }
    /// All weights and buffers under the official keys.
    public var store: ParameterStore { shell.store }
    /// Moves the momentum weights.
    public var teacher: MomentumTeacher { shell.teacher }

    /// Takes over weights, perhaps at another image size.
    ///
    /// - Parameters:
    ///   - tensors: a state dictionary
    ///   - allowingUnexpected: beginnings of further keys that may be there and are ignored
    /// - Returns: which weights were taken, initialised anew or not used
    /// - Throws: `StateDictionaryError` listing every key that does not fit
    @discardableResult
    public func load(_ tensors: [String: Tensor], allowingUnexpected: [String] = []) throws
        -> ParameterStore.LoadReport
    {
        let mapping = mapping(of: tensors.keys)
        var renamed: [String: Tensor] = [:]
        for (key, tensor) in tensors {
            for name in mapping.names(key) { renamed[name] = tensor }
        }
        for key in ["visual_encoder.pos_embed", "visual_encoder_m.pos_embed"] {
            renamed[key] = renamed[key].map {
                PositionEmbedding.resized($0, grid: configuration.vision.grid)
            }
        }
        for key in mapping.keeping { renamed[key] = store[key] }
        let report = try store.load(
            renamed, allowingMissing: mapping.allowingMissing,
            allowingUnexpected: mapping.allowingUnexpected + allowingUnexpected)
        if mapping.copiesOnlineWeights { try teacher.copyOnlineWeights() }
        return report
    }
}
