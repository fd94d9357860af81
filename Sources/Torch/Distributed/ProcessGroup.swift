import CTorch
import Foundation

/// Processes that share work; libtorch's Gloo group over TCP.
///
/// Every process must call the same collective operations in the same order. Unchecked: the group is
/// never changed after it was made, and libtorch queues its operations under a lock.
public final class ProcessGroup: @unchecked Sendable {
    /// Number of this process, from 0.
    public let rank: Int
    /// Number of processes.
    public let size: Int

    private let store: ProcessStore
    private let handle: CTProcessGroup

    /// Seconds that a process waits for the others.
    public static let patience = 1800.0

    /// Joins a group; returns when all processes have.
    ///
    /// - Parameters:
    ///   - store: where the processes meet
    ///   - rank: number of this process
    ///   - size: number of processes
    /// - Throws: ``TorchError`` where the others do not come or cannot be reached.
    public init(_ store: ProcessStore, rank: Int, size: Int) throws {
        precondition(0..<size ~= rank, "process \(rank) of \(size)")
        self.store = store
        self.rank = rank
        self.size = size
        let interface = store.isOnThisMachine ? store.host : nil
        var message: UnsafeMutablePointer<CChar>?
        guard
            let handle = ct_process_group_new(
                store.handle, interface, Int32(rank), Int32(size), Self.patience, &message)
        else {
            throw TorchError(taking: message, operation: "ProcessGroup")
                ?? TorchError(operation: "ProcessGroup", message: "process \(rank) of \(size)")
        }
        self.handle = handle
    }

    deinit { ct_process_group_free(handle) }

    /// The sum of a tensor over all processes, on the device of `values`.
    ///
    /// - Parameter values: of the same shape and type in every process, contiguous
    /// - Throws: ``TorchError`` where another process has ended or failed.
    public func sum(_ values: Tensor) throws -> Tensor {
        // A copy: the group writes its result into what it is given.
        let result = values.cloned().to(device: .cpu)
        let tensor = try result.handle()
        try TorchError.check("ProcessGroup.sum") { ct_process_group_sum(handle, tensor, $0) }
        return result.to(device: values.device)
    }

    /// The part of `count` items that falls to this process; the parts of all processes, in the order
    /// of their numbers, make up the whole.
    public func share(of count: Int) -> Range<Int> {
        count * rank / size..<count * (rank + 1) / size
    }

    /// Puts together what the processes have made, each the rows of its ``share(of:)``.
    ///
    /// - Parameters:
    ///   - rows: this process's. `[share, …]`
    ///   - count: of all processes
    /// - Returns: `[count, …]`, the same in every process
    /// - Throws: ``TorchError``
    public func gathered(_ rows: Tensor, count: Int) throws -> Tensor {
        let whole = Tensor.zeros(
            [count] + rows.shape.dropFirst(), dtype: rows.dtype, device: rows.device)
        try whole.slice(0, share(of: count)).copy(from: rows)
        return try sum(whole)
    }
}

/// Where processes meet: a table of names and values that one of them serves over TCP.
///
/// Unchecked: libtorch locks the store in every operation.
public final class ProcessStore: @unchecked Sendable {
    let handle: CTStore
    /// Name or address of the machine that serves the table.
    public let host: String

    /// The port it is served on.
    public var port: Int { Int(ct_store_port(handle)) }

    /// Serves a table, or connects to one.
    ///
    /// - Parameters:
    ///   - host: name or address of the serving machine
    ///   - port: of the table; a server takes any free one at 0
    ///   - isServer: whether this process serves it
    /// - Throws: ``TorchError`` where the port is taken, or nobody answers.
    public init(host: String, port: Int, isServer: Bool) throws {
        self.host = host
        var message: UnsafeMutablePointer<CChar>?
        guard
            let handle = ct_store_new(
                host, UInt16(clamping: port), isServer, ProcessGroup.patience, &message)
        else {
            throw TorchError(taking: message, operation: "ProcessStore")
                ?? TorchError(operation: "ProcessStore", message: "\(host):\(port)")
        }
        self.handle = handle
    }

    deinit { ct_store_free(handle) }

    var isOnThisMachine: Bool { host == "127.0.0.1" || host == "localhost" }
}
