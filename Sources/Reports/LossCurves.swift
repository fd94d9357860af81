import Foundation

/// The losses of a run as an SVG image.
public struct LossCurves {
    private let losses: [(name: String, values: [Double])]

    /// Reads `metrics.jsonl` of a run.
    public init(directory: String) throws {
        let path = (directory as NSString).appendingPathComponent("metrics.jsonl")
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(
            whereSeparator: \.isNewline)
        var series: [String: [Double]] = [:]
        for line in lines {
            let values = try JSONDecoder().decode([String: Double].self, from: Data(line.utf8))
            for (name, value) in values where name == "loss" || name.hasPrefix("loss_") {
                series[name, default: []].append(value)
            }
        }
        losses = series.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// One panel a loss: each step faint, a running mean strong, with the first and last mean.
    public var svg: String {
        let (width, height, margin) = (264.0, 160.0, 34.0)
        let columns = max(1, min(4, losses.count))
        let panels = losses.enumerated().map { index, loss in
            let low = loss.values.min() ?? 0
            let high = max(loss.values.max() ?? 1, low + 1e-9)
            func points(_ values: [Double]) -> String {
                values.enumerated().map { step, value in
                    let x =
                        margin + Double(step) / Double(max(1, values.count - 1))
                        * (width - 1.5 * margin)
                    let y = margin + (high - value) / (high - low) * (height - 1.7 * margin)
                    return String(format: "%.1f,%.1f", x, y)
                }.joined(separator: " ")
            }
            let smooth = Self.runningMean(loss.values)
            let label = { (value: Double, y: Double) in
                "<text x='\(margin - 4)' y='\(y + 4)' text-anchor='end'>\(String(format: "%.2f", value))</text>"
            }
            return """
                <g transform='translate(\(Double(index % columns) * width),\(Double(index / columns) * height))'>
                <text x='\(margin)' y='18' class='title'>\(loss.name): \
                \(String(format: "%.3f → %.3f", smooth.first ?? 0, smooth.last ?? 0))</text>
                <line x1='\(margin)' x2='\(margin)' y1='\(margin)' y2='\(height - 0.7 * margin)'/>
                <line x1='\(margin)' x2='\(width - 0.5 * margin)' y1='\(height - 0.7 * margin)' y2='\(height - 0.7 * margin)'/>
                \(label(high, margin))\(label(low, height - 0.7 * margin))
                <text x='\(width - 0.5 * margin)' y='\(height - 8)' text-anchor='end'>step \(loss.values.count)</text>
                <polyline class='raw' points='\(points(loss.values))'/>
                <polyline class='mean' points='\(points(smooth))'/>
                </g>
                """
        }
        let rows = Double((losses.count + columns - 1) / columns)
        return """
            <svg viewBox='0 0 \(Double(columns) * width) \(rows * height)' \
            width='\(Double(columns) * width)' style='max-width:100%' xmlns='http://www.w3.org/2000/svg' \
            font-family='sans-serif' font-size='10'><style>.title{font-weight:bold;font-size:12px}\
            line{stroke:#999}polyline{fill:none}.raw{stroke:#9bc;stroke-width:.7}\
            .mean{stroke:#036;stroke-width:1.8}</style>
            \(panels.joined(separator: "\n"))
            </svg>
            """
    }

    /// Mean of the steps around each one, a twentieth of all, so that the curve does not lag.
    private static func runningMean(_ values: [Double]) -> [Double] {
        let reach = values.count / 40
        return values.indices.map { index in
            let window = values[max(0, index - reach)...min(values.count - 1, index + reach)]
            return window.reduce(0, +) / Double(window.count)
        }
    }
}
