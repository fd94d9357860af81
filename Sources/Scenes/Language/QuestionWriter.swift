import Images

/// A question about a scene with the answers of ten annotators.
struct SceneQuestion: Sendable, Equatable {
    /// The kinds that VQA's evaluation tells apart.
    enum Kind: String, CaseIterable, Sendable {
        case yesNo = "yes/no"
        case number
        case other
    }

    let text: String
    let kind: Kind
    /// What is true.
    let truth: String
    /// One for each annotator; most are the truth.
    let answers: [String]
}

/// Writes questions whose answers can be seen.
struct QuestionWriter {
    static let annotators = 10
    private static let numberWords = (0...6).map(String.init)

    var wording: Wording

    /// A question of a kind; nil where the scene gives none of this kind at this draw.
    mutating func question(_ kind: SceneQuestion.Kind, about scene: Scene) -> SceneQuestion? {
        switch kind {
        case .yesNo: return yesNo(scene)
        case .number: return number(scene)
        case .other: return other(scene)
        }
    }

    // MARK: Kinds

    /// Yes and no are drawn first and equally often, so that neither is the better guess.
    private mutating func yesNo(_ scene: Scene) -> SceneQuestion? {
        let isTrue = wording.random.happens(0.5)
        guard
            let statement = ClaimSampler.claim(about: scene, isTrue: isTrue, using: &wording.random)
        else { return nil }
        let text: String
        switch statement {
        case .exists(let description): text = "Is there \(wording.indefinite(description))?"
        case .count(let description, let count):
            text =
                count == 1
                ? "Is there exactly \(wording.counted(1, description))?"
                : "Are there exactly \(wording.counted(count, description))?"
        case .related(let first, let relation, let second):
            text =
                "Is there \(wording.indefinite(first)) \(wording.words(relation)) "
                + "\(wording.indefinite(second))?"
        case .background(let background):
            text = "Is this \(wording.place(background))?"
        }
        return answered(
            text, .yesNo, truth: isTrue ? "yes" : "no", confusions: [isTrue ? "no" : "yes"])
    }

    private mutating func number(_ scene: Scene) -> SceneQuestion? {
        let object = wording.random.choice(scene.objects)
        let description = wording.random.choice([
            Description(), Description(shape: object.shape), Description(color: object.color),
            Description(fill: object.fill == .plain ? nil : object.fill),
            Description(shape: wording.random.choice(Shape.allCases)),
        ])
        let count = description.matches(in: scene).count
        let near = [count - 1, count + 1].filter { (0...6).contains($0) }.map(String.init)
        return answered(
            "How many \(wording.phrase(description, plural: true)) are there?", .number,
            truth: String(count), confusions: near + [Wording.numbers[count]])
    }

    private mutating func other(_ scene: Scene) -> SceneQuestion? {
        let object = wording.random.choice(scene.objects)
        switch wording.random.index(below: 5) {
        case 0:
            let description = Description(shape: object.shape)
            guard description.matches(in: scene).count == 1 else { return nil }
            return answered(
                "What \(wording.random.choice(["color", "colour"])) is "
                    + "\(wording.definite(description))?", .other,
                truth: object.color.rawValue,
                confusions: Wording.words(object.color) + [neighbour(of: object.color).rawValue])
        case 1:
            let description = Description(color: object.color)
            guard description.matches(in: scene).count == 1 else { return nil }
            return answered(
                "What is the \(object.color.rawValue) object?", .other,
                truth: object.shape.rawValue,
                confusions: Wording.nouns(object.shape).map(\.singular) + ["thing"])
        case 2:
            let description = Description(shape: object.shape, color: object.color)
            guard description.matches(in: scene).count == 1 else { return nil }
            return answered(
                "What pattern does \(wording.definite(description)) have?", .other,
                truth: object.fill == .plain
                    ? "none" : object.fill == .striped ? "stripes" : "dots",
                confusions: object.fill == .plain
                    ? ["plain"] : [object.fill.rawValue, "lines"])
        case 3:
            return answered(
                "What is in the background?", .other, truth: Wording.noun(scene.background),
                confusions: ["nothing", scene.background.rawValue])
        default:
            return neighbourQuestion(object, scene)
        }
    }

    /// What lies on one side of an object, where just one thing does.
    private mutating func neighbourQuestion(_ object: SceneObject, _ scene: Scene)
        -> SceneQuestion?
    {
        let description = Description(shape: object.shape, color: object.color)
        guard description.matches(in: scene).count == 1 else { return nil }
        let relation = wording.random.choice(Relation.allCases)
        let others = scene.objects.filter { $0 != object }
        let found = others.filter { relation.holds($0, object) != false }
        guard found.count == 1, relation.holds(found[0], object) == true else { return nil }
        return answered(
            "What is \(wording.words(relation)) \(wording.definite(description))?", .other,
            truth: found[0].shape.rawValue,
            confusions: Wording.nouns(found[0].shape).map(\.singular))
    }

    // MARK: Annotators

    /// Seven to ten annotators say the truth, the others something near it.
    private mutating func answered(
        _ text: String, _ kind: SceneQuestion.Kind, truth: String, confusions: [String]
    ) -> SceneQuestion {
        let right = wording.random.choice(weighted: [(10, 0.5), (9, 0.2), (8, 0.2), (7, 0.1)])
        let wrong = confusions.filter { $0 != truth }
        let answers = (0..<Self.annotators).map { index in
            index < right || wrong.isEmpty ? truth : wording.random.choice(wrong)
        }
        return SceneQuestion(
            text: text, kind: kind, truth: truth, answers: answers.shuffled(using: &wording.random))
    }

    /// The colour next to one, which a hasty annotator may see.
    private func neighbour(of color: ObjectColor) -> ObjectColor {
        switch color {
        case .red: .orange
        case .orange: .yellow
        case .yellow: .orange
        case .green: .blue
        case .blue: .purple
        case .purple: .blue
        case .pink: .red
        case .brown: .black
        case .black: .brown
        case .white: .yellow
        }
    }
}
