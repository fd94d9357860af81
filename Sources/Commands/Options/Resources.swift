import ArgumentParser
import Foundation

/// Files that the bootstrap installs beside the program.
enum Resources {
    /// The directory of the small BERT whose vocabulary and weights are the default: `.venv/minilm`
    /// in a directory above the program, or above the current directory.
    static func miniLM() -> String? {
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        for start in [program.deletingLastPathComponent(), here] {
            var directory = start
            while directory.path != "/" {
                let candidate = directory.appendingPathComponent(".venv/minilm").path
                if FileManager.default.fileExists(atPath: candidate + "/vocab.txt") {
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
