import Datasets
import Images
import Text

/// A WordPiece vocabulary of the words that the generator uses, for models that are trained on scenes
/// alone: a hundredth of BERT's, so that small models spend their time on what they see.
///
/// The special tokens have BERT's numbers. Words that are not in it are spelled.
enum SceneVocabulary {
    /// Scenes whose texts the words are taken from; the same ones for every data set, so that all
    /// have one vocabulary.
    private static let sampledScenes = 600
    private static let special = [
        0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]",
    ]
    private static let specialCount = 104

    /// One token a line of `vocab.txt`.
    static var tokens: [String] {
        let numbered = (0..<specialCount).map { special[$0] ?? "[unused\($0)]" }
        let characters = "abcdefghijklmnopqrstuvwxyz0123456789".map(String.init)
        let spelled = characters + characters.map { "##" + $0 }
        return numbered + spelled + words.filter { $0.count > 1 }.sorted()
    }

    private static var words: Set<String> {
        let images = (0..<sampledScenes).map { index in
            var random = SeededGenerator(0, UInt64(index))
            let scene = SceneSampler(combinations: .includingUnseen).scene(using: &random)
            return SceneImage(
                id: index, split: .unseen, path: "\(index).jpg", scene: scene,
                boxes: scene.objects.map { _ in Box(x: 0, y: 0, width: 1, height: 1) },
                concepts: nil)
        }
        let texts = SceneTexts(options: .init(fillsConcepts: false))
        let questions = texts.questions(about: images).map(\.question)
        let all =
            texts.captions(of: images, isDistinct: false).flatMap { $0.map(\.text) }
            + questions.flatMap { [$0.text] + $0.answers }
            + texts.statements(about: images).map(\.sentence)
            + texts.pairs(of: images, named: "").map(\.sentence)
            + texts.references(in: images).flatMap(\.phrases) + SceneConcepts.vocabulary
        return Set(
            all.flatMap { CaptionCleaning.caption($0).split(separator: " ").map(String.init) })
    }
}
