import Datasets
import Foundation
import Tasks
import Torch
import Training
import ViCHA

extension ParityCase {
    private struct AccuracyFields: Decodable {
        struct Result: Decodable {
            let box: Box
            let overlap: Double

            enum CodingKeys: String, CodingKey {
                case box = "pred_box"
                case overlap = "iou"
            }
        }

        let referenceIDs: [Int]
        let accuracy: [String: Double]
        let results: [Result]

        enum CodingKeys: String, CodingKey {
            case referenceIDs = "result_order_ref_ids"
            case accuracy
            case results = "per_result"
        }
    }

    /// The boxes that recorded heat maps choose, and how many of them are right.
    func compareGroundingAccuracy() throws -> Comparison {
        let fields: AccuracyFields = try fields()
        let heat = try tensor("heat", of: tensors("inputs.safetensors"))
        var evaluation = GroundingEvaluation(
            references: try ReferenceIndex(directory: folder.path),
            detections: try DetectionFile.load(folder.appendingPathComponent("dets.json").path),
            compatibility: .official)
        for (row, id) in fields.referenceIDs.enumerated() {
            try evaluation.add(heat: heat.select(0, row), referenceID: id)
        }
        var comparison = Comparison()
        comparison.same("results", evaluation.findings.count, fields.results.count)
        for (index, (found, expected)) in zip(evaluation.findings, fields.results).enumerated() {
            comparison.same("\(index).pred_box", found.box, expected.box)
            comparison.number("\(index).iou", found.overlap, expected.overlap, within: 1e-9)
        }
        let found = Dictionary(
            uniqueKeysWithValues: evaluation.accuracy.map { ("\($0.split)_d", $0.share) })
        comparison.same("splits", found.keys.sorted(), fields.accuracy.keys.sorted())
        for (split, share) in fields.accuracy {
            comparison.number(split, found[split] ?? .nan, share, within: 1e-12)
        }
        return comparison
    }
}
