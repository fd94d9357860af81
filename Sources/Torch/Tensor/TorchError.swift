import CTorch
import Foundation

/// A failure inside libtorch, with the name of the operation and libtorch's message.
public struct TorchError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operation that failed, such as `aten::matmul`.
    public let operation: String
    /// What libtorch says of it.
    public let message: String

    /// Makes an error.
    public init(operation: String, message: String) {
        self.operation = operation
        self.message = message
    }

    /// Takes over a message of the shim; nil where there is none.
    init?(taking message: UnsafeMutablePointer<CChar>?, operation: String) {
        guard let message else { return nil }
        self.init(operation: operation, message: String(cString: message))
        free(message)
    }

    /// The operation and what libtorch said of it.
    public var description: String { "\(operation): \(message)" }

    /// Calls a shim function that returns a status.
    static func check(
        _ operation: String = #function,
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) throws {
        var message: UnsafeMutablePointer<CChar>?
        if body(&message) != 0 {
            throw TorchError(taking: message, operation: operation)
                ?? TorchError(operation: operation, message: "failed without a message")
        }
    }
}
