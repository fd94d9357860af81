import Foundation
import Training

/// This program, run again with other arguments. Started by the system's own call and not by
/// Foundation's `Process`, which does not say how much memory a process had.
public struct ChildProgram {
    /// How it went.
    public struct Outcome {
        /// As a shell has it: of one that a signal ended, 128 and the signal.
        public let status: Int32
        /// Most memory that was resident at a time. bytes
        public let peakMemory: Int
    }

    /// Time between two looks whether it has ended. microseconds
    private static let interval: UInt32 = 20_000

    /// Runs it to its end; what it prints goes to a file, what it says of its progress to the terminal. A
    /// request to stop is handed on.
    /// - Throws: ``StepError``
    public static func run(_ arguments: [String], output: String, stop: StopSignal) throws
        -> Outcome
    {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(
            &files, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)

        // This program takes note of signals and ignores them otherwise; not so one that it starts.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (defaults, mask) = (sigset_t(), sigset_t())
        for number in StopSignal.signals + [SIGPIPE] { sigaddset(&defaults, number) }
        sigemptyset(&mask)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        let failure = posix_spawn(&process, program, &files, &attributes, &words, environ)
        guard failure == 0 else {
            throw StepError.notStarted(
                command: arguments, reason: String(cString: strerror(failure)))
        }
        do {
            return try wait(for: process, stop: stop)
        } catch let error as POSIXError {
            throw StepError.notWaitedFor(
                command: arguments, reason: String(cString: strerror(error.code.rawValue)))
        }
    }

    /// - Throws: `POSIXError` where the system does not say how the process ended, such as where
    ///   somebody else has asked before
    public static func wait(for process: pid_t, stop: StopSignal) throws -> Outcome {
        var isAsked = false
        var (state, usage) = (Int32(0), rusage())
        while true {
            let ended = wait4(process, &state, WNOHANG, &usage)
            if ended == process { break }
            guard ended == 0 || errno == EINTR else {
                throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .ECHILD)
            }
            if stop.isRequested, !isAsked {
                kill(process, SIGTERM)
                isAsked = true
            }
            usleep(interval)
        }
        let signal = state & 0x7f
        return Outcome(
            status: signal == 0 ? (state >> 8) & 0xff : 128 + signal,
            peakMemory: usage.ru_maxrss * 1024)
    }
}
