import Files

/// Different strings with their numbers, in the order in which they came.
///
/// An open-addressing table over one buffer of UTF-8 bytes: strings of the standard library compare
/// by canonical equivalence, which would merge tokens and names that are different, and each takes
/// an allocation.
public struct StringTable: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var slots: [Int32]

    /// An empty table with room for some strings.
    public init(capacity: Int = 0) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        slots = Array(repeating: -1, count: size)
    }

    /// Number of strings.
    public var count: Int { ends.count }

    /// Bytes of all strings.
    public var byteCount: Int { bytes.count }

    /// The number of a string, which is added where it is new.
    @discardableResult
    public mutating func insert(_ string: String) -> (number: Int, isNew: Bool) {
        var string = string
        return string.withUTF8 { insert($0) }
    }

    /// The number of the string of these bytes, which is added where it is new.
    @discardableResult
    public mutating func insert(_ string: UnsafeBufferPointer<UInt8>) -> (
        number: Int, isNew: Bool
    ) {
        if 2 * (count + 1) > slots.count { grow() }
        let slot = slot(of: string)
        if slots[slot] >= 0 { return (Int(slots[slot]), false) }
        slots[slot] = Int32(count)
        bytes.append(contentsOf: string)
        ends.append(bytes.count)
        return (count - 1, true)
    }

    /// The number of a string, nil if it is not there.
    public func number(of string: String) -> Int? {
        var string = string
        return string.withUTF8 { number(of: $0) }
    }

    /// The number of the string of these bytes, nil if it is not there.
    public func number(of string: UnsafeBufferPointer<UInt8>) -> Int? {
        let number = slots[slot(of: string)]
        return number >= 0 ? Int(number) : nil
    }

    /// The string of a number.
    public subscript(number: Int) -> String {
        String(decoding: bytes[range(number)], as: UTF8.self)
    }

    /// The UTF-8 bytes of the string of a number.
    public func utf8(_ number: Int) -> ArraySlice<UInt8> { bytes[range(number)] }

    private func range(_ number: Int) -> Range<Int> {
        (number > 0 ? ends[number - 1] : 0)..<ends[number]
    }

    /// The slot that holds a string, or the empty one where it belongs.
    private func slot(of string: UnsafeBufferPointer<UInt8>) -> Int {
        let mask = slots.count - 1
        var slot = Self.hash(string) & mask
        while slots[slot] >= 0, !matches(Int(slots[slot]), string) { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: 2 * slots.count)
        let mask = slots.count - 1
        bytes.withUnsafeBufferPointer { bytes in
            for number in ends.indices {
                var slot =
                    Self.hash(UnsafeBufferPointer(rebasing: bytes[range(number)])) & mask
                while slots[slot] >= 0 { slot = (slot + 1) & mask }
                slots[slot] = Int32(number)
            }
        }
    }

    private func matches(_ number: Int, _ string: UnsafeBufferPointer<UInt8>) -> Bool {
        let range = range(number)
        guard range.count == string.count else { return false }
        for index in 0..<string.count where bytes[range.lowerBound + index] != string[index] {
            return false
        }
        return true
    }

    /// FNV-1a, with the high bits folded into the low ones that a table uses.
    private static func hash(_ string: UnsafeBufferPointer<UInt8>) -> Int {
        var hash = StableHash()
        hash.add(string)
        return Int(truncatingIfNeeded: hash.value ^ (hash.value >> 32))
    }
}
