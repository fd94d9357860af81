import Torch
import ViCHA

extension ParityCase {
    private struct RecallFields: Decodable {
        let imageOfText: [Int]
        let metrics: [String: Double]

        enum CodingKeys: String, CodingKey {
            case imageOfText = "txt2img"
            case metrics
        }
    }

    /// Recall of recorded score matrices.
    func compareRecall() throws -> Comparison {
        let fields: RecallFields = try fields()
        let inputs = try tensors("inputs.safetensors")
        func rows(_ key: String) throws -> [[Float]] {
            guard let tensor = inputs[key] else {
                throw ParityError.malformed(case: name, reason: "there is no tensor '\(key)'")
            }
            let columns = tensor.size(1)
            let flat = try tensor.array(of: Float.self)
            return stride(from: 0, to: flat.count, by: columns).map {
                Array(flat[$0..<$0 + columns])
            }
        }
        let metrics = RetrievalMetrics(
            imageToText: try rows("scores_i2t"), textToImage: try rows("scores_t2i"),
            imageOfText: fields.imageOfText)
        var comparison = Comparison()
        for (name, value) in metrics.named {
            comparison.number(
                name, value, fields.metrics[name] ?? .nan, relative: 1e-12, absolute: 0)
        }
        return comparison
    }
}
