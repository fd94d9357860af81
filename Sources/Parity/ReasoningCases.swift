import Batches
import Tasks
import Torch
import ViCHA

extension ParityCase {
    private struct StepFields: Decodable {
        struct Config: Decodable { let distill: Bool }

        let config: Config
        let alpha: Double
        let losses: [String: Double]
        let gradientNorms: [String: Double]
        let withoutGradient: [String]?
        let checksums: [String: [Double]]
        /// Answers of each question.
        let answerCounts: [Int]?
        let candidates: Int?
        /// Pairs of names of one weight.
        let sharedParameters: [[String]]?

        enum CodingKeys: String, CodingKey {
            case config, alpha
            case losses = "losses_f64"
            case gradientNorms = "grad_norms_f64"
            case withoutGradient = "params_without_grad"
            case checksums = "after_checksums_sum_abssum"
            case answerCounts = "k"
            case candidates = "k_test"
            case sharedParameters = "shared_parameters"
        }
    }

    /// A fine-tuning step of entailment or of NLVR2 with recorded weights, and the logits before it.
    func compareClassification(_ kind: ClassificationModel.Kind) throws -> Comparison {
        let fields: StepFields = try fields()
        let c = try modelConfiguration()
        let (inputs, expected) = try (
            tensors("inputs.safetensors"), tensors("expected.safetensors")
        )
        let batch = try classificationBatch(kind, inputs, usesConcepts: c.usesConcepts)
        var comparison = Comparison()
        func step(distills: Bool) throws -> (model: ClassificationModel, loss: Tensor) {
            let model = try ClassificationModel(c, kind, distills: distills, device: device)
            try model.store.load(
                tensors("weights.safetensors"),
                allowingUnexpected: distills ? [] : Self.momentumModels)
            try comparison.tensor(
                "eval_logits", model.logits(batch), tensor("eval_logits", of: expected),
                within: 1e-4)
            try model.teacher.update()
            return (model, try model.loss(batch, alpha: distills ? fields.alpha : 0))
        }
        let (model, loss) = try step(distills: fields.config.distill)
        try loss.backward()
        comparison.number("loss", try loss.item(), fields.losses["loss"] ?? .nan, within: 5e-6)
        if let wanted = fields.losses["loss_distill_off"] {
            comparison.number(
                "loss_distill_off", try step(distills: false).loss.item(), wanted, within: 5e-6)
        }
        try compareState(of: model.store, fields, expected, &comparison)
        for names in fields.sharedParameters ?? [] where names.count == 2 {
            let tensors = names.compactMap { model.store[$0] }
            comparison.same(
                "shared \(names[0])", tensors.count == 2 && tensors[0].isSame(as: tensors[1]), true)
        }
        return comparison
    }

    private func classificationBatch(
        _ kind: ClassificationModel.Kind, _ inputs: [String: Tensor], usesConcepts: Bool
    ) throws -> ClassificationBatch {
        let pixels = try tensor("image", of: inputs)
        let targets = try tensor("targets", of: inputs)
        let rows = targets.size(0)
        let concepts = kind == .entailment ? ["kw"] : ["kw1", "kw2"]
        return ClassificationBatch(
            images: try concepts.enumerated().map { number, name in
                ImageBatch(
                    pixels: pixels.slice(0, number * rows..<(number + 1) * rows),
                    concepts: usesConcepts ? try tokens(name, of: inputs) : nil)
            }, texts: try tokens("text", of: inputs), targets: targets)
    }

    /// A step of text assignment with recorded weights and draws.
    func compareTextAssignment() throws -> Comparison {
        let fields: StepFields = try fields()
        let c = try modelConfiguration()
        let (inputs, expected) = try (
            tensors("inputs.safetensors"), tensors("expected.safetensors")
        )
        let model = try TextAssignmentModel(c, device: device)
        try model.store.load(tensors("weights.safetensors"))
        let assignment = TextAssignment(
            // −1 where one image is enough.
            others: try tensor("ta_idx", of: inputs).clamped(to: 0...Double.infinity)
                .to(dtype: .int64),
            keepsOwn: try tensor("ta_u1", of: inputs), isFirst: try tensor("ta_u2", of: inputs))
        var logits: Tensor?
        let loss = model.loss(
            ImageTextBatch(
                images: try images(
                    "image", concepts: "kw", of: inputs, usesConcepts: c.usesConcepts),
                texts: try tokens("text", of: inputs), identities: Tensor([] as [Int])),
            .given(assignment)
        ) { logits = $0 }
        try loss.backward()
        var comparison = Comparison()
        comparison.same(
            "ta_labels", try assignment.labels.array(of: Int.self),
            try tensor("ta_labels", of: inputs).array(of: Int.self))
        comparison.number("loss", try loss.item(), fields.losses["loss"] ?? .nan, within: 5e-6)
        if let logits, let wanted = expected["dbg.ta_logits"] {
            try comparison.tensor("dbg.ta_logits", logits, wanted, within: 1e-4)
        }
        try compareState(of: model.store, fields, expected, &comparison)
        return comparison
    }

    /// A fine-tuning step of question answering with recorded weights, and the ranking before it.
    func compareQuestionAnswering() throws -> Comparison {
        let fields: StepFields = try fields()
        let c = try modelConfiguration()
        let (inputs, expected) = try (
            tensors("inputs.safetensors"), tensors("expected.safetensors")
        )
        let counts = fields.answerCounts ?? []
        let batch = QuestionBatch(
            images: try images(
                "image", concepts: "kw", of: inputs, usesConcepts: c.usesConcepts),
            questions: try tokens("question", of: inputs),
            answers: try tokens("answer", of: inputs),
            questionOfAnswer: Tensor(
                counts.enumerated().flatMap { Array(repeating: $0, count: $1) }
            ).to(device: device),
            weights: try tensor("weights", of: inputs))
        var comparison = Comparison()
        for (name, distills) in [
            ("loss", fields.config.distill), ("loss_distill_off", false),
        ] where name == "loss" || fields.losses[name] != nil {
            let model = try QuestionAnsweringModel(c, distills: distills, device: device)
            try model.store.load(
                tensors("weights.safetensors"),
                allowingUnexpected: distills ? [] : Self.momentumModels)
            if name == "loss" {
                try compareRanking(model, fields, batch, inputs, expected, &comparison)
            }
            try model.teacher.update()
            let loss = try model.loss(batch, alpha: fields.alpha)
            comparison.number(name, try loss.item(), fields.losses[name] ?? .nan, within: 5e-6)
            if name == "loss" {
                try loss.backward()
                try compareState(of: model.store, fields, expected, &comparison)
            }
        }
        return comparison
    }

    private func compareRanking(
        _ model: QuestionAnsweringModel, _ fields: StepFields, _ batch: QuestionBatch,
        _ inputs: [String: Tensor], _ expected: [String: Tensor], _ comparison: inout Comparison
    ) throws {
        let answerer = model.answerer
        let ranked = try answerer.rank(
            answerer.encode(batch.images, batch.questions),
            AnswerList(tokens("answer_list", of: inputs)), candidates: fields.candidates ?? 1)
        comparison.same(
            "topk_ids", ranked.flatMap { $0.map(\.number) },
            try tensor("topk_ids", of: expected).array(of: Int.self))
        try comparison.tensor(
            "topk_probs",
            Tensor(
                ranked.flatMap { $0.map(\.probability) },
                shape: [ranked.count, ranked.first?.count ?? 0]),
            tensor("topk_probs", of: expected), within: 1e-5)
    }

    /// Beginnings of the keys of momentum weights.
    private static let momentumModels = [
        "visual_encoder_m.", "text_encoder_m.", "text_decoder_m.", "cls_head_m.", "kw_encoder_m.",
        "kw_proj_m.",
    ]

    private func compareState(
        of store: ParameterStore, _ fields: StepFields, _ expected: [String: Tensor],
        _ comparison: inout Comparison
    ) throws {
        try comparison.gradients(store, fields.gradientNorms, expected)
        try comparison.states(store, expected, prefix: "after.")
        for (key, sums) in fields.checksums {
            try comparison.checksum(key, store[key], sums)
        }
        for key in fields.withoutGradient ?? [] {
            comparison.same("no gradient of \(key)", store[key]?.gradient == nil, true)
        }
    }
}
