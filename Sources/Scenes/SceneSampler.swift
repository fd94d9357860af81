import Foundation
import Images

/// Draws random scenes.
struct SceneSampler {
    /// Which combinations of colour and shape a scene shows.
    enum Combinations {
        /// None of ``Combination/unseen``.
        case seen
        /// At least one of ``Combination/unseen``, beside any others.
        case includingUnseen
    }

    private static let counts = [(2, 0.28), (3, 0.32), (4, 0.2), (5, 0.12), (6, 0.08)]
    private static let sizes = [(ObjectSize.small, 0.34), (.medium, 0.4), (.large, 0.26)]
    private static let fills = [(Fill.plain, 0.5), (.striped, 0.25), (.dotted, 0.25)]
    /// Largest share of an object's bounding square that the squares of later objects cover together.
    private static let mostCovered = 0.2
    /// Least distance of an object's bounding square from the image's edge.
    private static let margin = 0.015
    /// Places tried for an object before it is made smaller, or left out.
    private static let tries = 30

    let combinations: Combinations

    func scene(using random: inout SeededGenerator) -> Scene {
        let count = random.choice(weighted: Self.counts)
        // Large objects come first, so that small ones stand in front of them.
        let sizes = (0..<count).map { _ in random.choice(weighted: Self.sizes) }
            .sorted { $0.diameter > $1.diameter }
        let unseen = combinations == .includingUnseen ? random.index(below: 2) : nil
        var objects: [SceneObject] = []
        for (index, size) in sizes.enumerated() {
            let combination = combination(isUnseen: index == unseen, using: &random)
            var size = size
            while true {
                if let object = placed(combination, size, among: objects, using: &random) {
                    objects.append(object)
                    break
                }
                // A small object always finds a place beside one other, so a scene has two.
                if size == .small, objects.count >= 2 { break }
                size = size == .large ? .medium : .small
            }
        }
        return Scene(
            background: random.choice(Background.allCases), objects: objects,
            variation: random.next())
    }

    private func combination(isUnseen: Bool, using random: inout SeededGenerator) -> Combination {
        while true {
            let drawn = Combination(
                color: random.choice(ObjectColor.allCases), shape: random.choice(Shape.allCases))
            let wanted =
                isUnseen
                ? Combination.unseen.contains(drawn)
                : combinations == .includingUnseen || !Combination.unseen.contains(drawn)
            if wanted { return drawn }
        }
    }

    /// An object at a place where it hides no earlier one too much, nil where none was found.
    private func placed(
        _ combination: Combination, _ size: ObjectSize, among others: [SceneObject],
        using random: inout SeededGenerator
    ) -> SceneObject? {
        let diameter = size.diameter * random.uniform(0.92...1.08)
        let range = diameter / 2 + Self.margin...1 - diameter / 2 - Self.margin
        for _ in 0..<Self.tries {
            let object = SceneObject(
                shape: combination.shape, color: combination.color, size: size,
                fill: random.choice(weighted: Self.fills),
                x: random.uniform(range), y: random.uniform(range), diameter: diameter,
                rotation: random.uniform(-0.2...0.2), isMirrored: random.happens(0.5),
                variation: random.next())
            if leavesVisible(others, object) { return object }
        }
        return nil
    }

    /// Whether each object stays visible enough behind all that come after it.
    private func leavesVisible(_ others: [SceneObject], _ new: SceneObject) -> Bool {
        let all = others + [new]
        return others.indices.allSatisfy { index in
            let object = all[index]
            let covered = all[(index + 1)...].reduce(0) { $0 + Self.overlap(object, $1) }
            return covered <= Self.mostCovered * object.diameter * object.diameter
        }
    }

    /// Area that two bounding squares share.
    private static func overlap(_ a: SceneObject, _ b: SceneObject) -> Double {
        let reach = (a.diameter + b.diameter) / 2
        let least = min(a.diameter, b.diameter)
        func along(_ distance: Double) -> Double { max(0, min(least, reach - abs(distance))) }
        return along(a.x - b.x) * along(a.y - b.y)
    }
}
