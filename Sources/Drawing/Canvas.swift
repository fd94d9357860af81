import CCairo
import Images

/// An image was not drawn.
public struct DrawingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the drawing library says.
    public let reason: String

    /// What happened.
    public var description: String { "an image could not be drawn: \(reason)" }
}

/// A surface to draw on with paths, over Cairo. Lengths are in user units, at first pixels.
package final class Canvas {
    /// Columns. pixels
    package let width: Int
    /// Rows. pixels
    package let height: Int
    private let surface: OpaquePointer?
    private let context: OpaquePointer?

    /// A transparent square.
    package convenience init(side: Int) { self.init(width: side, height: side) }

    /// A transparent surface.
    package init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, Int32(width), Int32(height))
        context = cairo_create(surface)
        // Outlines of pointed shapes would end in long spikes otherwise.
        cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    }

    deinit {
        cairo_destroy(context)
        cairo_surface_destroy(surface)
    }

    // MARK: State

    /// Draws with a coordinate system or a clip of its own.
    package func saved(_ body: () -> Void) {
        cairo_save(context)
        body()
        cairo_restore(context)
    }

    package func translate(_ x: Double, _ y: Double) { cairo_translate(context, x, y) }
    package func scale(_ x: Double, _ y: Double) { cairo_scale(context, x, y) }
    package func rotate(_ angle: Double) { cairo_rotate(context, angle) }

    // MARK: Paths

    package func move(_ x: Double, _ y: Double) { cairo_move_to(context, x, y) }
    package func line(_ x: Double, _ y: Double) { cairo_line_to(context, x, y) }

    package func curve(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ x: Double, _ y: Double
    ) {
        cairo_curve_to(context, x1, y1, x2, y2, x, y)
    }

    package func close() { cairo_close_path(context) }

    package func polygon(_ points: [(Double, Double)]) {
        for (x, y) in points { line(x, y) }
        close()
    }

    package func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
        cairo_rectangle(context, x, y, width, height)
    }

    package func circle(_ x: Double, _ y: Double, _ radius: Double) {
        ellipse(x, y, radius, radius)
    }

    package func ellipse(_ x: Double, _ y: Double, _ radiusX: Double, _ radiusY: Double) {
        cairo_new_sub_path(context)
        saved {
            translate(x, y)
            scale(radiusX, radiusY)
            cairo_arc(context, 0, 0, 1, 0, 2 * Double.pi)
        }
        close()
    }

    // MARK: Painting

    package func clip() { cairo_clip(context) }

    package func fill(_ color: RGB, opacity: Double = 1) {
        set(color, opacity)
        cairo_fill(context)
    }

    package func stroke(_ color: RGB, width: Double) {
        set(color, 1)
        cairo_set_line_width(context, width)
        cairo_stroke(context)
    }

    /// Fills the whole surface from top to bottom.
    package func paintGradient(from top: RGB, to bottom: RGB) {
        let pattern = cairo_pattern_create_linear(0, 0, 0, Double(height))
        cairo_pattern_add_color_stop_rgb(pattern, 0, top.red, top.green, top.blue)
        cairo_pattern_add_color_stop_rgb(pattern, 1, bottom.red, bottom.green, bottom.blue)
        cairo_set_source(context, pattern)
        cairo_paint(context)
        cairo_pattern_destroy(pattern)
    }

    private func set(_ color: RGB, _ opacity: Double) {
        cairo_set_source_rgba(context, color.red, color.green, color.blue, opacity)
    }

    /// Writes a line of text in the middle of the space from `left` to `right`, smaller where it
    /// would not fit.
    package func text(
        _ text: String, left: Double, right: Double, baseline: Double, size: Double, _ color: RGB
    ) {
        cairo_select_font_face(
            context, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL)
        cairo_set_font_size(context, size)
        var extents = cairo_text_extents_t()
        cairo_text_extents(context, text, &extents)
        let room = right - left
        if extents.x_advance > room {
            cairo_set_font_size(context, size * room / extents.x_advance)
            cairo_text_extents(context, text, &extents)
        }
        cairo_move_to(context, left + (room - extents.x_advance) / 2, baseline)
        set(color, 1)
        cairo_show_text(context, text)
    }

    // MARK: Pixels

    /// The image, which must be opaque.
    /// - Throws: ``DrawingError``
    package func image() throws -> RGBImage {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * width * height)
        try eachPixel { pixel in
            pixels.append(UInt8(truncatingIfNeeded: pixel >> 16))
            pixels.append(UInt8(truncatingIfNeeded: pixel >> 8))
            pixels.append(UInt8(truncatingIfNeeded: pixel))
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// How much of each pixel is covered, row by row. [0, 1]
    /// - Throws: ``DrawingError``
    package func coverage() throws -> [Float] {
        var coverage: [Float] = []
        coverage.reserveCapacity(width * height)
        try eachPixel { coverage.append(Float($0 >> 24) / 255) }
        return coverage
    }

    /// Hands out the pixels row by row as alpha, red, green and blue from the highest byte down.
    private func eachPixel(_ body: (UInt32) -> Void) throws {
        cairo_surface_flush(surface)
        let status = [cairo_status(context), cairo_surface_status(surface)].first {
            $0 != CAIRO_STATUS_SUCCESS
        }
        guard status == nil, let data = cairo_image_surface_get_data(surface) else {
            throw DrawingError(
                reason: status.map { String(cString: cairo_status_to_string($0)) } ?? "no memory")
        }
        let stride = Int(cairo_image_surface_get_stride(surface))
        for y in 0..<height {
            (data + y * stride).withMemoryRebound(to: UInt32.self, capacity: width) { row in
                for x in 0..<width { body(row[x]) }
            }
        }
    }
}
