/// Means of named values over the steps of an epoch.
public struct MetricAverages: Codable, Sendable, Equatable {
    private var sums: [String: Double] = [:]
    /// Values of each name.
    private(set) var counts: [String: Int] = [:]

    /// Means of nothing yet.
    public init() {}

    /// Adds one value.
    public mutating func add(_ name: String, _ value: Double) {
        sums[name, default: 0] += value
        counts[name, default: 0] += 1
    }

    /// The mean of each name, in alphabetical order.
    public var means: [(name: String, value: Double)] {
        sums.keys.sorted().map { ($0, (sums[$0] ?? 0) / Double(max(1, counts[$0] ?? 0))) }
    }
}
