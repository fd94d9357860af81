import Images

/// Draws claims that are surely true or surely false of a scene.
enum ClaimSampler {
    private static let tries = 40

    /// A claim of the wanted truth. A false one is a true one with one thing changed, so that it is
    /// about things that are there.
    static func claim(
        about scene: Scene, isTrue: Bool, using random: inout SeededGenerator
    ) -> Claim? {
        for _ in 0..<tries {
            let drawn = trueClaim(about: scene, using: &random)
            let claim = isTrue ? drawn : altered(drawn, using: &random)
            if claim.holds(in: scene) == isTrue { return claim }
        }
        return nil
    }

    private static func trueClaim(about scene: Scene, using random: inout SeededGenerator) -> Claim
    {
        let objects = scene.objects.shuffled(using: &random)
        switch random.choice(weighted: [(0, 0.45), (1, 0.3), (2, 0.15), (3, 0.1)]) {
        case 0: return .exists(partial(objects[0], using: &random))
        case 1:
            return .related(
                partial(objects[0], using: &random), random.choice(Relation.allCases),
                partial(objects[1], using: &random))
        case 2:
            let description = random.choice([
                Description(shape: objects[0].shape), Description(color: objects[0].color),
            ])
            return .count(description, description.matches(in: scene).count)
        default: return .background(scene.background)
        }
    }

    /// Shape and colour of an object, now and then its fill, or only one of them.
    static func partial(_ object: SceneObject, using random: inout SeededGenerator) -> Description {
        var description = Description(shape: object.shape, color: object.color)
        switch random.uniform() {
        case ..<0.2: description.color = nil
        case ..<0.3: description.shape = nil
        default: break
        }
        if random.happens(0.25), object.fill != .plain { description.fill = object.fill }
        return description
    }

    /// The claim with one thing changed; it may still be true.
    static func altered(_ claim: Claim, using random: inout SeededGenerator) -> Claim {
        switch claim {
        case .exists(let description): return .exists(altered(description, using: &random))
        case .count(let description, let count):
            return .count(description, max(1, count + (random.happens(0.5) ? 1 : -1)))
        case .background: return .background(random.choice(Background.allCases))
        case .related(let first, let relation, let second):
            if random.happens(0.5) { return .related(second, relation, first) }
            return .related(altered(first, using: &random), relation, second)
        }
    }

    private static func altered(_ description: Description, using random: inout SeededGenerator)
        -> Description
    {
        var result = description
        if result.shape == nil || result.color != nil && random.happens(0.5) {
            result.color = random.choice(ObjectColor.allCases)
        } else {
            result.shape = random.choice(Shape.allCases)
        }
        return result
    }
}
