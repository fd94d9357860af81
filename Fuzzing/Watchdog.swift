import Files
import Foundation
import Synchronization

/// Ends the process where an input takes too long or too much memory to come back at all, and keeps
/// the input of which a reader ended the process.
final class Watchdog: Sendable {
    private struct Current {
        var began: ContinuousClock.Instant?
        var resident = 0
    }

    private let current = Mutex(Current())
    private let bounds: Fuzzer.Bounds

    /// Begins to watch, on a thread of its own.
    init(_ bounds: Fuzzer.Bounds) {
        self.bounds = bounds
        Thread.detachNewThread { [weak self] in
            let memory = ProcessMemory()
            while let self {
                self.look(memory)
                usleep(50_000)
            }
        }
    }

    /// An input is being read from now on.
    func begin(_ memory: ProcessMemory) {
        current.withLock { $0 = Current(began: .now, resident: memory.resident) }
    }

    /// No input is being read.
    func end() { current.withLock { $0.began = nil } }

    private func look(_ memory: ProcessMemory) {
        let (began, resident) = current.withLock { ($0.began, $0.resident) }
        guard let began else { return }
        // The reader may just be about to end, and then says so itself.
        if began.duration(to: .now) > .seconds(2 * bounds.time + 1) {
            CrashNote.leave("it takes too long")
        }
        if memory.resident - resident > 4 * bounds.memory {
            CrashNote.leave("it takes too much memory")
        }
    }
}

/// What is left behind where a reader ends the process: the input, and a line that says how to try it
/// again. Everything is made beforehand, since little is allowed after a signal.
enum CrashNote {
    private static let signals = [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE]
    // Written before the signals can come, and by one thread.
    nonisolated(unsafe) private static var source: UnsafeMutablePointer<CChar>?
    nonisolated(unsafe) private static var target: UnsafeMutablePointer<CChar>?
    nonisolated(unsafe) private static var message: UnsafeMutablePointer<CChar>?

    /// Says where the input of the reader that is tried next lies.
    static func set(input: String, kept: String, reader: String) {
        for pointer in [source, target, message] { free(pointer) }
        source = strdup(input)
        target = strdup(kept)
        message = strdup(
            "\nthe reader '\(reader)' ended the process or was ended. Its input is kept; try it again "
                + "with --reader \(reader) --input '\(kept)'\n")
    }

    /// Catches the signals that end a process for its faults.
    static func catchSignals() {
        // A stack that overflowed has no room for the handler.
        let size = 1 << 16
        var stack = stack_t(
            ss_sp: UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16), ss_flags: 0,
            ss_size: size)
        sigaltstack(&stack, nil)
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                CrashNote.keep()
                signal(number, SIG_DFL)
                raise(number)
            }
            action.sa_flags = Int32(SA_ONSTACK)
            sigaction(number, &action, nil)
        }
    }

    /// Ends the process for the input that is being read.
    static func leave(_ reason: String) -> Never {
        keep()
        StandardError.note(reason)
        _exit(1)
    }

    private static func keep() {
        guard let source, let target, let message else { return }
        let from = open(source, O_RDONLY)
        let to = open(target, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while true {
                let count = read(from, buffer.baseAddress, buffer.count)
                guard count > 0, write(to, buffer.baseAddress, count) == count else { break }
            }
        }
        close(from)
        close(to)
        _ = write(STDERR_FILENO, message, strlen(message))
    }
}
