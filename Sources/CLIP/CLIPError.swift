/// Why a CLIP model cannot be used.
public enum CLIPError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidConfiguration(String)
    case unknownLayout(path: String, reason: String)
    case invalidSetting(path: String, setting: String, found: String, expected: String)
    case unsupportedSetting(path: String, setting: String, found: String, supported: String)
    case unnamedActivation(path: String)
    case otherActivation(path: String)

    /// Which file or setting makes no model, and what is expected instead.
    public var description: String {
        switch self {
        case .invalidConfiguration(let what): "no CLIP model has these sizes: \(what)"
        case .unknownLayout(let path, let reason):
            "'\(path)' is no CLIP model: \(reason). Give OpenAI's .pt file, or a directory in the "
                + "form of Hugging Face or open_clip."
        case .invalidSetting(let path, let setting, let found, let expected):
            "'\(path)': \(setting) is \(found), but \(expected) is expected. Take the file that "
                + "was published with the weights."
        case .unsupportedSetting(let path, let setting, let found, let supported):
            "'\(path)': \(setting) is \(found), which changes the embeddings and is not supported; "
                + "\(supported). Use another model."
        case .unnamedActivation(let path):
            "'\(path)' holds weights without a configuration, which do not say what the model was "
                + "trained with: pass --quick-gelu for OpenAI's weights and those of other models "
                + "whose name ends in quickgelu, or --gelu for others of open_clip."
        case .otherActivation(let path):
            "'\(path)' says what its model was trained with, and it is another activation: leave "
                + "--quick-gelu or --gelu out."
        }
    }
}
