import Foundation

/// A reader of files from outside, and whole files to begin with.
struct Reader: Sendable {
    /// A file as it is given to the reader.
    struct Input {
        /// What is in it.
        let bytes: Data
        /// Where it lies.
        let path: String
        /// Where it lies together with what is read beside it.
        let directory: String
    }

    /// Something that is done with a file; what it throws is an answer as good as a value.
    typealias Use = @Sendable (Input) throws -> Void

    /// As `--reader` has it.
    let name: String
    /// Name of the file in its directory.
    let file: String
    /// What the file is made of.
    let form: Mutator.Form
    /// Makes whole files, and puts what is read beside them into the directory that is given.
    let seeds: @Sendable (_ directory: String) throws -> [Data]
    /// Makes checksums and lengths of a changed file right again.
    var repair: (@Sendable (inout [UInt8]) -> Void)?
    /// What is done with each file.
    let uses: [Use]

    /// All readers, in the order in which they are tried.
    static var all: [Reader] {
        images + weights + pickles + annotations + configurations + texts + tables + models
    }
}
