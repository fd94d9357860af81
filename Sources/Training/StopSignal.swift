import Dispatch
import Foundation

/// Remembers that the user or the system asked the program to stop.
///
/// Unchecked: `requested` is guarded by `lock`; the sources are only kept alive.
public final class StopSignal: @unchecked Sendable {
    private let lock = NSLock()
    private var requested = false
    private var signals: Set<Int32> = []
    private var sources: [any DispatchSourceSignal] = []

    /// Signals that are taken as a request.
    public static let signals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU]

    /// A signal that has not been requested.
    public init() {}

    /// Whether to stop after the step at hand.
    public var isRequested: Bool { lock.withLock { requested } }

    /// Asks to stop.
    public func request() { lock.withLock { requested = true } }

    /// Takes as a request what ends a program with time to save: Ctrl-C, SIGTERM, a terminal that is
    /// closed, the warnings of batch systems (SIGUSR1 of Slurm, SIGXCPU of limits). The same one again
    /// ends the process at once. Several together do not: on a terminal, Ctrl-C also reaches whoever
    /// started this process and hands it on as SIGTERM.
    public func watchSignals() {
        for number in Self.signals {
            let before = signal(number, SIG_IGN)
            // Under nohup a closed terminal is to mean nothing.
            if number == SIGHUP, before.isIgnored { continue }
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in
                guard let self else { return }
                // Not exit(), which would take libtorch apart under the thread that uses it.
                if self.isRepeated(number) { _exit(128 + number) }
                self.request()
            }
            source.resume()
            sources.append(source)
        }
    }

    private func isRepeated(_ number: Int32) -> Bool {
        lock.withLock { !signals.insert(number).inserted }
    }
}

extension Optional where Wrapped == __sighandler_t {
    /// Whether this is what stands for ignoring a signal.
    fileprivate var isIgnored: Bool {
        unsafeBitCast(self, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
