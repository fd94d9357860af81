import Tasks
import Torch
import ViCHA

extension ParityCase {
    private struct MappingFields: Decodable {
        struct Mapping: Decodable {
            /// Key of the task's model, key of the checkpoint.
            let loaded: [[String]]
            /// Keys of the task's model that keep their initial values.
            let missing: [String]
            /// Key after the mapping, key of the checkpoint.
            let unexpected: [[String]]
        }

        /// What the checkpoint is of, and its model class.
        let source: String
        /// Whether the models of the tasks have a momentum model.
        let distills: Bool
        let sourceKeys: [String]
        let tasks: [String: Mapping]

        enum CodingKeys: String, CodingKey {
            case source
            case distills = "distill"
            case sourceKeys = "source_keys"
            case tasks
        }
    }

    /// Which weight of a pretraining checkpoint ends up where in each task's model. The models have the
    /// official numbers of layers and are as narrow as can be, since only names matter: each weight of
    /// the checkpoint is filled with a number of its own.
    func compareCheckpointMapping() throws -> Comparison {
        let fields: MappingFields = try fields()
        var c = ModelConfiguration()
        c.vision.imageSize = 32
        c.vision.width = 8
        c.vision.heads = 1
        c.text.hiddenSize = 8
        c.text.intermediateSize = 8
        c.text.attentionHeads = 1
        c.text.encoderWidth = 8
        c.text.vocabularySize = 8
        c.text.maxPositions = 8
        (c.decoderWidth, c.decoderHeads) = (8, 1)
        (c.embedDim, c.queueSize) = (4, 4)
        let keys = Set(fields.sourceKeys)
        switch fields.source {
        case "pretrain kw_img_ViCHA": c.usesConcepts = true
        case "pretrain ViCHA", "pretrain MAE_ViCHA": c.usesConcepts = false
        default:
            throw ParityError.malformed(
                case: name, reason: "the source '\(fields.source)' is no pretraining model")
        }
        /// Parts of a numbered list of the checkpoint.
        func count(_ name: (Int) -> String) -> Int {
            (0...keys.count).first { !keys.contains(name($0)) } ?? 0
        }
        c.conceptLayers = count { "kw_encoder.encoder.layer.\($0).output.dense.weight" }
        c.alignedLayers = count { "vision_proj_hidden.\($0).weight" }
        c.alignsHiddenStates = c.alignedLayers > 0
        c.maskedImage =
            !keys.contains("mask_token")
            ? nil
            : keys.contains("mae_proj_uni.weight")
                ? .both : keys.contains("decoder_embed.weight") ? .unimodal : .crossModal

        var comparison = Comparison()
        let source = NumberedWeights(try PretrainingModel(c).store)
        comparison.same(
            "source_keys",
            Set(source.tensors.keys).symmetricDifference(fields.sourceKeys).sorted(), [])
        let assignment = try TextAssignmentModel(c)
        for (task, mapping) in fields.tasks {
            c.alignsHiddenStates = mapping.loaded.contains {
                $0[0].hasPrefix("vision_proj_hidden.")
            }
            let found: (ParameterStore, NumberedWeights, ParameterStore.LoadReport)
            switch task {
            case "retrieval", "grounding":
                let model = try RetrievalModel(c)
                found = (model.store, source, try model.load(source.tensors))
            case "ve":
                let model = try ClassificationModel(c, .entailment, distills: fields.distills)
                found = (model.store, source, try model.load(source.tensors))
            case "vqa":
                let model = try QuestionAnsweringModel(c, distills: fields.distills)
                found = (model.store, source, try model.load(source.tensors))
            case "nlvr_pretrain":
                let model = try TextAssignmentModel(c)
                found = (model.store, source, try model.load(source.tensors))
            case "nlvr_from_nlvr_pretrain":
                let own = NumberedWeights(assignment.store)
                let model = try ClassificationModel(c, .imagePair, distills: fields.distills)
                found = (model.store, own, try model.load(own.tensors))
            default: throw ParityError.malformed(case: name, reason: "there is no task '\(task)'")
            }
            try compare(mapping, of: task, found.0, found.1, found.2, &comparison)
        }
        return comparison
    }

    private func compare(
        _ mapping: MappingFields.Mapping, of task: String, _ store: ParameterStore,
        _ source: NumberedWeights, _ report: ParameterStore.LoadReport,
        _ comparison: inout Comparison
    ) throws {
        for (what, found, expected) in [
            ("loaded", report.taken, mapping.loaded.map { $0[0] }),
            ("missing", report.initialized, mapping.missing),
            ("unexpected", report.unused, mapping.unexpected.map { $0[0] }),
        ] {
            comparison.same(
                "\(task) \(what)", Set(found).symmetricDifference(expected).sorted(), [])
        }
        for names in mapping.loaded where names.count == 2 {
            let found = try store[names[0]]?.to(dtype: .float32).mean().item()
            comparison.number(
                "\(task) \(names[0])", found ?? .nan, source.numbers[names[1]] ?? .infinity,
                within: 0)
        }
    }
}

/// Weights each of which is filled with a number of its own, tied ones with the same.
private struct NumberedWeights {
    private(set) var tensors: [String: Tensor] = [:]
    private(set) var numbers: [String: Double] = [:]

    init(_ store: ParameterStore) {
        for (number, entry) in store.entries.enumerated() {
            if case .alias(let original) = entry.role {
                tensors[entry.key] = tensors[original]
                numbers[entry.key] = numbers[original]
            } else {
                tensors[entry.key] = .full(
                    entry.tensor.shape, Double(number), dtype: entry.tensor.dtype)
                numbers[entry.key] = Double(number)
            }
        }
    }
}
