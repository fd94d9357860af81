import Foundation

/// What is said to the user beside results. A terminal that is gone or a disk that is full must not
/// end hours of work, so nothing here fails.
public enum StandardError {
    /// Writes text as it is.
    public static func write(_ text: String) { write(Data(text.utf8)) }

    /// Writes bytes as they are.
    public static func write(_ bytes: Data) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let written = Foundation.write(STDERR_FILENO, part.baseAddress, part.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return }
                rest = rest.dropFirst(written)
            }
        }
    }

    /// Writes a line.
    public static func note(_ line: String) { write(line + "\n") }
}
