import Torch

/// Names and sizes of CLIP's weights in the files of others.
enum CLIPWeights {
    /// Tensors of OpenAI's archives that are no weights.
    static let constants = ["input_resolution", "context_length", "vocab_size"]

    /// Widths of the published image towers whose heads are not 64 wide, which weights do not show.
    private static let widthsOfOtherHeads = [1280, 1408, 1664, 1792]

    /// Weights of open_clip under OpenAI's names: without what only training needs, and without the
    /// names of what they were wrapped in.
    static func plain(_ tensors: [String: Tensor]) -> [String: Tensor] {
        // A training checkpoint has the optimizer's state beside the weights.
        let isNested = tensors.keys.contains { $0.hasPrefix("state_dict.") }
        var result: [String: Tensor] = [:]
        for (key, tensor) in tensors {
            var name = key[...]
            if isNested {
                guard key.hasPrefix("state_dict.") else { continue }
                name = key.dropFirst("state_dict.".count)
            }
            // Data-parallel training, compilation, and towers as objects of their own.
            for wrapper in ["module.", "_orig_mod.", "text."] where name.hasPrefix(wrapper) {
                name = name.dropFirst(wrapper.count)
            }
            // A bias of all similarities changes no embedding.
            guard !isConstant(name), name != "logit_bias" else { continue }
            result[String(name)] = name == "logit_scale" ? tensor.reshaped([]) : tensor
        }
        return result
    }

    /// Attention masks, which OpenAI's archives carry in each block, and other constants.
    private static func isConstant(_ key: Substring) -> Bool {
        constants.contains(String(key)) || key.hasSuffix("attn_mask")
            || key.hasSuffix("position_ids")
    }

    /// The sizes that weights under OpenAI's names have. Heads are 64 wide in all its models.
    ///
    /// - Parameters:
    ///   - tensors: weights
    ///   - isOpenAI: whether they are OpenAI's and not those of any model under the same names
    ///   - activation: of both towers, which weights do not show
    ///   - path: where they come from, for errors
    /// - Throws: ``CLIPError/unknownLayout(path:reason:)``
    static func configuration(
        of tensors: [String: Tensor], isOpenAI: Bool,
        _ activation: CLIPConfiguration.Activation, path: String
    ) throws -> CLIPConfiguration {
        func shape(_ key: String, rank: Int) throws -> [Int] {
            guard let shape = tensors[key]?.shape, shape.count == rank else {
                throw CLIPError.unknownLayout(
                    path: path, reason: "there is no tensor '\(key)' with \(rank) dimensions in it")
            }
            return shape
        }
        func depth(_ prefix: String) -> Int {
            (0...).first { tensors["\(prefix)transformer.resblocks.\($0).ln_1.weight"] == nil } ?? 0
        }
        let headWidth = 64
        var c = CLIPConfiguration()
        let conv = try shape("visual.conv1.weight", rank: 4)
        c.vision.width = conv[0]
        c.vision.patchSize = conv[3]
        let patches = try shape("visual.positional_embedding", rank: 2)[0] - 1
        c.vision.imageSize = Int(Double(patches).squareRoot().rounded()) * conv[3]
        c.vision.depth = depth("visual.")
        guard isOpenAI || !widthsOfOtherHeads.contains(conv[0]) else {
            throw CLIPError.unknownLayout(
                path: path,
                reason: "weights alone do not say how many heads an image tower of width "
                    + "\(conv[0]) has; put them into a directory with open_clip_config.json")
        }
        c.vision.heads = max(1, conv[0] / headWidth)
        let text = try shape("token_embedding.weight", rank: 2)
        c.text.vocabularySize = text[0]
        c.text.width = text[1]
        c.text.contextLength = try shape("positional_embedding", rank: 2)[0]
        c.text.depth = depth("")
        c.text.heads = max(1, text[1] / headWidth)
        c.embedDim = try shape("text_projection", rank: 2)[1]
        func blocks(_ prefix: String, width: Int) -> CLIPConfiguration.Blocks {
            let first = "\(prefix)transformer.resblocks.0."
            var blocks = CLIPConfiguration.Blocks()
            blocks.setInnerWidth(tensors[first + "mlp.c_fc.weight"]?.size(0), width: width)
            blocks.hasLayerScale = tensors[first + "ls_1.gamma"] != nil
            blocks.activation = activation
            return blocks
        }
        c.vision.blocks = blocks("visual.", width: c.vision.width)
        c.text.blocks = blocks("", width: c.text.width)
        return c
    }

    /// Weights under OpenAI's names from those of Hugging Face's `CLIPModel`.
    ///
    /// The three attention projections are joined, and the two output projections transposed, which
    /// Hugging Face keeps as linear layers.
    static func renamed(huggingFace tensors: [String: Tensor], _ c: CLIPConfiguration) -> [String:
        Tensor]
    {
        var result: [String: Tensor] = [:]
        func take(_ source: String, _ target: String, _ change: (Tensor) -> Tensor = { $0 }) {
            result[target] = tensors[source].map(change)
        }
        func takeNorm(_ source: String, _ target: String) {
            for part in [".weight", ".bias"] { take(source + part, target + part) }
        }
        func tower(_ source: String, _ target: String, depth: Int) {
            for layer in 0..<depth {
                let from = "\(source).encoder.layers.\(layer)"
                let to = "\(target)transformer.resblocks.\(layer)"
                for (a, b) in [
                    ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"),
                    ("mlp.fc2", "mlp.c_proj"), ("self_attn.out_proj", "attn.out_proj"),
                ] { takeNorm("\(from).\(a)", "\(to).\(b)") }
                for part in ["weight", "bias"] {
                    let parts = ["q", "k", "v"].compactMap {
                        tensors["\(from).self_attn.\($0)_proj.\(part)"]
                    }
                    guard parts.count == 3 else { continue }
                    result["\(to).attn.in_proj_\(part)"] = .concatenated(parts, dimension: 0)
                }
            }
        }
        take("logit_scale", "logit_scale")
        take("text_model.embeddings.token_embedding.weight", "token_embedding.weight")
        take("text_model.embeddings.position_embedding.weight", "positional_embedding")
        takeNorm("text_model.final_layer_norm", "ln_final")
        take("text_projection.weight", "text_projection") { $0.transposed(0, 1) }
        tower("text_model", "", depth: c.text.depth)
        take("vision_model.embeddings.class_embedding", "visual.class_embedding")
        take("vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight")
        take("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding")
        // Hugging Face's own name has this spelling.
        takeNorm("vision_model.pre_layrnorm", "visual.ln_pre")
        takeNorm("vision_model.post_layernorm", "visual.ln_post")
        take("visual_projection.weight", "visual.proj") { $0.transposed(0, 1) }
        tower("vision_model", "visual.", depth: c.vision.depth)
        return result
    }
}
