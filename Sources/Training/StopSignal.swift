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

    /// A signal that has not been requested.
    public init() {}

    /// Whether to stop after the step at hand.
    public var isRequested: Bool { lock.withLock { requested } }

    /// Asks to stop.
    public func request() { lock.withLock { requested = true } }

    /// Takes Ctrl-C and SIGTERM as a request; the same one again ends the process at once. Both together
    /// do not: on a terminal, Ctrl-C also reaches whoever started this process and hands it on as SIGTERM.
    public func watchSignals() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
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
