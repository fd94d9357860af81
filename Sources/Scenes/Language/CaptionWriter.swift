import Images

/// A caption with what it claims.
public struct Caption: Sendable, Equatable {
    /// As a person would write it.
    public let text: String
    /// What it says that can be true or false.
    public let claims: [Claim]
}

/// Writes captions that are true of a scene.
struct CaptionWriter {
    /// Shares of captions that name one, two or three objects.
    private static let mentions = [(1, 0.12), (2, 0.5), (3, 0.38)]
    private static let openings = [
        "", "", "", "there is ", "we can see ", "a picture of ", "an image with ", "this shows ",
        "here is ", "a drawing of ",
    ]
    /// Words that say nothing of what can be seen.
    private static let distractors = [
        "drawn for a school book", "on a quiet day", "as in a dream", "made by a friend",
        "found in an old album", "for the weekend", "without any people",
    ]

    var wording: Wording

    /// A caption of a scene.
    mutating func caption(of scene: Scene) -> Caption {
        let kind = wording.random.choice(weighted: [
            (Kind.list, 0.5), (.relation, 0.32), (.count, 0.18),
        ])
        let content =
            switch kind {
            case .relation: relation(in: scene)
            case .count: count(in: scene)
            case .list: nil as Caption?
            }
        return decorated(content ?? list(of: scene), scene)
    }

    private enum Kind { case list, relation, count }

    /// A description of an object as people give it: nearly always the colour, sometimes more.
    private mutating func described(_ object: SceneObject) -> Description {
        var description = Description(shape: object.shape)
        if wording.random.happens(0.92) { description.color = object.color }
        if wording.random.happens(object.fill == .plain ? 0.08 : 0.5) {
            description.fill = object.fill
        }
        if wording.random.happens(object.size == .medium ? 0.05 : 0.4) {
            description.size = object.size
        }
        return description
    }

    private mutating func list(of scene: Scene) -> Caption {
        let count = min(wording.random.choice(weighted: Self.mentions), scene.objects.count)
        let chosen = scene.objects.shuffled(using: &wording.random).prefix(count)
        let descriptions = chosen.map { described($0) }
        let phrases = descriptions.map { wording.indefinite($0) }
        return Caption(text: Wording.list(phrases), claims: descriptions.map { .exists($0) })
    }

    private mutating func relation(in scene: Scene) -> Caption? {
        let pair = Array(scene.objects.shuffled(using: &wording.random).prefix(2))
        let relations = Relation.allCases.filter { $0.holds(pair[0], pair[1]) == true }
        guard !relations.isEmpty else { return nil }
        let relation = wording.random.choice(relations)
        let (first, second) = (described(pair[0]), described(pair[1]))
        return Caption(
            text: "\(wording.indefinite(first)) \(wording.words(relation)) "
                + wording.indefinite(second),
            claims: [.related(first, relation, second)])
    }

    /// Counts what at least two objects share, and names one that is different.
    private mutating func count(in scene: Scene) -> Caption? {
        let kinds = scene.objects.flatMap { object in
            [
                Description(shape: object.shape), Description(color: object.color),
                Description(fill: object.fill),
            ]
        }
        let candidates = kinds.filter {
            $0.fill != .plain && $0.matches(in: scene).count >= 2
        }
        guard !candidates.isEmpty else { return nil }
        let counted = wording.random.choice(candidates)
        let number = counted.matches(in: scene).count
        var phrases = [wording.counted(number, counted)]
        var claims = [Claim.count(counted, number)]
        let others = scene.objects.filter { !counted.matches($0) }
        if !others.isEmpty {
            let other = described(wording.random.choice(others))
            phrases.append(wording.indefinite(other))
            claims.append(.exists(other))
        }
        return Caption(text: Wording.list(phrases), claims: claims)
    }

    /// With the background, an opening and words that say nothing.
    private mutating func decorated(_ caption: Caption, _ scene: Scene) -> Caption {
        var (text, claims) = (caption.text, caption.claims)
        if wording.random.happens(0.55) {
            claims.append(.background(scene.background))
            let place = wording.place(scene.background)
            text = wording.random.happens(0.2) ? "\(place), \(text)" : "\(text) \(place)"
        } else {
            text = wording.random.choice(Self.openings) + text
        }
        if wording.random.happens(0.12) {
            text += ", " + wording.random.choice(Self.distractors)
        }
        return Caption(text: text.prefix(1).uppercased() + text.dropFirst() + ".", claims: claims)
    }
}
