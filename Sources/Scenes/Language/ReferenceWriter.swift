import Images

/// Writes phrases that mean exactly one object of a scene, by its looks alone as in RefCOCO+.
struct ReferenceWriter {
    private static let mostPhrases = 3

    var wording: Wording

    /// Up to three different phrases for an object; none where no description tells it apart.
    mutating func phrases(for object: SceneObject, in scene: Scene) -> [String] {
        let full = Description(of: object)
        guard full.matches(in: scene).count == 1 else { return [] }
        var phrases: [String] = []
        for _ in 0..<Self.mostPhrases {
            // Leaves out what is not needed, in an order of its own each time.
            var description = full
            for part in [0, 1, 2, 3].shuffled(using: &wording.random) {
                var shorter = description
                switch part {
                case 0: shorter.size = nil
                case 1: shorter.fill = nil
                case 2: shorter.color = nil
                default: shorter.shape = nil
                }
                let isKept = part >= 2 && wording.random.happens(0.7)
                if shorter.matches(in: scene).count == 1, !isKept { description = shorter }
            }
            if description.fill == .plain, description.size == .medium { description.size = nil }
            guard description.matches(in: scene).count == 1 else { continue }
            let phrase =
                wording.random.happens(0.5)
                ? wording.definite(description) : wording.phrase(description)
            if !phrases.contains(phrase) { phrases.append(phrase) }
        }
        return phrases
    }
}
