import Batches
import Tasks
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
        let metrics = try RetrievalMetrics(
            imageToText: tensor("scores_i2t", of: inputs),
            textToImage: tensor("scores_t2i", of: inputs), imageOfText: fields.imageOfText)
        var comparison = Comparison()
        comparison.metrics(metrics, fields.metrics, "metrics.")
        return comparison
    }

    private struct StepFields: Decodable {
        struct Config: Decodable { let distill: Bool }
        struct Evaluation: Decodable {
            let candidates: Int?

            enum CodingKeys: String, CodingKey { case candidates = "k_test" }
        }

        let config: Config
        let alpha: Double
        let losses: [String: Double]
        let gradientNorms: [String: Double]
        let allGradientNorms: [String: Double]?
        let checksums: [String: [Double]]
        let evaluation: Evaluation?
        let imageOfText: [Int]?
        let metrics: [String: Double]?
        let dualMetrics: [String: Double]?
        let matchingLayer: Int?
        let contrastiveBlock: Int?

        enum CodingKeys: String, CodingKey {
            case config, alpha
            case losses = "losses_f64"
            case gradientNorms = "grad_norms_f64"
            case allGradientNorms = "grad_norms_all_f64"
            case checksums = "after_checksums_sum_abssum"
            case evaluation = "eval"
            case imageOfText = "txt2img"
            case metrics = "eval_metrics_stable_sort"
            case dualMetrics = "eval_metrics_dual"
            case matchingLayer = "block_itm"
            case contrastiveBlock = "block_itc"
        }
    }

    /// A fine-tuning step with recorded weights, then what the model evaluates to.
    func compareRetrieval() throws -> Comparison {
        let fields: StepFields = try fields()
        let c = try modelConfiguration()
        let (inputs, expected) = try (
            tensors("inputs.safetensors"), tensors("expected.safetensors")
        )
        var comparison = Comparison()
        func step(distills: Bool, _ inspect: ((Tensor) -> Void)? = nil) throws -> (
            model: RetrievalModel, losses: RetrievalLosses
        ) {
            let model = try RetrievalModel(c, device: device)
            try model.store.load(tensors("weights.safetensors"))
            try model.teacher.update()
            let losses = try model.losses(
                ImageTextBatch(
                    images: images(
                        "image", concepts: "kw", of: inputs, usesConcepts: c.usesConcepts),
                    texts: tokens("text", of: inputs), identities: tensor("idx", of: inputs)),
                .given(
                    HardNegatives(
                        images: tensor("itm_neg_image_idx", of: inputs),
                        texts: tensor("itm_neg_text_idx", of: inputs))),
                alpha: distills ? fields.alpha : 0, inspect: inspect)
            try model.queue?.enqueue(losses.features)
            return (model, losses)
        }
        var logits: Tensor?
        let (model, losses) = try step(distills: fields.config.distill) { logits = $0 }
        try losses.total.backward()
        for (name, found) in [
            ("loss_ita", losses.ita), ("loss_itm", losses.itm), ("loss_total", losses.total),
        ] {
            guard let wanted = fields.losses[name] else { continue }
            comparison.number(name, try found.item(), wanted, within: 5e-6)
        }
        let otherName = "loss_ita_other_distill_setting"
        if let wanted = fields.losses[otherName] {
            let other = try step(distills: !fields.config.distill).losses
            comparison.number(otherName, try other.ita.item(), wanted, within: 5e-6)
        }
        try comparison.gradients(
            model.store, fields.allGradientNorms ?? fields.gradientNorms, expected)
        try comparison.states(model.store, expected, prefix: "after.")
        for (key, sums) in fields.checksums {
            try comparison.checksum(key, model.store[key], sums)
        }
        if let logits, let wanted = expected["dbg.itm_logits"] {
            try comparison.tensor("dbg.itm_logits", logits, wanted, within: 1e-4)
        }
        try evaluate(model, fields, inputs, expected, &comparison)
        try drawHeatMaps(model, fields, inputs, expected, &comparison)
        return comparison
    }

    private func evaluate(
        _ model: RetrievalModel, _ fields: StepFields, _ inputs: [String: Tensor],
        _ expected: [String: Tensor], _ comparison: inout Comparison
    ) throws {
        guard let evaluation = fields.evaluation, let imageOfText = fields.imageOfText else {
            return
        }
        let scorer = model.scorer
        let images = scorer.encode(
            try self.images(
                "eval_image", concepts: "eval_kw", of: inputs,
                usesConcepts: model.configuration.usesConcepts))
        let texts = scorer.encode(try tokens("eval_text", of: inputs))
        let similarities = images.features.matmul(texts.features.transposed(0, 1))
        guard
            let count = try evaluation.candidates
                ?? self.fields(ModelFields.self).candidates
        else { throw ParityError.malformed(case: name, reason: "there is no 'k_test'") }
        let candidates = try RetrievalCandidates(similarities, count: count)
        var scores = RetrievalScores(candidates)
        let lengths = try texts.attentionMask.sum(1).array(of: Int.self)
        for (image, rows) in candidates.pairsOfImage.enumerated() {
            scores.add(
                image: image, texts: rows,
                logits: try scorer.matchingLogits(
                    images, image: image, texts, rows: rows, lengths: lengths, partSize: 3))
        }
        for (name, found) in [
            ("eval.score_i2t", Self.matrix(scores.textsOfImage, columns: texts.count)),
            ("eval.score_t2i", Self.matrix(scores.imagesOfText, columns: images.count)),
        ] {
            try comparison.tensor(name, found, tensor(name, of: expected), within: 1e-4)
        }
        comparison.metrics(
            try RetrievalMetrics(scores, imageOfText: imageOfText), fields.metrics ?? [:],
            "eval_metrics.")
        // The official evaluation without concepts has no dual metrics: what was recorded under that
        // name is the ranking of the matching head again.
        guard model.configuration.usesConcepts else { return }
        try comparison.tensor(
            "eval.sims_i2t", similarities, tensor("eval.sims_i2t", of: expected), within: 1e-4)
        comparison.metrics(
            try RetrievalMetrics(similarities: similarities, imageOfText: imageOfText),
            fields.dualMetrics ?? [:], "eval_metrics_dual.")
    }

    private func drawHeatMaps(
        _ model: RetrievalModel, _ fields: StepFields, _ inputs: [String: Tensor],
        _ expected: [String: Tensor], _ comparison: inout Comparison
    ) throws {
        for (name, attention) in [
            ("heat_itm", fields.matchingLayer.map { HeatMapper.Attention.matching(layer: $0) }),
            ("heat_itc", fields.contrastiveBlock.map { .contrastive(block: $0) }),
        ] {
            guard let attention else { continue }
            let found = try model.heatMapper(
                images(
                    "image", concepts: "eval_kw", of: inputs,
                    usesConcepts: model.configuration.usesConcepts), tokens("text", of: inputs),
                attention)
            try comparison.tensor(name, found, tensor(name, of: expected), within: 1e-6)
        }
    }

    /// The scores as the official matrices hold them.
    private static func matrix(_ rows: [[RetrievalScores.Entry]], columns: Int) -> Tensor {
        var values = [Float](repeating: RetrievalScores.excluded, count: rows.count * columns)
        for (row, entries) in rows.enumerated() {
            for entry in entries { values[row * columns + Int(entry.item)] = entry.score }
        }
        return Tensor(values, shape: [rows.count, columns])
    }
}

extension Comparison {
    fileprivate mutating func metrics(
        _ found: RetrievalMetrics, _ expected: [String: Double], _ prefix: String
    ) {
        for (name, value) in found.named {
            number(prefix + name, value, expected[name] ?? .nan, relative: 1e-12, absolute: 0)
        }
    }
}
