import Foundation
import Images
import Torch
import ViCHA

extension RGBImage {
    /// uint8 `[height, width, 3]`
    fileprivate var tensor: Tensor { Tensor(pixels, shape: [height, width, 3]) }

    fileprivate init(_ tensor: Tensor) throws {
        self.init(
            width: tensor.size(1), height: tensor.size(0), pixels: try tensor.array(of: UInt8.self))
    }
}

extension ParityCase {
    private struct TransformFields: Decodable {
        struct Image: Decodable {
            let sizeWh: [Int]
            let cropsTopLeftHW: [[Int]]?

            private enum CodingKeys: String, CodingKey {
                case sizeWh = "size_wh"
                case cropsTopLeftHW = "crops_top_left_h_w"
            }
        }
        let images: [String: Image]
    }

    /// Decoding, resizing, cropping, normalising, and tables of positions.
    func compareImageTransforms() throws -> Comparison {
        let fields: TransformFields = try fields()
        let inputs = try tensors("inputs.safetensors")
        let expected = try tensors("expected.safetensors")
        var comparison = Comparison()
        let names = Set(
            expected.keys.compactMap { key -> String? in
                for suffix in [".png", ".jpg", ".jpeg"] {
                    if let range = key.range(of: suffix) { return String(key[..<range.upperBound]) }
                }
                return nil
            })
        for name in names.sorted() {
            let image = try ImageDecoder.decode(path: folder.appendingPathComponent(name).path)
            let isJPEG = !name.hasSuffix(".png")
            for (key, tensor) in expected where key.hasPrefix(name + ".") {
                let what = key.dropFirst(name.count + 1)
                let numbers = what.split { !$0.isNumber }.compactMap { Int($0) }
                if what == "decoded_u8" {
                    try comparison.tensor(key, image.tensor, tensor, within: isJPEG ? 2 : 0)
                } else if what.hasPrefix("resize"), let side = numbers.first {
                    try comparison.tensor(
                        key, image.resized(width: side, height: side).tensor, tensor,
                        within: isJPEG ? 2 : 0)
                } else if what.hasPrefix("rrcrop"),
                    let crop = fields.images[name]?.cropsTopLeftHW?[numbers[0]]
                {
                    let box = PixelBox(left: crop[1], top: crop[0], width: crop[3], height: crop[2])
                    try comparison.tensor(
                        key, image.resized(from: box, width: numbers[1], height: numbers[1]).tensor,
                        tensor, within: 0)
                } else if what.hasPrefix("test_transform"), let side = numbers.first {
                    let values = PixelNormalization.clip(image.resized(width: side, height: side))
                    try comparison.tensor(
                        key, Tensor(values, shape: [3, side, side]), tensor, within: 1e-6)
                } else if what.hasPrefix("clip224") {
                    let clip = image.centerSquare(side: 224)
                    if what == "clip224_u8" {
                        try comparison.tensor(key, clip.tensor, tensor, within: 0)
                    } else {
                        let values = Tensor(PixelNormalization.clip(clip), shape: [3, 224, 224])
                        let places = Tensor((0..<14).map { Int64(16 * $0) })
                        try comparison.tensor(
                            key, values.indexed(1, by: places).indexed(2, by: places), tensor,
                            within: 1e-6)
                    }
                } else {
                    comparison.same("\(key) (unknown quantity)", false, true)
                }
            }
        }
        for (key, tensor) in expected where key.hasPrefix("pos_embed_") {
            let grid = Int(Double(tensor.size(1) - 1).squareRoot().rounded())
            guard let input = inputs[key] else { continue }
            try comparison.tensor(
                key, PositionEmbedding.resized(input, grid: grid), tensor, within: 1e-5)
        }
        for (key, tensor) in expected where key.hasPrefix("sincos_") {
            let numbers = key.split { !$0.isNumber }.compactMap { Int($0) }
            let table = PositionEmbedding.sineCosine(width: numbers[0], grid: numbers[1])
            try comparison.tensor(
                key, table.squeezed(0).slice(0, 0..<tensor.size(0)), tensor, within: 1e-6)
        }
        return comparison
    }

    private struct AugmentFields: Decodable {
        struct Operation: Decodable {
            let key: String
            let op: String
            let args: [Argument]
        }
        /// A number, or a fill colour.
        enum Argument: Decodable {
            case number(Double)
            case color

            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                self = (try? value.decode(Double.self)).map { .number($0) } ?? .color
            }

            var number: Double? {
                if case .number(let number) = self { number } else { nil }
            }
        }
        let ops: [Operation]
        let levelToArgsExamples: [String: [Argument]]

        private enum CodingKeys: String, CodingKey {
            case ops
            case levelToArgsExamples = "level_to_args_examples"
        }
    }

    /// Each augmentation at fixed arguments, and the arguments of levels.
    func compareAugmentations() throws -> Comparison {
        let fields: AugmentFields = try fields()
        // Images are prepared on the CPU, whatever computes later.
        let expected = try tensors("expected.safetensors").mapValues { $0.to(device: .cpu) }
        let base = try ImageDecoder.decode(path: folder.appendingPathComponent("base.png").path)
        let low = try tensors("inputs.safetensors")["low"].map { try RGBImage($0) } ?? base
        var comparison = Comparison()
        for operation in fields.ops {
            let name = operation.op.split(separator: "@")[0]
            guard let kind = RandAugment.Kind(rawValue: String(name)),
                let wanted = expected[operation.key]
            else { continue }
            let found = (operation.key.hasSuffix("@low") ? low : base).changed(
                kind, by: operation.args.first?.number ?? 0, keepsOverflows: true)
            switch kind {
            case .rotate, .shearX, .shearY, .translateX, .translateY:
                try comparison.tensor(operation.key, found.tensor, wanted, within: 3)
                let differs = try (found.tensor.to(dtype: .float32) - wanted.to(dtype: .float32))
                    .differs(from: 0).to(dtype: .float32).mean().item()
                comparison.add("\(operation.key) share of pixels", error: differs, tolerance: 0.3)
            default: try comparison.tensor(operation.key, found.tensor, wanted, within: 0)
            }
        }
        for (name, arguments) in fields.levelToArgsExamples {
            let parts = name.split(separator: "@")
            guard let kind = RandAugment.Kind(rawValue: String(parts[0])),
                let level = Double(parts[1]),
                let wanted = arguments.first?.number
            else { continue }
            comparison.number(
                "argument of \(name)",
                RandAugment.argument(of: kind, level: level, isNegative: wanted < 0), wanted,
                within: 1e-12)
        }
        return comparison
    }
}
