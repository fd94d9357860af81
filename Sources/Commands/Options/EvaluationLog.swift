import Files
import Foundation
import Training

/// Results of an evaluation, as the official scripts add them to `log.txt`.
enum EvaluationLog {
    /// Adds a line; does nothing without a directory.
    static func append(_ results: [(name: String, value: Double)], to directory: String?) throws {
        guard let directory else { return }
        try makeDirectory(directory)
        let path = (directory as NSString).appendingPathComponent("log.txt")
        let old = FileManager.default.contents(atPath: path) ?? Data()
        let fields = results.map { "\"\($0.name)\": \($0.value.json)" } + ["\"epoch\": 0"]
        let line = "{" + fields.joined(separator: ", ") + "}\n"
        try writeAtomically(old + Data(line.utf8), to: path)
    }

    /// The results of the last evaluation that was added.
    static func last(in directory: String) throws -> [String: Double] {
        let path = (directory as NSString).appendingPathComponent("log.txt")
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(
            whereSeparator: \.isNewline)
        return try lines.last.map {
            try JSONDecoder().decode([String: Double?].self, from: Data($0.utf8))
                .compactMapValues { $0 }
        } ?? [:]
    }
}
