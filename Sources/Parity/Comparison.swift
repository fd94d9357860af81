import Batches
import Foundation
import Torch

/// The differences found in one case; remembers the one that is largest against its tolerance.
public struct Comparison {
    /// One compared quantity.
    public struct Item: Sendable {
        /// What was compared.
        public let quantity: String
        /// Largest difference, in the unit of the tolerance.
        public let error: Double
        /// Largest difference that passes.
        public let tolerance: Double

        /// Whether the difference is within the tolerance; not-a-number is not.
        public var passes: Bool { error <= tolerance }

        var severity: Double {
            error.isNaN
                ? .infinity : tolerance == 0 ? (error == 0 ? 0 : .infinity) : error / tolerance
        }
    }

    /// The quantity with the largest error against its tolerance.
    public private(set) var worst: Item?
    /// Everything that fails.
    public private(set) var failures: [Item] = []
    /// Number of quantities compared.
    public private(set) var count = 0

    mutating func add(_ quantity: String, error: Double, tolerance: Double) {
        let item = Item(quantity: quantity, error: error, tolerance: tolerance)
        count += 1
        if worst.map({ item.severity > $0.severity }) ?? true { worst = item }
        if !item.passes { failures.append(item) }
    }

    /// Two numbers with an absolute tolerance.
    mutating func number(_ quantity: String, _ found: Double, _ expected: Double, within: Double) {
        add(quantity, error: abs(found - expected), tolerance: within)
    }

    /// Two numbers within relative·|expected| + absolute.
    mutating func number(
        _ quantity: String, _ found: Double, _ expected: Double, relative: Double, absolute: Double
    ) {
        add(quantity, error: abs(found - expected), tolerance: relative * abs(expected) + absolute)
    }

    /// Two tensors with an absolute tolerance on every element.
    mutating func tensor(_ quantity: String, _ found: Tensor, _ expected: Tensor, within: Double)
        throws
    {
        let found = try found.to(device: .cpu).checked()
        let expected = expected.to(device: .cpu)
        guard found.shape == expected.shape else {
            add(
                "\(quantity) shape \(found.shape) for \(expected.shape)", error: .infinity,
                tolerance: 0)
            return
        }
        if expected.count == 0 { return }
        let difference = found.detached().to(dtype: .float64) - expected.to(dtype: .float64)
        let magnitudes = difference.abs().reshaped(-1)
        let error = try magnitudes.maximum().item()
        let index = error > within ? " at \(Int(try magnitudes.argmax(0).item()))" : ""
        add(quantity + index, error: error, tolerance: within)
    }

    /// A gradient: elements within relative·max|expected| + absolute.
    mutating func gradient(_ quantity: String, _ found: Tensor?, _ expected: Tensor) throws {
        guard let found else {
            add("\(quantity) (no gradient)", error: .infinity, tolerance: 0)
            return
        }
        let scale = try expected.abs().maximum().item()
        try tensor(quantity, found, expected, within: 1e-4 * scale + 1e-6)
    }

    /// Ids and masks that must be the same.
    mutating func same(_ quantity: String, _ found: TokenBatch?, _ expected: TokenBatch) throws {
        func arrays(_ tokens: TokenBatch?) throws -> [[Int]] {
            guard let tokens else { return [] }
            return try [
                tokens.inputIDs.shape, tokens.inputIDs.array(of: Int.self),
                tokens.attentionMask.array(of: Int.self),
            ]
        }
        same(quantity, try arrays(found), try arrays(expected))
    }

    /// Two values that must be the same.
    mutating func same<Value: Equatable>(_ quantity: String, _ found: Value, _ expected: Value) {
        add(
            found == expected ? quantity : "\(quantity): \(found) for \(expected)",
            error: found == expected ? 0 : .infinity, tolerance: 0)
    }
}
