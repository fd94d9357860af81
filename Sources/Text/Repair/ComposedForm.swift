import Foundation

/// Normal form C, by the library but for two things.
///
/// It sorts each run of combining marks by insertion, so that a long run in the wrong order takes
/// time with its square; in order already, it takes none. And it takes some characters beyond those
/// of any language, tags of flags among them, for letters (U+E0067 for g).
public enum ComposedForm {
    /// From here on nothing is composed or taken apart.
    private static let beyondLanguages: UInt32 = 0x30000
    /// Runs that are left to the library.
    private static let shortRun = 32

    /// The characters in normal form C.
    public static func of(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard scalars.contains(where: { $0.value >= 0x80 }) else { return scalars }
        var result: [Unicode.Scalar] = []
        var rest = ordered(scalars)[...]
        while !rest.isEmpty {
            let part = rest.prefix { $0.value < beyondLanguages }
            result +=
                String(String.UnicodeScalarView(part)).precomposedStringWithCanonicalMapping
                .unicodeScalars
            rest = rest[part.endIndex...]
            if let other = rest.popFirst() { result.append(other) }
        }
        return result
    }

    /// The same marks, each long run of them sorted by combining class.
    private static func ordered(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result = scalars
        var start = 0
        while start < result.count {
            guard isMark(result[start]) else {
                start += 1
                continue
            }
            let end = result[start...].firstIndex { !isMark($0) } ?? result.count
            if end - start > shortRun {
                // The place decides between equal classes: marks of one class keep their order.
                let sorted = result[start..<end].enumerated().sorted {
                    ($0.element.properties.canonicalCombiningClass.rawValue, $0.offset)
                        < ($1.element.properties.canonicalCombiningClass.rawValue, $1.offset)
                }
                result.replaceSubrange(start..<end, with: sorted.map(\.element))
            }
            start = end
        }
        return result
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x300 && scalar.properties.canonicalCombiningClass != .notReordered
    }
}
