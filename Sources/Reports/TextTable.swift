import Foundation

/// Rows in columns, to print: the first column begins at the left, the others end at the right.
public func textTable(_ rows: [[String]], indent: String = "") -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
        rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
        indent
            + row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : "  " + space + cell
            }.joined()
    }.joined(separator: "\n")
}

/// A share as percent.
public func percentage(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
