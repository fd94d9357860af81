import Foundation

/// Why a tokenizer's vocabulary cannot be used.
public enum VocabularyError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case missingToken(path: String, token: String)
    case duplicateToken(path: String, token: String, line: Int)
    case malformedMerge(path: String, line: Int)
    case tooFewMerges(path: String, found: Int, needed: Int)

    /// What happened, where, and what to do about it.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "cannot read the vocabulary '\(path)': \(reason). Give the vocab.txt of a BERT model or the merges.txt "
                + "of a CLIP model."
        case .missingToken(let path, let token):
            "the vocabulary '\(path)' has no token '\(token)'; it is no BERT vocab.txt"
        case .duplicateToken(let path, let token, let line):
            "the vocabulary '\(path)' has the token '\(token)' again in line \(line)"
        case .malformedMerge(let path, let line):
            "line \(line) of '\(path)' is no pair of known pieces; give the merges.txt of a CLIP model"
        case .tooFewMerges(let path, let found, let needed):
            "'\(path)' has \(found) merges, but a vocabulary of this size needs \(needed)"
        }
    }
}

/// Tokens by their UTF-8 bytes.
///
/// An open-addressing table over one buffer: strings of the standard library compare by canonical
/// equivalence, which would merge tokens that are different to BERT, and allocate for each look-up.
struct Vocabulary: Sendable {
    private var bytes: [UInt8] = []
    private var starts: [Int32] = [0]
    private var slots: [Int32]
    private let mask: Int

    init(capacity: Int) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        slots = Array(repeating: -1, count: size)
        mask = size - 1
    }

    var count: Int { starts.count - 1 }

    /// Adds a token under the next id; false if it is there.
    mutating func append(_ token: some Collection<UInt8>) -> Bool {
        let token = Array(token)
        let id = Int32(count)
        bytes.append(contentsOf: token)
        starts.append(Int32(bytes.count))
        return token.withUnsafeBufferPointer { token in
            var slot = Self.hash(token) & mask
            while slots[slot] >= 0 {
                if matches(slots[slot], token) { return false }
                slot = (slot + 1) & mask
            }
            slots[slot] = id
            return true
        }
    }

    /// The id of a token, nil if it is unknown.
    func id(_ token: UnsafeBufferPointer<UInt8>) -> Int32? {
        var slot = Self.hash(token) & mask
        while slots[slot] >= 0 {
            if matches(slots[slot], token) { return slots[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The token of an id.
    func token(_ id: Int) -> String {
        String(decoding: bytes[Int(starts[id])..<Int(starts[id + 1])], as: UTF8.self)
    }

    private func matches(_ id: Int32, _ token: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = Int(starts[Int(id)])
        guard Int(starts[Int(id) + 1]) - start == token.count else { return false }
        for index in 0..<token.count where bytes[start + index] != token[index] { return false }
        return true
    }

    /// FNV-1a.
    private static func hash(_ token: UnsafeBufferPointer<UInt8>) -> Int {
        var hash: UInt32 = 0x811c_9dc5
        for byte in token { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return Int(hash ^ (hash >> 15))
    }
}
