extension StringProtocol {
    /// The beginning of a text of a file, as an error quotes it: damaged files have names of any length.
    /// - Parameter longest: Unicode scalars that are kept
    public func excerpt(_ longest: Int = 80) -> String {
        // Scalars: a character can have any number of marks.
        let end =
            unicodeScalars.index(
                unicodeScalars.startIndex, offsetBy: longest, limitedBy: unicodeScalars.endIndex)
            ?? unicodeScalars.endIndex
        return String(self[..<end]) + (end == unicodeScalars.endIndex ? "" : "…")
    }
}
