import ArgumentParser
import Files
import Reports

/// Whether an evaluation writes a page to look at.
struct PageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A page with the results and some examples.", valueName: "path"))
    var html: String?

    @Option(help: "Examples on the page, at even distances through the set.")
    var examples = 20

    func validate() throws {
        guard examples > 0 else { throw ValidationError("--examples must be 1 or more") }
        if let html { try MarkedFile.check(html) }
    }

    /// Writes the page, where one is wanted, and says where it is.
    func write(_ page: () throws -> Page) throws {
        guard let html else { return }
        try page().write(to: html)
        print("look at \(html)")
    }
}
