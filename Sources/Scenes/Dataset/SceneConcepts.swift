import Images

/// Concepts for scenes from what the generator knows, until they are mined with CLIP.
///
/// Mined concepts miss things and name things that are not there. So do these: a fifth of the true
/// nouns is left out, and some wrong ones are mixed in.
enum SceneConcepts {
    private static let missedShare = 0.2
    private static let wrongCount = 3

    /// Every noun that can occur.
    static let vocabulary =
        Shape.allCases.map { Wording.nouns($0)[0].singular }
        + Background.allCases.map(Wording.noun)

    /// Concepts of a scene, in random order.
    static func concepts(of scene: Scene, using random: inout SeededGenerator) -> [String] {
        let present = Set(
            scene.objects.map { Wording.nouns($0.shape)[0].singular }
                + [Wording.noun(scene.background)])
        let truth = vocabulary.filter { present.contains($0) }
            .filter { _ in !random.happens(missedShare) }
        let wrong = vocabulary.filter { !present.contains($0) }.shuffled(using: &random)
            .prefix(wrongCount)
        return (truth + wrong).shuffled(using: &random)
    }
}
