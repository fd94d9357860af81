import Dispatch
import Foundation

/// Remembers that the user or the system asked the program to stop.
///
/// Unchecked: `requested` is guarded by `lock`; the sources are only kept alive.
public final class StopSignal: @unchecked Sendable {
    private let lock = NSLock()
    private var requested = false
    private var sources: [any DispatchSourceSignal] = []

    /// A signal that has not been requested.
    public init() {}

    /// Whether to stop after the step at hand.
    public var isRequested: Bool { lock.withLock { requested } }

    /// Asks to stop.
    public func request() { lock.withLock { requested = true } }

    /// Takes Ctrl-C and SIGTERM as a request; a second one ends the process at once.
    public func watchSignals() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in
                guard let self else { return }
                // Not exit(), which would take libtorch apart under the thread that uses it.
                if self.isRequested { _exit(128 + number) }
                self.request()
            }
            source.resume()
            sources.append(source)
        }
    }
}
