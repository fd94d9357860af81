import Foundation

/// Shows how far a long piece of work is: a bar that is redrawn on a terminal, plain lines otherwise.
public final class ProgressDisplay {
    private let total: Int
    private let unit: String
    private let isTerminal: Bool
    private let start = Date()
    private var lastShown = Date.distantPast
    private var isComplete = false
    private var first = 0
    private let output: FileHandle

    /// Nothing is shown yet.
    ///
    /// - Parameters:
    ///   - total: steps in all
    ///   - first: steps done before this run
    ///   - unit: what the rate counts, such as images
    ///   - output: where progress is shown
    public init(
        total: Int, first: Int = 0, unit: String, output: FileHandle = .standardError
    ) {
        self.total = total
        self.first = first
        self.unit = unit
        self.output = output
        isTerminal = isatty(output.fileDescriptor) == 1
    }

    /// Reports steps done, what they carried in this run, what stands in front, and values worth
    /// seeing. The last step is shown once, with the time that all took.
    public func update(_ done: Int, items: Int, title: String, values: [(String, String)] = []) {
        let now = Date()
        let interval = isTerminal ? 0.1 : 10
        guard !isComplete, done == total || now.timeIntervalSince(lastShown) >= interval else {
            return
        }
        lastShown = now
        isComplete = done == total
        let elapsed = max(now.timeIntervalSince(start), 1e-9)
        var line = "\(title) \(done)/\(total)"
        if isTerminal {
            let filled = total > 0 ? 20 * done / total : 20
            line +=
                " [" + String(repeating: "█", count: filled)
                + String(repeating: "·", count: 20 - filled) + "]"
        }
        for (name, value) in values { line += "  \(name) \(value)" }
        // Nothing is known before the first step.
        if done > first {
            line += String(format: "  %.1f \(unit)/s", Double(items) / elapsed)
            let remaining = elapsed / Double(done - first) * Double(total - done)
            line += isComplete ? "  in \(Self.time(elapsed))" : "  ETA \(Self.time(remaining))"
        }
        write(isTerminal ? "\r\u{1b}[2K" + line : line + "\n")
        if isTerminal, isComplete { write("\n") }
    }

    /// Ends a bar before its end, so that what follows starts on a line of its own.
    public func interrupt() { if isTerminal { write("\n") } }

    private func write(_ text: String) { try? output.write(contentsOf: Data(text.utf8)) }

    /// `m:ss` or `h:mm:ss`.
    static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60)
        return h > 0 ? String(format: "%d:%02d:%02d", h, m, s) : String(format: "%d:%02d", m, s)
    }
}
