import Datasets
import Images

/// Writes sentences for entailment.
///
/// An image cannot say to whom things belong or how they feel to the touch, so a sentence that adds
/// such a thing to something true is neutral. Half of the contradictions carry such an addition too:
/// it alone does not give the label away, and who goes by it alone is right in two of three cases.
struct StatementWriter {
    private static let additions = [
        "that belongs to Anna", "that is for sale", "that was made last year", "that is heavy",
        "that smells of paint", "that Tom wants to buy", "that costs ten euros",
        "that nobody likes",
    ]

    var wording: Wording

    /// A sentence with a label; nil where the scene gives none at this draw.
    mutating func sentence(_ label: EntailmentLabel, about scene: Scene) -> String? {
        let hasAddition =
            label == .neutral || label == .contradiction && wording.random.happens(0.5)
        guard
            let claim = ClaimSampler.claim(
                about: scene, isTrue: label != .contradiction, using: &wording.random)
        else { return nil }
        let addition = hasAddition ? " " + wording.random.choice(Self.additions) : ""
        let text: String
        switch claim {
        case .exists(let description):
            let phrase = wording.indefinite(description)
            let opening = wording.random.choice(["there is ", "we see ", "the picture shows "])
            text = opening + phrase + addition
        case .count(let description, let count) where !hasAddition:
            text =
                (count == 1 ? "there is exactly " : "there are exactly ")
                + wording.counted(count, description)
        case .related(let first, let relation, let second):
            text =
                "\(wording.indefinite(first)) is \(wording.words(relation)) "
                + "\(wording.indefinite(second))\(addition)"
        case .background(let background) where !hasAddition:
            text = "the picture was made \(wording.place(background))"
        default: return nil
        }
        return text.prefix(1).uppercased() + text.dropFirst() + "."
    }
}
