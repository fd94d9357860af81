/// Puts runs of combining marks in their canonical order before a text is normalised.
///
/// The library sorts each run by insertion, so that a long run in the wrong order takes time with
/// its square; in order already, it takes none. The result of normalisation is the same.
public enum CombiningMarks {
    /// Runs that are left to the library.
    private static let shortRun = 32

    /// The same marks, each long run of them sorted by combining class.
    public static func ordered(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
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
