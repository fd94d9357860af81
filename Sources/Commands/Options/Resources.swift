import ArgumentParser
import Foundation

/// Files that the bootstrap installs beside the program.
enum Resources {
    /// The directory of the small BERT whose vocabulary and weights are the default.
    static func miniLM() -> String? { directory(".venv/minilm", with: "vocab.txt") }

    /// The merges of CLIP's tokenizer.
    static func merges(_ explicit: String?) throws -> String {
        if let explicit { return explicit }
        if let directory = directory(".venv/clip", with: "merges.txt") {
            return directory + "/merges.txt"
        }
        throw ValidationError(
            "no merges of CLIP's tokenizer: run 'make setup', or pass --merges with a merges.txt")
    }

    /// A directory that the bootstrap made, in one above the program or above the current directory.
    private static func directory(_ name: String, with file: String) -> String? {
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        for start in [program.deletingLastPathComponent(), here] {
            var directory = start
            while directory.path != "/" {
                let candidate = directory.appendingPathComponent(name).path
                if FileManager.default.fileExists(atPath: candidate + "/" + file) {
                    return candidate
                }
                directory = directory.deletingLastPathComponent()
            }
        }
        return nil
    }

    /// The vocabulary to use.
    static func vocabulary(_ explicit: String?, textEncoder: String?) throws -> String {
        if let explicit { return explicit }
        if let directory = textEncoder ?? miniLM() { return directory + "/vocab.txt" }
        throw ValidationError(
            "no vocabulary: run 'make setup', or pass --vocabulary with a BERT vocab.txt")
    }
}
