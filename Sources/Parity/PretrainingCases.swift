import Batches
import Foundation
import Tasks
import Torch
import Training
import ViCHA

/// The batch and the draws of one recorded step.
struct RecordedStep {
    /// The ids that all cases were recorded with (`Documentation/parity.md`).
    static let special = SpecialTokens(pad: 0, cls: 101, mask: 103)

    let batch: ImageTextBatch
    let draws: PretrainingDraws

    init(
        _ inputs: [String: Tensor], prefix: String = "", image: Tensor? = nil,
        _ c: ModelConfiguration
    )
        throws
    {
        func input(_ name: String) throws -> Tensor {
            guard let tensor = inputs[prefix + name] else {
                throw SafetensorsError.missingTensor(path: "inputs.safetensors", key: prefix + name)
            }
            return tensor
        }
        let captions = TokenBatch(
            inputIDs: try input("text_input_ids"), attentionMask: try input("text_attention_mask"))
        batch = ImageTextBatch(
            images: ImageBatch(
                pixels: try image ?? input("image"),
                concepts: c.usesConcepts
                    ? TokenBatch(
                        inputIDs: try input("kw_input_ids"),
                        attentionMask: try input("kw_attention_mask")) : nil),
            texts: captions, identities: Tensor([] as [Int]))
        func event(_ name: String) throws -> Tensor { try input(name).to(dtype: .bool) }
        draws = PretrainingDraws(
            masking: MaskedTokens(
                captions.inputIDs,
                .init(
                    select: try event("mlm_draw_select"), mask: try event("mlm_draw_replace80"),
                    randomize: try event("mlm_draw_random50"),
                    randomIDs: try input("mlm_random_words")), special: Self.special),
            negatives: .given(
                HardNegatives(
                    images: try input("itm_neg_image_idx"), texts: try input("itm_neg_text_idx"))),
            patchMask: c.maskedImage == nil
                ? nil : PatchMask(noise: try input("mae_noise"), ratio: c.maskRatio))
    }
}

extension ParityCase {
    private struct StepFields: Decodable {
        let alpha: Double
        let lossesF64: [String: Double]
        let gradNormsF64: [String: Double]
        let lossItaHiddenF64: Double?
        let afterChecksumsSumAbssum: [String: [Double]]?
        let salt: String?
        let ptr: Int

        private enum CodingKeys: String, CodingKey {
            case alpha
            case lossesF64 = "losses_f64"
            case gradNormsF64 = "grad_norms_f64"
            case lossItaHiddenF64 = "loss_ita_hidden_f64"
            case afterChecksumsSumAbssum = "after_checksums_sum_abssum"
            case salt
            case ptr
        }
    }

    /// One forward and backward pass with recorded weights, or with procedural ones.
    func comparePretraining() throws -> Comparison {
        let fields: StepFields = try fields()
        let configuration = try modelConfiguration()
        let model = try PretrainingModel(configuration, device: device)
        let inputs = try tensors("inputs.safetensors")
        let expected = try tensors("expected.safetensors")
        var image: Tensor?
        let isFullSize = fields.salt != nil
        if let salt = fields.salt {
            let source = ProceduralWeights(salt: salt)
            try source.fill(model.store, pointer: fields.ptr)
            let side = configuration.vision.imageSize
            let batch = try inputs["text_input_ids"]?.checked().size(0) ?? 2
            image = source.image([batch, 3, side, side]).to(device: device)
        } else {
            try model.store.load(tensors("weights.safetensors"))
        }
        let step = try RecordedStep(inputs, image: image, configuration)

        var activations: PretrainingActivations?
        try model.limitTemperature()
        try model.teacher.update()
        let losses = try model.losses(step.batch, step.draws, alpha: fields.alpha) {
            activations = $0
        }
        try model.queue.enqueue(losses.features)
        try losses.total.backward()

        var comparison = Comparison()
        var expectedLosses = fields.lossesF64
        expectedLosses["loss_ita_hidden"] =
            expectedLosses["loss_ita_hidden"] ?? fields.lossItaHiddenF64
        let tolerance = isFullSize ? 2e-5 : 5e-6
        try comparison.losses(losses, expectedLosses, within: tolerance)
        try comparison.gradients(model.store, fields.gradNormsF64, expected)
        try comparison.states(model.store, expected, prefix: "after.")
        for (key, sums) in fields.afterChecksumsSumAbssum ?? [:] {
            try comparison.checksum(key, model.store[key], sums)
        }
        if let activations {
            try comparison.activations(activations, step, configuration, expected)
        }
        return comparison
    }

    private struct TraceFields: Decodable {
        struct Group: Decodable {
            let weightDecay: Double
            let params: [String]

            private enum CodingKeys: String, CodingKey {
                case weightDecay = "weight_decay"
                case params
            }
        }
        let weights: String
        let steps: Int
        let alphas: [Double]
        @Recorded var optimizer: OptimizerConfiguration
        let paramGroups: [Group]
        let lossesF64: [[String: Double]]
        let finalChecksumsSumAbssum: [String: [Double]]

        private enum CodingKeys: String, CodingKey {
            case weights
            case steps
            case alphas
            case optimizer
            case paramGroups = "param_groups"
            case lossesF64 = "losses_f64"
            case finalChecksumsSumAbssum = "final_checksums_sum_abssum"
        }
    }

    /// Several optimizer steps.
    func comparePretrainingTrace() throws -> Comparison {
        let fields: TraceFields = try fields()
        let configuration = try modelConfiguration()
        let model = try PretrainingModel(configuration, device: device)
        try model.store.load(tensors(fields.weights))
        let optimizer = AdamW(
            groups: ParameterGroups.make(
                model.store, weightDecay: fields.optimizer.weightDecay,
                compatibility: configuration.compatibility), fields.optimizer)
        let inputs = try tensors("inputs.safetensors")
        let expected = try tensors("expected.safetensors")

        var comparison = Comparison()
        for (index, group) in fields.paramGroups.enumerated() where index < optimizer.groups.count {
            comparison.same(
                "param_groups.\(index)", optimizer.groups[index].parameters.map(\.key), group.params
            )
            comparison.same(
                "param_groups.\(index).weight_decay", optimizer.groups[index].weightDecay,
                group.weightDecay)
        }
        for index in 0..<fields.steps {
            let step = try RecordedStep(inputs, prefix: "step\(index).", configuration)
            try optimizer.clearGradients()
            try model.limitTemperature()
            try model.teacher.update()
            let losses = try model.losses(step.batch, step.draws, alpha: fields.alphas[index])
            try model.queue.enqueue(losses.features)
            try losses.total.backward()
            try optimizer.step()
            let wanted = fields.lossesF64[index]
            try comparison.losses(losses, wanted, within: 2e-5, prefix: "step\(index).")
            if let temperature = wanted["temp_after"] {
                comparison.number(
                    "step\(index).temp_after", try model.temperature.item(), temperature,
                    within: 2e-6)
            }
            if let pointer = wanted["queue_ptr_after"] {
                comparison.number(
                    "step\(index).queue_ptr_after", try model.queue.pointer.item(), pointer,
                    within: 0)
            }
        }
        try comparison.states(
            model.store, expected, prefix: "final.",
            keyBiasTolerance: Double(fields.steps) * fields.optimizer.learningRate)
        for (prefix, tolerance) in [("exp_avg.", 1e-4), ("exp_avg_sq.", 1e-4)] {
            for (key, tensor) in expected where key.hasPrefix(prefix) {
                let scale = try tensor.abs().maximum().item()
                try comparison.tensor(
                    key, optimizer.state[key] ?? .zeros([0]), tensor,
                    within: tolerance * scale + 1e-6)
            }
        }
        for (key, sums) in fields.finalChecksumsSumAbssum where !Self.isKeyBias(key) {
            try comparison.checksum(key, model.store[key], sums)
        }
        return comparison
    }

    /// Key biases have no true gradient (softmax does not change when all scores shift), so Adam
    /// moves them in a direction of rounding noise.
    static func isKeyBias(_ key: String) -> Bool {
        key.hasSuffix(".key.bias") || key.hasSuffix(".qkv.bias")
    }
}

extension Comparison {
    mutating func losses(
        _ found: PretrainingLosses, _ expected: [String: Double], within tolerance: Double,
        prefix: String = ""
    ) throws {
        let values: [(String, Tensor?)] = [
            ("loss_mlm", found.mlm), ("loss_ita", found.ita), ("loss_itm", found.itm),
            ("loss_mae", found.mae), ("loss_ita_hidden", found.hidden), ("loss_total", found.total),
        ]
        for (name, tensor) in values {
            guard let wanted = expected[name] else { continue }
            number(
                prefix + name, try tensor?.item() ?? .nan, wanted, within: tolerance)
        }
    }

    /// Gradient norms of all parameters, and the gradients that were recorded whole.
    mutating func gradients(
        _ store: ParameterStore, _ norms: [String: Double], _ expected: [String: Tensor]
    ) throws {
        for (key, norm) in norms {
            guard let parameter = store[key] else {
                same("grad_norm \(key) (no such parameter)", false, true)
                continue
            }
            let gradient = parameter.gradient
            let found = try gradient?.to(dtype: .float64).norm().item() ?? 0
            if key.hasSuffix(".key.bias") {
                add(
                    "grad \(key)", error: try gradient?.abs().maximum().item() ?? 0,
                    tolerance: 1e-5)
            } else {
                number("grad_norm \(key)", found, norm, relative: 1e-4, absolute: 1e-6)
            }
        }
        for (name, tensor) in expected {
            if name.hasPrefix("grad.") {
                let key = String(name.dropFirst(5))
                if key.hasSuffix(".key.bias") { continue }
                try gradient(name, store[key]?.gradient, tensor)
            } else if name.hasPrefix("grad_flat[:64].") {
                let key = String(name.dropFirst("grad_flat[:64].".count))
                try gradient(name, store[key]?.gradient?.reshaped(-1).slice(0, 0..<64), tensor)
            }
        }
    }

    /// Weights and buffers after a step.
    mutating func states(
        _ store: ParameterStore, _ expected: [String: Tensor], prefix: String,
        keyBiasTolerance: Double = 2e-6
    ) throws {
        for (name, tensor) in expected where name.hasPrefix(prefix) {
            let key = String(name.dropFirst(prefix.count))
            guard let found = store[key] else {
                same("\(name) (no such tensor)", false, true)
                continue
            }
            try self.tensor(
                name, found, tensor,
                within: ParityCase.isKeyBias(key) ? max(keyBiasTolerance, 2e-6) : 2e-6)
        }
    }

    /// Sum and sum of magnitudes, with the element tolerance for every element.
    mutating func checksum(_ key: String, _ tensor: Tensor?, _ sums: [Double]) throws {
        guard let tensor else {
            same("checksum \(key) (no such tensor)", false, true)
            return
        }
        let values = tensor.detached().to(dtype: .float64)
        let tolerance = 2e-6 * Double(max(1, tensor.count))
        number("sum \(key)", try values.sum().item(), sums[0], within: tolerance)
        number("sum|·| \(key)", try values.abs().sum().item(), sums[1], within: tolerance)
    }

    /// Intermediate results; where only the needed rows are computed, those rows.
    mutating func activations(
        _ found: PretrainingActivations, _ step: RecordedStep, _ c: ModelConfiguration,
        _ expected: [String: Tensor]
    ) throws {
        let whole: [(String, Tensor?)] = [
            ("kw_embeds", found.concepts), ("image_embeds", found.image),
            ("image_embeds_m", found.momentumImage), ("text_embeds", found.text),
            ("text_embeds_m", found.momentumText), ("itm_logits", found.matchingLogits),
        ]
        for (name, tensor) in whole {
            guard let tensor else { continue }
            if let wanted = expected["dbg." + name] {
                try self.tensor("dbg." + name, tensor, wanted, within: 1e-4)
            }
            if let wanted = expected["dbg.\(name)[:, :4, :16]"] {
                try self.tensor(
                    "dbg." + name, tensor.slice(1, 0..<4).slice(2, 0..<16), wanted, within: 1e-4)
            }
        }
        if let wanted = expected["dbg.mlm_logits"] {
            let rows = wanted.reshaped(-1, wanted.size(-1)).indexed(
                0, by: step.draws.masking.positions)
            try self.tensor("dbg.mlm_logits", found.languageLogits, rows, within: 1e-4)
        }
        if let wanted = expected["dbg.mae_pred"], let mask = step.draws.patchMask,
            let prediction = found.pixelPrediction
        {
            let removed = mask.shuffle.slice(1, mask.keptCount...).unsqueezed(-1)
            try self.tensor(
                "dbg.mae_pred", prediction, wanted.slice(1, 1...).gather(1, removed),
                within: 1e-4)
        }
    }
}
