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

    private let bytes: [UInt8]
    private var position = 0
    private var stack: [Node] = []
    private var marks: [Int] = []
    private var memo: [Int: Node] = [:]

    private let allowsName: (String) -> Bool

    private init(_ data: Data, allowing allowsName: @escaping (String) -> Bool) {
        bytes = Array(data)
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
        var reader = PickleReader(data, allowing: allowsName)
        let root = try reader.run()
        var budget = mostValuesOfByte * data.count
        return try reader.value(root, depth: 0, budget: &budget)
    }

    /// A value that may still grow: pickles refer to lists before they are filled.
    private final class Node {
        enum Content {
            case leaf(PickleValue)
            case list([Node])
            case dictionary([(Node, Node)])
            case name(String)
            case built(String, arguments: [Node], state: Node?)
        }

        var content: Content

        init(_ content: Content) { self.content = content }
    }

    private mutating func run() throws -> Node {
        while true {
            let start = position
            let code = try byte()
            switch code {
            case 0x80: _ = try byte()
            case 0x95: _ = try bytes(8)
            case UInt8(ascii: "."): return try pop()
            case UInt8(ascii: "("): marks.append(stack.count)
            case UInt8(ascii: "0"): _ = try pop()
            case UInt8(ascii: "1"): _ = try popToMark()
            case UInt8(ascii: "2"): stack.append(try top())
            case UInt8(ascii: "N"), 0x88, 0x89: push(constant(code))
            case UInt8(ascii: "I"), UInt8(ascii: "L"), UInt8(ascii: "F"), UInt8(ascii: "S"),
                UInt8(ascii: "V"):
                push(try textual(code, start))
            case UInt8(ascii: "J"), UInt8(ascii: "K"), UInt8(ascii: "M"), UInt8(ascii: "G"), 0x8a,
                0x8b:
                push(try number(code, start))
            case UInt8(ascii: "X"), UInt8(ascii: "T"), UInt8(ascii: "U"), UInt8(ascii: "B"),
                UInt8(ascii: "C"), 0x8c, 0x8d, 0x8e:
                push(try counted(code, start))
            case UInt8(ascii: "]"), UInt8(ascii: ")"): stack.append(Node(.list([])))
            case UInt8(ascii: "}"): stack.append(Node(.dictionary([])))
            case UInt8(ascii: "l"), UInt8(ascii: "t"):
                let items = try popToMark()
                stack.append(Node(.list(items)))
            case UInt8(ascii: "d"):
                let pairs = try pairs(popToMark())
                stack.append(Node(.dictionary(pairs)))
            case 0x85, 0x86, 0x87: try tuple(Int(code) - 0x84)
            case UInt8(ascii: "a"): try appendToList([pop()])
            case UInt8(ascii: "e"): try appendToList(popToMark())
            case UInt8(ascii: "s"):
                let value = try pop()
                let key = try pop()
                try appendToDictionary([(key, value)])
            case UInt8(ascii: "u"): try appendToDictionary(pairs(popToMark()))
            case UInt8(ascii: "p"): memo[try decimal(line(), start)] = try top()
            case UInt8(ascii: "q"): memo[Int(try byte())] = try top()
            case UInt8(ascii: "r"): memo[Int(try littleEndian(4))] = try top()
            case 0x94: memo[memo.count] = try top()
            case UInt8(ascii: "g"): try recall(decimal(line(), start))
            case UInt8(ascii: "h"): try recall(Int(byte()))
            case UInt8(ascii: "j"): try recall(Int(littleEndian(4)))
            case UInt8(ascii: "c"):
                let module = try line()
                try name(module, line(), start)
            case 0x93:
                guard case .leaf(.string(let name)) = try pop().content,
                    case .leaf(.string(let module)) = try pop().content
                else { throw error("a name is no text", start) }
                try self.name(module, name, start)
            case UInt8(ascii: "R"), 0x81: try build(start)
            case UInt8(ascii: "b"): try setState(start)
            case UInt8(ascii: "Q"):
                let item = try pop()
                stack.append(
                    Node(.built(PickleValue.persistentName, arguments: [item], state: nil)))
            case UInt8(ascii: "i"), UInt8(ascii: "o"), 0x92:
                throw error("it builds an object", start)
            default: throw error("unknown or unsupported operation \(code)", start)
            }
        }
    }

    // MARK: Operands

    private func constant(_ code: UInt8) -> PickleValue {
        code == UInt8(ascii: "N") ? .none : .bool(code == 0x88)
    }

    /// A value written as a line of text, as protocol 0 does.
    private mutating func textual(_ code: UInt8, _ start: Int) throws -> PickleValue {
        let text = try line()
        switch code {
        case UInt8(ascii: "F"):
            guard let value = Double(text) else { throw error("'\(text)' is no number", start) }
            return .double(value)
        case UInt8(ascii: "I") where text == "00" || text == "01": return .bool(text == "01")
        case UInt8(ascii: "I"), UInt8(ascii: "L"):
            return .int(try decimal(text.hasSuffix("L") ? String(text.dropLast()) : text, start))
        case UInt8(ascii: "V"): return try unicode(text, start)
        default: return try quoted(text, start)
        }
    }

    private mutating func number(_ code: UInt8, _ start: Int) throws -> PickleValue {
        switch code {
        case UInt8(ascii: "J"):
            return .int(Int(Int32(truncatingIfNeeded: try littleEndian(4))))
        case UInt8(ascii: "K"): return .int(Int(try byte()))
        case UInt8(ascii: "M"): return .int(Int(try littleEndian(2)))
        case UInt8(ascii: "G"):
            return .double(Double(bitPattern: UInt64(try littleEndian(8)).byteSwapped))
        default:
            let count = code == 0x8a ? Int(try byte()) : Int(try littleEndian(4))
            guard count <= 8 else { throw error("a number of more than 64 bits", start) }
            guard count > 0 else { return .int(0) }
            let shift = 64 - 8 * count
            return .int(
                Int(truncatingIfNeeded: Int64(bitPattern: try littleEndian(count)) << shift)
                    >> shift)
        }
    }

    /// A text or bytes with their length in front.
    private mutating func counted(_ code: UInt8, _ start: Int) throws -> PickleValue {
        let width =
            switch code {
            case UInt8(ascii: "U"), UInt8(ascii: "C"), 0x8c: 1
            case 0x8d, 0x8e: 8
            default: 4
            }
        let length = try littleEndian(width)
        guard length <= UInt64(bytes.count - position) else {
            throw error("the file ends inside a text", start)
        }
        let content = Array(try bytes(Int(length)))
        if [UInt8(ascii: "B"), UInt8(ascii: "C"), 0x8e].contains(code) { return .bytes(content) }
        // Python 2's strings are bytes; those that are no UTF-8 stay so.
        guard let text = String(validating: content, as: UTF8.self) else { return .bytes(content) }
        return .string(text)
    }

    private mutating func byte() throws -> UInt8 {
        guard position < bytes.count else { throw error("the file ends too early", position) }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= bytes.count - position else {
            throw error("the file ends too early", position)
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    private mutating func littleEndian(_ count: Int) throws -> UInt64 {
        try bytes(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func line() throws -> String {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else {
            throw error("the file ends inside a line", position)
        }
        defer { position = end + 1 }
        // Each byte is a character: Latin-1.
        return String(
            String.UnicodeScalarView(bytes[position..<end].map { Unicode.Scalar($0) }))
    }

    private func decimal(_ text: String, _ start: Int) throws -> Int {
        guard let value = Int(text) else { throw error("'\(text)' is no whole number", start) }
        return value
    }

    /// A Unicode text of protocol 0: Latin-1 with `\u` and `\U` escapes.
    private func unicode(_ line: String, _ start: Int) throws -> PickleValue {
        var result = String.UnicodeScalarView()
        var rest = line.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let digits = ["u": 4, "U": 8][rest.first ?? " "] else {
                result.append(scalar)
                continue
            }
            guard let value = UInt32(String(rest.dropFirst().prefix(digits)), radix: 16),
                let decoded = Unicode.Scalar(value)
            else { throw error("a wrong escape in a text", start) }
            rest = rest.dropFirst(1 + digits)
            result.append(decoded)
        }
        return .string(String(result))
    }

    /// A quoted text of protocol 0: bytes with Python's escapes, mostly UTF-8.
    private func quoted(_ line: String, _ start: Int) throws -> PickleValue {
        guard line.count >= 2, let quote = line.first, quote == "'" || quote == "\"",
            line.last == quote
        else { throw error("a quoted text is expected", start) }
        var result: [UInt8] = []
        var rest = line.dropFirst().dropLast().unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let kind = rest.popFirst() else {
                result.append(UInt8(truncatingIfNeeded: scalar.value))
                continue
            }
            if kind == "x" {
                guard let value = UInt8(String(rest.prefix(2)), radix: 16) else {
                    throw error("a wrong escape in a text", start)
                }
                rest = rest.dropFirst(2)
                result.append(value)
            } else {
                let decoded = ["n": "\n", "t": "\t", "r": "\r"][kind] ?? kind
                result.append(UInt8(truncatingIfNeeded: decoded.value))
            }
        }
        return String(validating: result, as: UTF8.self).map { .string($0) } ?? .bytes(result)
    }

    // MARK: Stack

    private mutating func push(_ value: PickleValue) { stack.append(Node(.leaf(value))) }

    private func top() throws -> Node {
        guard let node = stack.last, stack.count > marks.last ?? 0 else {
            throw error("a value is missing", position)
        }
        return node
    }

    private mutating func pop() throws -> Node {
        let node = try top()
        stack.removeLast()
        return node
    }

    private mutating func popToMark() throws -> [Node] {
        guard let mark = marks.popLast() else { throw error("a mark is missing", position) }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func tuple(_ count: Int) throws {
        var items: [Node] = []
        for _ in 0..<count { items.append(try pop()) }
        stack.append(Node(.list(items.reversed())))
    }

    private func pairs(_ items: [Node]) throws -> [(Node, Node)] {
        guard items.count.isMultiple(of: 2) else { throw error("a key without value", position) }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    private mutating func appendToList(_ items: [Node]) throws {
        let node = try top()
        guard case .list(let old) = node.content else { throw error("no list here", position) }
        node.content = .list([])
        node.content = .list(old + items)
    }

    private mutating func appendToDictionary(_ items: [(Node, Node)]) throws {
        let node = try top()
        guard case .dictionary(let old) = node.content else {
            throw error("no dictionary here", position)
        }
        node.content = .dictionary(old + items)
    }

    private mutating func name(_ module: String, _ name: String, _ start: Int) throws {
        let full = module + "." + name
        guard allowsName(full) else {
            throw error("it names the class or function '\(full)'", start)
        }
        stack.append(Node(.name(full)))
    }

    private mutating func build(_ start: Int) throws {
        let arguments = try pop()
        guard case .name(let name) = try pop().content, case .list(let items) = arguments.content
        else { throw error("it calls something that is no name", start) }
        // The one class whose items are added as to a dictionary.
        stack.append(
            Node(
                name == "collections.OrderedDict" && items.isEmpty
                    ? .dictionary([]) : .built(name, arguments: items, state: nil)))
    }

    private mutating func setState(_ start: Int) throws {
        let state = try pop()
        let node = try top()
        switch node.content {
        case .built(let name, let arguments, _):
            node.content = .built(name, arguments: arguments, state: state)
        case .dictionary: break  // attributes of an ordered dictionary, such as `_metadata`
        default: throw error("it sets the state of something that is no object", start)
        }
    }

    private mutating func recall(_ key: Int) throws {
        guard let node = memo[key] else { throw error("nothing was stored as \(key)", position) }
        stack.append(node)
    }

    // MARK: Result

    private func value(_ node: Node, depth: Int, budget: inout Int) throws -> PickleValue {
        budget -= 1
        guard budget > 0, depth < Self.mostDepth else {
            throw error("it nests too deeply or repeats itself too often", bytes.count)
        }
        switch node.content {
        case .leaf(let value): return value
        case .name(let name): return .built(name, arguments: [], state: nil)
        case .built(let name, let arguments, let state):
            return .built(
                name, arguments: try values(arguments, depth: depth, budget: &budget),
                state: try state.map { try value($0, depth: depth + 1, budget: &budget) })
        case .list(let items): return .list(try values(items, depth: depth, budget: &budget))
        case .dictionary(let items):
            var entries: [PickleEntry] = []
            for (key, item) in items {
                entries.append(
                    PickleEntry(
                        key: try value(key, depth: depth + 1, budget: &budget),
                        value: try value(item, depth: depth + 1, budget: &budget)))
            }
            return .dictionary(entries)
        }
    }

    private func values(_ items: [Node], depth: Int, budget: inout Int) throws -> [PickleValue] {
        var values: [PickleValue] = []
        for item in items { values.append(try value(item, depth: depth + 1, budget: &budget)) }
        return values
    }

    private func error(_ reason: String, _ offset: Int) -> PickleError {
        PickleError(reason: reason, offset: offset)
    }
}
