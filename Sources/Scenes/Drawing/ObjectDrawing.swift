import Drawing
import Foundation
import Images

/// Draws single objects. Coordinates are those of the object: its centre at 0, its edges near ±1, y
/// downwards.
struct ObjectDrawing {
    private static let outlineWidth = 0.06
    private static let dark = RGB(0, 0, 0)
    private static let light = RGB(1, 1, 1)

    let object: SceneObject

    func draw(on canvas: Canvas) {
        var random = SeededGenerator(object.variation)
        let side = Double(canvas.width)
        let base = color(using: &random)
        canvas.saved {
            canvas.translate(object.x * side, object.y * side)
            canvas.rotate(object.rotation)
            let radius = object.diameter / 2 * side
            canvas.scale(object.isMirrored ? -radius : radius, radius)
            drawBehind(canvas, base)
            addBody(canvas)
            canvas.fill(base)
            drawMarks(canvas, on: base, using: &random)
            addBody(canvas)
            canvas.stroke(contrast(base, 0.75), width: Self.outlineWidth)
            drawInFront(canvas, base)
        }
    }

    /// The named colour in a tone of its own.
    private func color(using random: inout SeededGenerator) -> RGB {
        let tone = random.happens(0.5) ? Self.dark : Self.light
        return object.color.rgb.mixed(with: tone, random.uniform(0...0.12))
    }

    /// Darker than a bright colour, brighter than a dark one.
    private func contrast(_ color: RGB, _ share: Double) -> RGB {
        color.mixed(with: color.luminance > 0.2 ? Self.dark : Self.light, share)
    }

    // MARK: Surface

    private func drawMarks(_ canvas: Canvas, on base: RGB, using random: inout SeededGenerator) {
        let mark = contrast(base, 0.5)
        let angle = random.uniform(0...Double.pi)
        let shift = random.uniform(-0.1...0.1)
        canvas.saved {
            addBody(canvas)
            canvas.clip()
            canvas.rotate(angle)
            switch object.fill {
            case .plain: break
            case .striped:
                for index in -4...4 {
                    canvas.rectangle(Double(index) * 0.4 + shift, -1.5, 0.18, 3)
                }
                canvas.fill(mark)
            case .dotted:
                for row in -4...4 {
                    for column in -4...4 {
                        let x = Double(column) * 0.42 + (row.isMultiple(of: 2) ? 0 : 0.21)
                        canvas.circle(x + shift, Double(row) * 0.38, 0.11)
                    }
                }
                canvas.fill(mark)
            }
        }
    }

    // MARK: Shapes

    /// The path of the part that is coloured and filled.
    private func addBody(_ canvas: Canvas) {
        switch object.shape {
        case .circle: canvas.circle(0, 0, 0.95)
        case .square: canvas.rectangle(-0.85, -0.85, 1.7, 1.7)
        case .triangle: canvas.polygon([(0, -0.95), (0.98, 0.8), (-0.98, 0.8)])
        case .star:
            canvas.polygon(
                (0..<10).map { index in
                    let radius = index.isMultiple(of: 2) ? 1.0 : 0.42
                    let angle = (Double(index) / 5 - 0.5) * Double.pi
                    return (radius * cos(angle), radius * sin(angle))
                })
        case .heart:
            canvas.move(0, 0.95)
            canvas.curve(-0.5, 0.5, -1, 0.15, -1, -0.3)
            canvas.curve(-1, -0.95, -0.2, -1, 0, -0.45)
            canvas.curve(0.2, -1, 1, -0.95, 1, -0.3)
            canvas.curve(1, 0.15, 0.5, 0.5, 0, 0.95)
            canvas.close()
        case .cross:
            let (arm, end) = (0.32, 0.95)
            canvas.polygon([
                (-arm, -end), (arm, -end), (arm, -arm), (end, -arm), (end, arm), (arm, arm),
                (arm, end), (-arm, end), (-arm, arm), (-end, arm), (-end, -arm), (-arm, -arm),
            ])
        case .house:
            canvas.polygon([
                (-0.75, 0.95), (-0.75, 0), (-1, 0), (0, -0.95), (1, 0), (0.75, 0), (0.75, 0.95),
            ])
        case .tree:
            canvas.polygon([
                (0, -1), (0.55, -0.25), (0.3, -0.25), (0.8, 0.5), (-0.8, 0.5), (-0.3, -0.25),
                (-0.55, -0.25),
            ])
        case .car:
            canvas.polygon([
                (-1, 0.4), (-1, -0.05), (-0.6, -0.1), (-0.35, -0.6), (0.35, -0.6), (0.62, -0.1),
                (1, 0), (1, 0.4),
            ])
        case .fish:
            canvas.move(0.45, 0)
            canvas.line(1, -0.5)
            canvas.line(1, 0.5)
            canvas.line(0.45, 0)
            canvas.curve(0.2, 0.75, -0.8, 0.65, -1, 0)
            canvas.curve(-0.8, -0.65, 0.2, -0.75, 0.45, 0)
            canvas.close()
        case .cup: canvas.polygon([(-0.85, -0.8), (0.45, -0.8), (0.3, 0.85), (-0.7, 0.85)])
        case .flower:
            for index in 0..<6 {
                let angle = Double(index) / 3 * Double.pi
                canvas.circle(0.58 * cos(angle), 0.58 * sin(angle), 0.38)
            }
        }
    }

    /// Parts that the body hides partly.
    private func drawBehind(_ canvas: Canvas, _ base: RGB) {
        switch object.shape {
        case .tree:
            canvas.rectangle(-0.15, 0.4, 0.3, 0.58)
            canvas.fill(contrast(base, 0.55))
        case .cup:
            canvas.ellipse(0.42, -0.05, 0.42, 0.42)
            canvas.stroke(contrast(base, 0.75), width: 0.3)
            canvas.ellipse(0.42, -0.05, 0.42, 0.42)
            canvas.stroke(base, width: 0.18)
        default: break
        }
    }

    /// Details that tell compound shapes from plain ones.
    private func drawInFront(_ canvas: Canvas, _ base: RGB) {
        let detail = contrast(base, 0.75)
        switch object.shape {
        case .house:
            canvas.rectangle(-0.5, 0.35, 0.4, 0.6)
            canvas.rectangle(0.15, 0.2, 0.4, 0.35)
            canvas.fill(detail)
        case .car:
            canvas.polygon([(-0.4, -0.14), (-0.25, -0.45), (0.25, -0.45), (0.42, -0.14)])
            canvas.fill(RGB(0.85, 0.9, 0.92))
            for x in [-0.55, 0.55] {
                canvas.circle(x, 0.4, 0.24)
                canvas.fill(RGB(0.2, 0.2, 0.22))
                canvas.circle(x, 0.4, 0.1)
                canvas.fill(RGB(0.75, 0.75, 0.77))
            }
        case .fish:
            canvas.circle(-0.62, -0.12, 0.1)
            canvas.fill(detail)
        case .flower:
            canvas.circle(0, 0, 0.3)
            canvas.fill(detail)
        default: break
        }
    }
}
