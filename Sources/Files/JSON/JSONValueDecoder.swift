/// Builds values of a ``JSONDocument``. Each container reads its own part of the text; nothing else
/// is kept.
struct JSONValueDecoder: Decoder {
    let document: JSONDocument
    let range: Range<Int>
    let place: JSONPlace

    var codingPath: [any CodingKey] { place.steps.map(JSONKey.init) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(JSONObject<Key>(self, try members()))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard first == UInt8(ascii: "[") else { throw mismatch("a list") }
        var elements: [Range<Int>] = []
        var scanner = document.scanner(range)
        try scanner.elements { elements.append(try $0.value()) }
        return JSONArray(decoder: self, elements: elements)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        JSONSingleValue(decoder: self)
    }

    // MARK: Values

    /// The first byte of the value.
    var first: UInt8 { document.bytes[range.lowerBound] }

    var isNull: Bool { first == UInt8(ascii: "n") }

    func mismatch(_ expected: String) -> JSONMismatch {
        JSONMismatch(value: range, place: place, expected: expected)
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        // What lists and dictionaries ask for without knowing what it is.
        if type == String.self, let text = try text() as? Value { return text }
        do {
            return try Value(from: self)
        } catch let error as JSONMismatch where error.place === place {
            guard let described = type as? any JSONDescribed.Type else { throw error }
            throw mismatch(described.jsonDescription)
        } catch DecodingError.dataCorrupted(let context) {
            guard context.codingPath.count == codingPath.count,
                let described = type as? any JSONDescribed.Type
            else { throw DecodingError.dataCorrupted(context) }
            throw mismatch(described.jsonDescription)
        }
    }

    func bool() throws -> Bool {
        switch first {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: throw mismatch("true or false")
        }
    }

    func text() throws -> String {
        guard first == UInt8(ascii: "\""), let text = document.scanner(range).text(range) else {
            throw mismatch("a text")
        }
        return text
    }

    func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let text = String(decoding: document.bytes[range], as: UTF8.self)
        // 1.0 and 1e3 are whole numbers too.
        guard let number = Number(text) ?? Double(text).flatMap(Number.init(exactly:)) else {
            throw mismatch("a whole number")
        }
        return number
    }

    func number<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Number.Type) throws
        -> Number
    {
        let text = String(decoding: document.bytes[range], as: UTF8.self)
        guard let number = Number(text), number.isFinite else { throw mismatch("a number") }
        return number
    }

    private func members() throws -> [JSONMember] {
        guard first == UInt8(ascii: "{") else { throw mismatch("an object") }
        var members: [JSONMember] = []
        var scanner = document.scanner(range)
        try scanner.members { scanner, key in
            members.append(JSONMember(key: key, value: try scanner.value()))
        }
        return members
    }

    /// What an error says that a type threw itself, or the library for it.
    func problem(of error: DecodingError) -> JSONProblem {
        let context: DecodingError.Context
        var expected: String
        switch error {
        case .keyNotFound(let key, let found):
            context = .init(
                codingPath: found.codingPath + [key], debugDescription: found.debugDescription)
            expected = "a value"
        case .typeMismatch(_, let found), .valueNotFound(_, let found):
            context = found
            expected = "a value of another kind"
        case .dataCorrupted(let found):
            context = found
            expected = found.debugDescription
        @unknown default: return JSONProblem([], "another value", found: nil)
        }
        var value: Range<Int>? = range
        let steps = context.codingPath.map { key -> JSONPlace.Step in
            key.intValue.map(JSONPlace.Step.index) ?? .field(key.stringValue)
        }
        for step in steps.dropFirst(place.steps.count) {
            value = value.flatMap { child(step, of: $0) }
        }
        return JSONProblem(steps, expected, found: value.map(document.description))
    }

    private func child(_ step: JSONPlace.Step, of range: Range<Int>) -> Range<Int>? {
        let here = JSONValueDecoder(document: document, range: range, place: place)
        switch step {
        case .field(let name):
            return (try? here.members())?.last {
                document.scanner($0.key).text($0.key).map { ExactString($0) } == ExactString(name)
            }?.value
        case .index(let index):
            let elements = (try? here.unkeyedContainer() as? JSONArray)?.elements ?? []
            return elements.indices.contains(index) ? elements[index] : nil
        }
    }
}

/// A name and a value of an object; the place of the name includes its quotes.
struct JSONMember {
    let key: Range<Int>
    let value: Range<Int>
}

/// A step to a value, as the standard library wants it.
private struct JSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ step: JSONPlace.Step) {
        switch step {
        case .field(let name): (stringValue, intValue) = (name, nil)
        case .index(let index): (stringValue, intValue) = ("[\(index)]", index)
        }
    }

    init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
    init(intValue: Int) { self.init(.index(intValue)) }
}

private struct JSONObject<Key: CodingKey>: KeyedDecodingContainerProtocol {
    /// Members that are looked through rather than put into a table.
    private static var fewMembers: Int { 16 }

    let decoder: JSONValueDecoder
    let members: [JSONMember]
    /// Value of each name where there are many.
    private let table: [ExactString: Range<Int>]

    init(_ decoder: JSONValueDecoder, _ members: [JSONMember]) {
        self.decoder = decoder
        self.members = members
        var table: [ExactString: Range<Int>] = [:]
        if members.count > Self.fewMembers {
            for member in members {
                if let name = decoder.document.scanner(member.key).text(member.key) {
                    table[ExactString(name)] = member.value
                }
            }
        }
        self.table = table
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        var seen: Set<ExactString> = []
        return members.compactMap { member in
            guard let name = decoder.document.scanner(member.key).text(member.key),
                seen.insert(ExactString(name)).inserted
            else { return nil }
            return Key(stringValue: name)
        }
    }

    private func value(_ key: Key) -> Range<Int>? {
        guard table.isEmpty else { return table[ExactString(key.stringValue)] }
        let name = key.stringValue.utf8
        return members.last { member in
            let content = decoder.document.bytes[member.key.dropFirst().dropLast()]
            if content.elementsEqual(name) { return true }
            guard content.contains(UInt8(ascii: "\\")) else { return false }
            return decoder.document.scanner(member.key).text(member.key)?.utf8.elementsEqual(name)
                ?? false
        }?.value
    }

    private func child(_ key: Key, _ expected: @autoclosure () -> String) throws -> JSONValueDecoder
    {
        let place = JSONPlace(decoder.place, .field(key.stringValue))
        guard let range = value(key) else {
            throw JSONMismatch(value: nil, place: place, expected: expected())
        }
        return JSONValueDecoder(document: decoder.document, range: range, place: place)
    }

    func contains(_ key: Key) -> Bool { value(key) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try child(key, "a value").isNull }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        try child(key, "true or false").bool()
    }
    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        try child(key, "a text").text()
    }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        try child(key, "a number").number(type)
    }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        try child(key, "a number").number(type)
    }
    func decode<Value: Decodable & FixedWidthInteger>(_ type: Value.Type, forKey key: Key) throws
        -> Value
    {
        try child(key, "a whole number").integer(type)
    }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let expected =
            (type as? any JSONDescribed.Type)?.jsonDescription
            ?? (type is any RangeReplaceableCollection.Type ? "a list" : "an object")
        return try child(key, expected).decode(type)
    }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
        -> KeyedDecodingContainer<Nested>
    { try child(key, "an object").container(keyedBy: type) }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(key, "a list").unkeyedContainer()
    }
    func superDecoder() -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key, "a value") }
}

private struct JSONArray: UnkeyedDecodingContainer {
    let decoder: JSONValueDecoder
    let elements: [Range<Int>]
    private(set) var currentIndex = 0

    init(decoder: JSONValueDecoder, elements: [Range<Int>]) {
        self.decoder = decoder
        self.elements = elements
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex == elements.count }

    private mutating func next() throws -> JSONValueDecoder {
        guard !isAtEnd else { throw decoder.mismatch("a longer list") }
        defer { currentIndex += 1 }
        return JSONValueDecoder(
            document: decoder.document, range: elements[currentIndex],
            place: JSONPlace(decoder.place, .index(currentIndex)))
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd else { throw decoder.mismatch("a longer list") }
        let isNull = decoder.document.bytes[elements[currentIndex].lowerBound] == UInt8(ascii: "n")
        if isNull { currentIndex += 1 }
        return isNull
    }
    mutating func decode(_ type: Bool.Type) throws -> Bool { try next().bool() }
    mutating func decode(_ type: String.Type) throws -> String { try next().text() }
    mutating func decode(_ type: Double.Type) throws -> Double { try next().number(type) }
    mutating func decode(_ type: Float.Type) throws -> Float { try next().number(type) }
    mutating func decode<Value: Decodable & FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        try next().integer(type)
    }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try next().decode(type)
    }
    mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws
        -> KeyedDecodingContainer<Key>
    { try next().container(keyedBy: type) }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next().unkeyedContainer()
    }
    mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct JSONSingleValue: SingleValueDecodingContainer {
    let decoder: JSONValueDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }
    func decodeNil() -> Bool { decoder.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try decoder.bool() }
    func decode(_ type: String.Type) throws -> String { try decoder.text() }
    func decode(_ type: Double.Type) throws -> Double { try decoder.number(type) }
    func decode(_ type: Float.Type) throws -> Float { try decoder.number(type) }
    func decode<Value: Decodable & FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        try decoder.integer(type)
    }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
}
