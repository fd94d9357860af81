import Datasets

/// The disjoint parts of a data set of scenes.
public enum SceneSplit: String, CaseIterable, Codable, Sendable {
    case train
    case validation = "val"
    case test
    /// Scenes with combinations of colour and shape that no other part shows.
    case unseen

    /// Images of this part when there are `total` in all.
    func count(of total: Int) -> Int {
        let few = max(2, total / 20)
        return switch self {
        case .train: total - 4 * few
        case .validation, .unseen: few
        case .test: 2 * few
        }
    }

    /// Combinations of colour and shape that the scenes show.
    var combinations: SceneSampler.Combinations { self == .unseen ? .includingUnseen : .seen }
}

/// A scene with its file.
struct SceneImage: Sendable, Encodable {
    /// Number among all images, from 1.
    let id: Int
    let split: SceneSplit
    /// From the data directory.
    let path: String
    let scene: Scene
    /// The visible part of each object.
    let boxes: [Box]
    let concepts: [String]?
}
