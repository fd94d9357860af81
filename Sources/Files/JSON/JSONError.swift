/// Why a JSON file, or a value in it, cannot be used; who knows the file names it.
public enum JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(reason: String)
    /// Line and column count from 1; `record` counts elements of the outermost array from 0.
    case malformed(reason: String, line: Int, column: Int, record: Int?)
    case invalid(JSONProblem)

    /// What is wrong and where, without the name of the file.
    public var description: String {
        switch self {
        case .unreadable(let reason): reason
        case .malformed(let reason, let line, let column, let record):
            "\(reason) at line \(line), column \(column)"
                + (record.map { ", in record \($0) (counted from 0)" } ?? "")
        case .invalid(let problem): problem.description
        }
    }
}

/// A value that is not what is needed in its place.
public struct JSONProblem: Equatable, Sendable, CustomStringConvertible {
    /// The list whose record it is in, nil for that of the whole file.
    public let list: String?
    /// Number of the record in its list, from 0.
    public let record: Int?
    /// The field, with the way to it; empty for the record itself.
    public let field: String
    /// What must stand there.
    public let expected: String
    /// What stands there, nil where nothing does.
    public let found: String?

    /// Describes a value.
    public init(
        list: String? = nil, record: Int?, field: String, expected: String, found: String?
    ) {
        self.list = list
        self.record = record
        self.field = field
        self.expected = expected
        self.found = found
    }

    /// Record and field, what must stand there and what does.
    public var description: String {
        let place = record.map {
            "record \($0)" + (list.map { " of '\($0.excerpt())'" } ?? "") + " (counted from 0)"
        }
        let value = field.isEmpty ? place ?? "the whole file" : "'\(field.excerpt())'"
        let prefix = field.isEmpty || place == nil ? "" : "\(place ?? ""): "
        return prefix
            + (found.map { "\(value) must be \(expected), not \($0)" }
                ?? "\(value) is missing; \(expected) is expected")
    }
}

/// The way to a value from the outermost one.
final class JSONPlace: Sendable {
    enum Step: Equatable, Sendable {
        case field(String)
        case index(Int)
    }

    private let parent: JSONPlace?
    private let step: Step?

    /// The outermost value.
    init() { (parent, step) = (nil, nil) }

    init(_ parent: JSONPlace, _ step: Step) { (self.parent, self.step) = (parent, step) }

    var steps: [Step] {
        var steps: [Step] = []
        var place: JSONPlace? = self
        while let here = place {
            if let step = here.step { steps.append(step) }
            place = here.parent
        }
        return steps.reversed()
    }
}

/// A value of another kind than the one asked for.
struct JSONMismatch: Error {
    /// Where the value stands in the text, nil where there is none.
    let value: Range<Int>?
    let place: JSONPlace
    let expected: String

    func problem(in document: JSONDocument) -> JSONProblem {
        JSONProblem(place.steps, expected, found: value.map(document.description))
    }
}

extension JSONProblem {
    init(_ steps: [JSONPlace.Step], _ expected: String, found: String?) {
        var steps = steps[...]
        var list: String?
        var record: Int?
        if case .field(let name) = steps.first, case .index = steps.dropFirst().first {
            list = name
            steps.removeFirst()
        }
        if case .index(let number) = steps.first {
            record = number
            steps.removeFirst()
        }
        var field = ""
        for step in steps {
            switch step {
            case .field(let name): field += field.isEmpty ? name : ".\(name)"
            case .index(let number): field += "[\(number)]"
            }
        }
        self.init(list: list, record: record, field: field, expected: expected, found: found)
    }
}

/// A type that says in words from which JSON it is read.
public protocol JSONDescribed {
    /// As in "must be …".
    static var jsonDescription: String { get }
}
