import Foundation
import Reports

/// The results of an ablation: for each variant the mean and the deviation over the seeds, and whether
/// it differs from the baseline by more than chance would.
struct AblationTable {
    /// What is compared.
    struct Column {
        /// For people.
        let title: String
        /// Which evaluation of a run.
        let evaluation: String
        /// Key of its log.
        let key: String
    }

    /// A run with what its evaluations logged.
    struct Run {
        let variant: AblationVariant
        let seed: UInt64
        /// By the evaluation and the key.
        let logs: [String: [String: Double]]
    }

    /// Mean recall of both directions at 1, 5 and 10, in percent.
    static let columns = [
        Column(title: "zero-shot, features", evaluation: "zero-shot", key: "test_dual_r_mean"),
        Column(title: "zero-shot, matching", evaluation: "zero-shot", key: "test_r_mean"),
        Column(title: "fine-tuned, features", evaluation: "fine-tuned", key: "test_dual_r_mean"),
        Column(title: "fine-tuned, matching", evaluation: "fine-tuned", key: "test_r_mean"),
    ]

    /// Key of what chance reaches, which is the same in all runs.
    private static let chanceKey = "test_chance_r_mean"

    let variants: [AblationVariant]
    let runs: [Run]

    /// Value of a column for each seed of a variant.
    func values(_ variant: AblationVariant, _ column: Column) -> [UInt64: Double] {
        runs.filter { $0.variant == variant }.reduce(into: [:]) {
            $0[$1.seed] = $1.logs[column.evaluation]?[column.key]
        }
    }

    /// Mean and standard deviation, of one value without the latter.
    static func spread(_ values: [Double]) -> (mean: Double, deviation: Double?) {
        let mean = values.reduce(0, +) / Double(max(1, values.count))
        guard values.count > 1 else { return (mean, nil) }
        let squares = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
        return (mean, (squares / Double(values.count - 1)).squareRoot())
    }

    private static func text(_ values: [Double]) -> String {
        let (mean, deviation) = spread(values)
        return String(format: "%.1f", mean)
            + (deviation.map { String(format: " ± %.1f", $0) } ?? "")
    }

    /// The head, a row for each variant, and what chance reaches.
    var rows: [[String]] {
        [["mean recall in %"] + Self.columns.map(\.title)]
            + variants.map { variant in
                [variant.title]
                    + Self.columns.map { column in
                        Self.text(Array(values(variant, column).values))
                    }
            }
            + [
                ["chance"]
                    + Self.columns.map { column in
                        Self.text(
                            runs.prefix(1).compactMap {
                                $0.logs[column.evaluation]?[Self.chanceKey]
                            })
                    }
            ]
    }

    /// For people, in columns.
    var text: String { textTable(rows) }

    /// All that was logged, a line for each run.
    var csv: String {
        let keys = runs.reduce(into: Set<String>()) { keys, run in
            for (evaluation, log) in run.logs {
                keys.formUnion(log.keys.map { "\(evaluation)/\($0)" })
            }
        }.sorted()
        let lines = runs.map { run in
            ([run.variant.rawValue, "\(run.seed)"]
                + keys.map { key in
                    let parts = key.split(separator: "/").map(String.init)
                    return run.logs[parts[0]]?[parts[1]].map { "\($0)" } ?? ""
                }).joined(separator: ",")
        }
        return ([(["variant", "seed"] + keys).joined(separator: ",")] + lines)
            .joined(separator: "\n") + "\n"
    }

    /// Whether each variant is better than the baseline, said plainly. The same seed means the same data
    /// in the same order, so differences are taken seed by seed.
    var findings: [String] {
        guard variants.contains(.baseline) else { return [] }
        return Self.columns.flatMap { column in
            let baseline = values(.baseline, column)
            return variants.filter { $0 != .baseline }.map { variant in
                let differences = values(variant, column).compactMap { seed, value in
                    baseline[seed].map { value - $0 }
                }
                return "\(column.title): \(variant.title) \(Self.verdict(differences))"
            }
        }
    }

    /// Whether the means stand in the order that the paper claims: each part above the baseline, all three
    /// above each.
    var orders: [String] {
        let parts = variants.filter { $0 != .baseline && $0 != .all }
        guard variants.contains(.baseline), variants.contains(.all), !parts.isEmpty else {
            return []
        }
        return Self.columns.map { column in
            func mean(_ variant: AblationVariant) -> Double {
                Self.spread(Array(values(variant, column).values)).mean
            }
            let exceptions = [
                ("not above the baseline", (parts + [.all]).filter { mean($0) <= mean(.baseline) }),
                ("not below all three", parts.filter { mean($0) >= mean(.all) }),
            ].filter { !$0.1.isEmpty }.map { what, variants in
                "\(what): " + variants.map(\.title).joined(separator: ", ")
            }
            return "\(column.title): the paper's order "
                + (exceptions.isEmpty
                    ? "holds" : "does not hold (\(exceptions.joined(separator: "; ")))")
        }
    }

    private static func verdict(_ differences: [Double]) -> String {
        let (mean, deviation) = spread(differences)
        guard let deviation else {
            return String(format: "differs by %+.1f; one seed decides nothing", mean)
        }
        let error = deviation / Double(differences.count).squareRoot()
        let size = String(format: "%+.1f ± %.1f", mean, error)
        // Two standard errors; with so few seeds this is lenient.
        if mean > 2 * error { return "is better (\(size))" }
        if mean < -2 * error { return "is worse (\(size))" }
        return "does not differ from the baseline beyond the seeds (\(size))"
    }
}
