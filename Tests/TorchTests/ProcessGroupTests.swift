import Foundation
import Testing
import Torch

/// Groups whose "processes" are threads of this one; libtorch sees no difference.
@Suite struct ProcessGroupTests {
    /// Runs `body` in each process of a group and gives what each returned.
    private func results<Result: Sendable>(
        _ size: Int, _ body: @escaping @Sendable (ProcessGroup) throws -> Result
    ) async throws -> [Result] {
        let server = try ProcessStore(host: "127.0.0.1", port: 0, isServer: true)
        let port = server.port
        return try await withThrowingTaskGroup(of: (Int, Result).self) { tasks in
            for rank in 0..<size {
                tasks.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        // Collective operations block: each has a thread of its own.
                        Thread {
                            continuation.resume(
                                with: Swift.Result {
                                    let store =
                                        try rank == 0
                                        ? server
                                        : ProcessStore(
                                            host: "127.0.0.1", port: port, isServer: false)
                                    return (
                                        rank,
                                        try body(ProcessGroup(store, rank: rank, size: size))
                                    )
                                })
                        }.start()
                    }
                }
            }
            return try await tasks.reduce(into: [(Int, Result)]()) { $0.append($1) }
                .sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    @Test func valuesAreSummedAndRowsPutTogether() async throws {
        let count = 7
        let found = try await results(3) { group in
            let own = Tensor([Float(group.rank + 1), 10])
            let sum = try group.sum(own).array(of: Float.self)
            let share = group.share(of: count)
            let rows = try group.gathered(
                Tensor(share.map { [$0, -$0] }.flatMap { $0 }).reshaped(share.count, 2),
                count: count)
            let halves = try group.gathered(
                Tensor(share.map { Float($0) / 2 }).to(dtype: .bfloat16), count: count)
            return (
                own: try own.array(of: Float.self), sum: sum, rows: try rows.array(of: Int.self),
                halves: try halves.array(of: Float.self), share: share
            )
        }
        #expect(found.map(\.share) == [0..<2, 2..<4, 4..<7])
        for (rank, result) in found.enumerated() {
            #expect(result.sum == [6, 30])
            #expect(result.own == [Float(rank + 1), 10], "the tensor itself must not change")
            #expect(result.rows == (0..<count).flatMap { [$0, -$0] })
            #expect(result.halves == (0..<count).map { Float($0) / 2 })
        }
    }

    @Test func aProcessThatIsGoneIsAnError() async throws {
        let failures = try await results(2) { group in
            if group.rank == 1 { return "" }
            // The other one has left without its part.
            do {
                _ = try group.sum(Tensor([Float(1)]))
                return "a sum without the other"
            } catch let error as TorchError {
                return error.operation
            }
        }
        #expect(failures == ["ProcessGroup.sum", ""])
    }

    @Test func aPortThatIsTakenIsAnError() throws {
        let server = try ProcessStore(host: "127.0.0.1", port: 0, isServer: true)
        #expect(throws: TorchError.self) {
            _ = try ProcessStore(host: "127.0.0.1", port: server.port, isServer: true)
        }
    }

    /// Whoever reaches the store is trusted, so it listens where it is meant to and nowhere else.
    @Test func theStoreListensOnItsHostAlone() throws {
        let server = try ProcessStore(host: "127.0.0.1", port: 0, isServer: true)
        func isReached(_ host: String) -> Bool {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(server.port).bigEndian
            inet_pton(AF_INET, host, &address.sin_addr)
            let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(file) }
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
        #expect(isReached("127.0.0.1"))
        #expect(!isReached("127.0.0.2"))
    }
}
