import Images

/// What a noun phrase says of an object; nil leaves open.
public struct Description: Hashable, Sendable {
    /// nil stands for an object of any shape.
    public var shape: Shape?
    /// The colour.
    public var color: ObjectColor?
    /// The size.
    public var size: ObjectSize?
    /// The fill.
    public var fill: Fill?

    /// Makes a description.
    public init(
        shape: Shape? = nil, color: ObjectColor? = nil, size: ObjectSize? = nil, fill: Fill? = nil
    ) {
        self.shape = shape
        self.color = color
        self.size = size
        self.fill = fill
    }

    /// Says everything of an object.
    init(of object: SceneObject) {
        self.init(
            shape: object.shape, color: object.color, size: object.size, fill: object.fill)
    }

    /// Whether all that is said is true of an object.
    public func matches(_ object: SceneObject) -> Bool {
        (shape ?? object.shape) == object.shape && (color ?? object.color) == object.color
            && (size ?? object.size) == object.size && (fill ?? object.fill) == object.fill
    }

    /// The objects it is true of.
    func matches(in scene: Scene) -> [SceneObject] { scene.objects.filter(matches) }
}

/// How one object lies to another.
public enum Relation: CaseIterable, Sendable {
    case leftOf, rightOf, above, below

    /// Distance between centres from which the relation is plain to see. share of the side
    private static let clear = 0.12

    /// Whether it holds between two objects; nil where people might disagree.
    func holds(_ a: SceneObject, _ b: SceneObject) -> Bool? {
        let distance =
            switch self {
            case .leftOf: b.x - a.x
            case .rightOf: a.x - b.x
            case .above: b.y - a.y
            case .below: a.y - b.y
            }
        return distance >= Self.clear ? true : distance <= 0 ? false : nil
    }
}

/// Something said of a scene that is true or false.
public enum Claim: Hashable, Sendable {
    /// There is at least one such object.
    case exists(Description)
    /// There are exactly so many.
    case count(Description, Int)
    /// Some object of the first kind lies so to one of the second.
    case related(Description, Relation, Description)
    /// What lies behind the objects.
    case background(Background)

    /// Whether it is true of a scene; nil where people might disagree.
    public func holds(in scene: Scene) -> Bool? {
        switch self {
        case .exists(let description): return !description.matches(in: scene).isEmpty
        case .count(let description, let count):
            return description.matches(in: scene).count == count
        case .background(let background): return scene.background == background
        case .related(let first, let relation, let second):
            var isOpen = false
            for (i, a) in scene.objects.enumerated() where first.matches(a) {
                for (j, b) in scene.objects.enumerated() where i != j && second.matches(b) {
                    switch relation.holds(a, b) {
                    case true?: return true
                    case nil: isOpen = true
                    case false?: break
                    }
                }
            }
            return isOpen ? nil : false
        }
    }
}

extension [Claim] {
    /// Whether all are true of a scene; nil where none is false and people might disagree.
    func holds(in scene: Scene) -> Bool? {
        let values = map { $0.holds(in: scene) }
        if values.contains(false) { return false }
        return values.contains(nil) ? nil : true
    }
}
