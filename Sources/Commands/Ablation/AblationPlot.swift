import Foundation
import Reports

/// The runs of an ablation as dots, a panel for each column of its table.
struct AblationPlot {
    private static let (width, rowHeight, labelWidth, headHeight) = (900.0, 24.0, 220.0, 30.0)

    let table: AblationTable

    /// As a part of a page.
    var svg: String {
        let panels = AblationTable.columns.enumerated().map { panel($1, at: $0) }
        let height = panelHeight * Double(panels.count)
        return """
            <svg viewBox='0 0 \(Self.width) \(height)' width='\(Self.width)' \
            xmlns='http://www.w3.org/2000/svg' font-family='sans-serif' font-size='12'>
            \(panels.joined(separator: "\n"))</svg>
            """
    }

    private var panelHeight: Double {
        Self.headHeight + Self.rowHeight * Double(table.variants.count + 1)
    }

    private func panel(_ column: AblationTable.Column, at number: Int) -> String {
        let all = table.variants.map { Array(table.values($0, column).values) }
        let most = max(all.joined().max() ?? 1, 1e-9) * 1.05
        func x(_ value: Double) -> Double {
            Self.labelWidth + value / most * (Self.width - Self.labelWidth - 60)
        }
        let rows = zip(table.variants, all).enumerated().map { row, pair in
            let (variant, values) = pair
            let y = Self.headHeight + Self.rowHeight * (Double(row) + 0.5)
            let mean = AblationTable.spread(values).mean
            let dots = values.map { "<circle cx='\(x($0))' cy='\(y)' r='4' fill='#9bc'/>" }
            return """
                <text x='\(Self.labelWidth - 10)' y='\(y + 4)' text-anchor='end'>\
                \(HTML.escaped(variant.title))</text>
                <line x1='\(Self.labelWidth)' x2='\(Self.width - 60)' y1='\(y)' y2='\(y)' stroke='#eee'/>
                \(dots.joined())
                <line x1='\(x(mean))' x2='\(x(mean))' y1='\(y - 9)' y2='\(y + 9)' stroke='#036' \
                stroke-width='2'/><text x='\(Self.width - 50)' y='\(y + 4)'>\
                \(String(format: "%.1f", mean))</text>
                """
        }
        return """
            <g transform='translate(0,\(Double(number) * panelHeight))'>
            <text x='\(Self.labelWidth)' y='18' font-weight='bold'>\(column.title)</text>
            \(rows.joined(separator: "\n"))</g>
            """
    }
}
