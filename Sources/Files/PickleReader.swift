import Foundation

/// Reads Python pickles of plain data, protocols 0 to 5. Nothing of the file is ever run: classes
/// and functions are refused, but for names that the caller allows, and those come out as
/// ``PickleValue/built(_:arguments:state:)``, a note of what the file wanted built.
public struct PickleReader {
    /// Values that a result may have at most for each byte of the file: each takes a byte unless
    /// lists are shared, and a few bytes that share lists can unfold until they fill any memory.
    static let mostValuesOfByte = 64
    /// Lists in lists.
    static let mostDepth = 200

    private var input: PickleBytes
    /// Everything the file has made so far. Values name each other by their place here, so that
    /// lists may grow after others refer to them, and are let go of without going into each other.
    private var nodes: [Node] = []
    private var stack: [Place] = []
    private var marks: [Int] = []
    /// What the file has stored to refer to again, by its number; `nowhere` where nothing is.
    private var memo: [Place] = []
    private var memoCount = 0
    private let allowsName: (String) -> Bool

    private typealias Place = Int32
    private static let nowhere: Place = -1

    private enum Node {
        case leaf(PickleValue)
        case list([Place])
        /// Keys and values in turns.
        case dictionary([Place])
        case name(String)
        case built(String, arguments: [Place], state: Place?)
    }

    private init(_ data: Data, allowing allowsName: @escaping (String) -> Bool) {
        input = PickleBytes(data)
        self.allowsName = allowsName
    }

    /// The value of a pickle.
    ///
    /// - Parameters:
    ///   - data: the pickle
    ///   - allowsName: whether the file may name a class or a function, such as
    ///     `collections.OrderedDict`
    /// - Throws: ``PickleError``
    public static func value(
        of data: Data, allowing allowsName: @escaping (String) -> Bool = { _ in false }
    ) throws -> PickleValue {
        guard data.count < Int(Place.max) else {
            throw PickleError(reason: "it has more than two thousand million bytes", offset: 0)
        }
        var reader = PickleReader(data, allowing: allowsName)
        let root = try reader.run()
        var budget = mostValuesOfByte * data.count
        return try reader.value(root, depth: 0, budget: &budget)
    }

    private mutating func run() throws -> Place {
        while true {
            let start = input.position
            let code = try input.byte()
            switch code {
            case 0x80: _ = try input.byte()
            case 0x95: _ = try input.bytes(8)
            case UInt8(ascii: "."): return try pop()
            case UInt8(ascii: "("): marks.append(stack.count)
            case UInt8(ascii: "0"): _ = try pop()
            case UInt8(ascii: "1"): _ = try popToMark()
            case UInt8(ascii: "2"): stack.append(try top())
            case UInt8(ascii: "N"): push(.leaf(.none))
            case 0x88, 0x89: push(.leaf(.bool(code == 0x88)))
            case UInt8(ascii: "I"), UInt8(ascii: "L"), UInt8(ascii: "F"), UInt8(ascii: "S"),
                UInt8(ascii: "V"):
                push(.leaf(try input.textual(code, start)))
            case UInt8(ascii: "J"), UInt8(ascii: "K"), UInt8(ascii: "M"), UInt8(ascii: "G"), 0x8a,
                0x8b:
                push(.leaf(try input.number(code, start)))
            case UInt8(ascii: "X"), UInt8(ascii: "T"), UInt8(ascii: "U"), UInt8(ascii: "B"),
                UInt8(ascii: "C"), 0x8c, 0x8d, 0x8e:
                push(.leaf(try input.counted(code, start)))
            case UInt8(ascii: "]"), UInt8(ascii: ")"): push(.list([]))
            case UInt8(ascii: "}"): push(.dictionary([]))
            case UInt8(ascii: "l"), UInt8(ascii: "t"): push(.list(try popToMark()))
            case UInt8(ascii: "d"): push(.dictionary(try pairs(popToMark())))
            case 0x85, 0x86, 0x87: try tuple(Int(code) - 0x84)
            case UInt8(ascii: "a"): try appendToList(CollectionOfOne(pop()))
            case UInt8(ascii: "e"): try appendToList(popToMark())
            case UInt8(ascii: "s"):
                let value = try pop()
                try appendToDictionary((pop(), value))
            case UInt8(ascii: "u"): try appendToDictionary(pairs(popToMark()))
            case UInt8(ascii: "p"): try store(input.decimal(start), start)
            case UInt8(ascii: "q"): try store(Int(input.byte()), start)
            case UInt8(ascii: "r"): try store(Int(input.littleEndian(4)), start)
            case 0x94: try store(memoCount, start)
            case UInt8(ascii: "g"): try recall(input.decimal(start))
            case UInt8(ascii: "h"): try recall(Int(input.byte()))
            case UInt8(ascii: "j"): try recall(Int(input.littleEndian(4)))
            case UInt8(ascii: "c"):
                let module = try input.line()
                try name(module, input.line(), start)
            case 0x93:
                guard case .leaf(.string(let name)) = nodes[Int(try pop())],
                    case .leaf(.string(let module)) = nodes[Int(try pop())]
                else { throw input.error("a name is no text", start) }
                try self.name(module, name, start)
            case UInt8(ascii: "R"), 0x81: try build(start)
            case UInt8(ascii: "b"): try setState(start)
            case UInt8(ascii: "Q"):
                let item = try pop()
                push(.built(PickleValue.persistentName, arguments: [item], state: nil))
            case UInt8(ascii: "i"), UInt8(ascii: "o"), 0x92:
                throw input.error("it builds an object", start)
            default: throw input.error("unknown or unsupported operation \(code)", start)
            }
        }
    }

    // MARK: Stack

    private mutating func push(_ node: Node) {
        // Each takes a byte of the file at least, and so its number is in range.
        stack.append(Place(nodes.count))
        nodes.append(node)
    }

    private func top() throws -> Place {
        guard let place = stack.last, stack.count > marks.last ?? 0 else {
            throw input.error("a value is missing", input.position)
        }
        return place
    }

    private mutating func pop() throws -> Place {
        let place = try top()
        stack.removeLast()
        return place
    }

    private mutating func popToMark() throws -> [Place] {
        guard let mark = marks.popLast() else {
            throw input.error("a mark is missing", input.position)
        }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func tuple(_ count: Int) throws {
        var items = [Place](repeating: Self.nowhere, count: count)
        for index in items.indices.reversed() { items[index] = try pop() }
        push(.list(items))
    }

    private func pairs(_ items: [Place]) throws -> [Place] {
        guard items.count.isMultiple(of: 2) else {
            throw input.error("a key without value", input.position)
        }
        return items
    }

    private mutating func appendToList(_ items: some Collection<Place>) throws {
        let place = Int(try top())
        guard case .list(var all) = nodes[place] else {
            throw input.error("no list here", input.position)
        }
        // The list must have one owner, or each item would copy all before it.
        nodes[place] = .list([])
        all += items
        nodes[place] = .list(all)
    }

    private mutating func appendToDictionary(_ entry: (key: Place, value: Place)) throws {
        try changeDictionary {
            $0.append(entry.key)
            $0.append(entry.value)
        }
    }

    private mutating func appendToDictionary(_ items: [Place]) throws {
        try changeDictionary { $0 += items }
    }

    private mutating func changeDictionary(_ change: (inout [Place]) -> Void) throws {
        let place = Int(try top())
        guard case .dictionary(var all) = nodes[place] else {
            throw input.error("no dictionary here", input.position)
        }
        nodes[place] = .dictionary([])
        change(&all)
        nodes[place] = .dictionary(all)
    }

    private mutating func name(_ module: String, _ name: String, _ start: Int) throws {
        let full = module + "." + name
        guard allowsName(full) else {
            throw input.error("it names the class or function '\(full.excerpt())'", start)
        }
        push(.name(full))
    }

    private mutating func build(_ start: Int) throws {
        let arguments = Int(try pop())
        guard case .name(let name) = nodes[Int(try pop())], case .list(let items) = nodes[arguments]
        else { throw input.error("it calls something that is no name", start) }
        // The one class whose items are added as to a dictionary.
        push(
            name == "collections.OrderedDict" && items.isEmpty
                ? .dictionary([]) : .built(name, arguments: items, state: nil))
    }

    private mutating func setState(_ start: Int) throws {
        let state = try pop()
        let place = Int(try top())
        switch nodes[place] {
        case .built(let name, let arguments, _):
            nodes[place] = .built(name, arguments: arguments, state: state)
        case .dictionary: break  // attributes of an ordered dictionary, such as `_metadata`
        default: throw input.error("it sets the state of something that is no object", start)
        }
    }

    // MARK: Memo

    private mutating func store(_ key: Int, _ start: Int) throws {
        let place = try top()
        // Python counts up, and each value that it stores takes a byte.
        guard key >= 0, key <= input.bytes.count else {
            throw input.error("it stores a value under the number \(key)", start)
        }
        while memo.count <= key { memo.append(Self.nowhere) }
        if memo[key] == Self.nowhere { memoCount += 1 }
        memo[key] = place
    }

    private mutating func recall(_ key: Int) throws {
        guard memo.indices.contains(key), memo[key] != Self.nowhere else {
            throw input.error("nothing was stored as \(key)", input.position)
        }
        stack.append(memo[key])
    }

    // MARK: Result

    private func value(_ place: Place, depth: Int, budget: inout Int) throws -> PickleValue {
        budget -= 1
        guard budget > 0, depth < Self.mostDepth else {
            throw input.error(
                "it nests too deeply or repeats itself too often", input.bytes.count)
        }
        switch nodes[Int(place)] {
        case .leaf(let value): return value
        case .name(let name): return .built(name, arguments: [], state: nil)
        case .built(let name, let arguments, let state):
            return .built(
                name, arguments: try values(arguments, depth: depth, budget: &budget),
                state: try state.map { try value($0, depth: depth + 1, budget: &budget) })
        case .list(let items): return .list(try values(items, depth: depth, budget: &budget))
        case .dictionary(let items):
            var entries: [PickleEntry] = []
            entries.reserveCapacity(items.count / 2)
            for index in stride(from: 0, to: items.count, by: 2) {
                entries.append(
                    PickleEntry(
                        key: try value(items[index], depth: depth + 1, budget: &budget),
                        value: try value(items[index + 1], depth: depth + 1, budget: &budget)))
            }
            return .dictionary(entries)
        }
    }

    private func values(_ items: [Place], depth: Int, budget: inout Int) throws -> [PickleValue] {
        var values: [PickleValue] = []
        values.reserveCapacity(items.count)
        for item in items { values.append(try value(item, depth: depth + 1, budget: &budget)) }
        return values
    }
}
