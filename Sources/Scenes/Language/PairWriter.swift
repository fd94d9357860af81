import Images

/// A sentence about two scenes, as in NLVR2.
struct PairStatement: Sendable {
    enum Quantifier: CaseIterable, Sendable {
        case left, right, both, exactlyOne, neither
    }

    /// What is claimed of one image or both.
    enum Content: Sendable {
        case claim(Quantifier, Claim)
        /// There are so many in both images together.
        case total(Description, Int)
        /// One image has more of a kind than the other.
        case more(Description, inLeft: Bool)
    }

    let content: Content
    let text: String

    /// Whether it is true of two scenes; nil where people might disagree.
    func holds(left: Scene, right: Scene) -> Bool? {
        switch content {
        case .total(let description, let count):
            return description.matches(in: left).count + description.matches(in: right).count
                == count
        case .more(let description, let inLeft):
            let (a, b) = (
                description.matches(in: left).count, description.matches(in: right).count
            )
            return inLeft ? a > b : b > a
        case .claim(let quantifier, let claim):
            let (a, b) = (claim.holds(in: left), claim.holds(in: right))
            switch quantifier {
            case .left: return a
            case .right: return b
            case .both:
                if a == false || b == false { return false }
                return a.flatMap { a in b.map { a && $0 } }
            case .neither: return a.flatMap { a in b.map { !a && !$0 } }
            case .exactlyOne: return a.flatMap { a in b.map { a != $0 } }
            }
        }
    }
}

/// Writes sentences about pairs of scenes.
struct PairWriter {
    var wording: Wording

    /// A sentence that may be true or false of the pair, about things that are in it.
    mutating func statement(left: Scene, right: Scene) -> PairStatement {
        let object = wording.random.choice(left.objects + right.objects)
        let kind = wording.random.choice([
            Description(shape: object.shape), Description(color: object.color),
            Description(shape: object.shape, color: object.color),
        ])
        switch wording.random.choice(weighted: [(0, 0.6), (1, 0.2), (2, 0.2)]) {
        case 0: return claim(kind, left: left, right: right)
        case 1:
            let total = kind.matches(in: left).count + kind.matches(in: right).count
            let count = max(1, total + wording.random.choice([0, 0, 1, -1]))
            return PairStatement(
                content: .total(kind, count),
                text: "There \(count == 1 ? "is" : "are") exactly \(wording.counted(count, kind)) "
                    + "in the two images together.")
        default:
            let inLeft = wording.random.happens(0.5)
            let described = wording.random.happens(0.5) ? Description() : kind
            let sides = inLeft ? ("left", "right") : ("right", "left")
            return PairStatement(
                content: .more(described, inLeft: inLeft),
                text: "The \(sides.0) image has more \(wording.phrase(described, plural: true)) "
                    + "than the \(sides.1) one.")
        }
    }

    private mutating func claim(_ kind: Description, left: Scene, right: Scene) -> PairStatement {
        let quantifier = wording.random.choice(PairStatement.Quantifier.allCases)
        let claim: Claim
        let text: String
        if wording.random.happens(0.2) {
            let background = wording.random.choice([left, right]).background
            claim = .background(background)
            text = Wording.sight(background)
        } else {
            claim = .exists(kind)
            text = wording.indefinite(kind)
        }
        let sentence =
            switch quantifier {
            case .left: "The left image shows \(text)."
            case .right: "The right image shows \(text)."
            case .both: "Both images show \(text)."
            case .exactlyOne: "Exactly one image shows \(text)."
            case .neither: "Neither image shows \(text)."
            }
        return PairStatement(content: .claim(quantifier, claim), text: sentence)
    }
}
