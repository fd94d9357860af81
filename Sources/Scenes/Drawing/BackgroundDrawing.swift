import Drawing
import Foundation
import Images

/// Draws what lies behind the objects, in muted tones that no object has.
struct BackgroundDrawing {
    let background: Background
    let variation: UInt64

    func draw(on canvas: Canvas) {
        var random = SeededGenerator(variation)
        let side = Double(canvas.width)
        func tone(_ red: Double, _ green: Double, _ blue: Double) -> RGB {
            let change = random.uniform(-0.05...0.05)
            return RGB(red + change, green + change, blue + change)
        }
        switch background {
        case .sky:
            canvas.paintGradient(from: tone(0.62, 0.76, 0.88), to: tone(0.86, 0.91, 0.94))
        case .sunset:
            canvas.paintGradient(from: tone(0.62, 0.52, 0.62), to: tone(0.92, 0.74, 0.58))
        case .sand:
            let ground = tone(0.84, 0.77, 0.62)
            canvas.paintGradient(from: ground, to: ground)
            for _ in 0..<700 {
                let speck = random.uniform(0.006...0.02) * side
                canvas.rectangle(
                    random.uniform() * side, random.uniform() * side, speck, speck)
                canvas.fill(
                    ground.mixed(with: random.happens(0.5) ? RGB(0, 0, 0) : RGB(1, 1, 1), 0.12))
            }
        case .grass:
            let ground = tone(0.58, 0.68, 0.5)
            canvas.paintGradient(from: ground, to: ground)
            for _ in 0..<500 {
                let (x, y) = (random.uniform() * side, random.uniform() * side)
                canvas.move(x, y)
                canvas.line(
                    x + random.uniform(-0.02...0.02) * side,
                    y - random.uniform(0.02...0.06) * side)
                canvas.stroke(
                    ground.mixed(
                        with: random.happens(0.5) ? RGB(0.2, 0.3, 0.1) : RGB(1, 1, 0.9), 0.2),
                    width: 0.008 * side)
            }
        case .bricks:
            let mortar = tone(0.84, 0.81, 0.78)
            canvas.paintGradient(from: mortar, to: mortar)
            let (width, height, gap) = (0.2 * side, 0.09 * side, 0.012 * side)
            let shift = random.uniform() * width
            for row in 0...11 {
                for column in -1...5 {
                    let x = Double(column) * width + (row.isMultiple(of: 2) ? 0 : width / 2)
                    canvas.rectangle(
                        x - shift, Double(row) * height, width - gap, height - gap)
                    canvas.fill(tone(0.72, 0.56, 0.5))
                }
            }
        case .tiles:
            let (dark, bright) = (tone(0.66, 0.7, 0.75), tone(0.8, 0.83, 0.86))
            canvas.paintGradient(from: bright, to: bright)
            let width = random.uniform(0.1...0.15) * side
            for row in 0...Int(side / width) {
                for column in 0...Int(side / width) where (row + column).isMultiple(of: 2) {
                    canvas.rectangle(
                        Double(column) * width, Double(row) * width, width, width)
                }
            }
            canvas.fill(dark)
        }
    }
}
