import Files
import Foundation
import Torch
import ViCHA

/// Weights computed from their names, for the case of full size (`Documentation/parity.md`).
struct ProceduralWeights {
    let salt: String

    /// Fills every tensor of a store.
    func fill(_ store: ParameterStore, pointer: Int) throws {
        for entry in store.entries {
            if case .alias = entry.role { continue }
            if entry.key == "decoder_pos_embed" || entry.key.hasSuffix("position_ids") { continue }
            if entry.key == "queue_ptr" {
                try entry.tensor.fill(Double(pointer))
                continue
            }
            try withoutGradient {
                try entry.tensor.copy(from: values(entry.key, entry.tensor.shape, rule(entry)))
            }
        }
    }

    /// The recorded input image.
    func image(_ shape: [Int]) -> Tensor { values("input.image", shape) { $0 * 1.7 } }

    private func rule(_ entry: ParameterStore.Entry) -> (Double) -> Double {
        let key = entry.key
        let shape = entry.tensor.shape
        if key == "temp" { return { _ in 0.07 } }
        if key == "image_queue" || key == "text_queue" {
            let scale = (3 / Double(shape[0])).squareRoot()
            return { $0 * scale }
        }
        guard shape.count >= 2 else {
            return key.hasSuffix("weight") ? { 1 + $0 * 0.1 } : { $0 * 0.05 }
        }
        if ["embeddings.", "pos_embed", "cls_token", "mask_token"].contains(where: key.contains) {
            return { $0 * 0.1 }
        }
        let scale = (3 / Double(shape.dropFirst().reduce(1, *))).squareRoot() * 0.7
        return { $0 * scale }
    }

    private func values(_ name: String, _ shape: [Int], _ rule: (Double) -> Double) -> Tensor {
        var hash = StableHash()
        hash.add((salt + name).utf8)
        let count = shape.reduce(1, *)
        let elements = [Float](unsafeUninitializedCapacity: count) { buffer, filled in
            for i in 0..<count {
                var z = hash.value &+ UInt64(i + 1) &* 0x9E37_79B9_7F4A_7C15
                z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
                z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
                z ^= z >> 31
                buffer[i] = Float(rule(2 * (Double(z >> 11) * 0x1p-53) - 1))
            }
            filled = count
        }
        return Tensor(elements, shape: shape)
    }
}
