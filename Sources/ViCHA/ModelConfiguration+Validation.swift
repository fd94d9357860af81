/// What a model is made for, which decides the values that matter.
public enum ModelUse: Sendable, Equatable, CaseIterable {
    /// Pretraining, with every objective.
    case pretraining
    /// Retrieval and grounding.
    case retrieval
    /// Entailment, questions, NLVR2 and text assignment.
    case reasoning
}

extension ModelConfiguration {
    /// Whether layers are aligned. The official retrieval without concepts has this objective too, the
    /// one with concepts has not.
    func alignsHiddenStates(for use: ModelUse) -> Bool {
        switch use {
        case .pretraining: alignsHiddenStates
        case .retrieval: alignsHiddenStates && !usesConcepts && compatibility == .official
        case .reasoning: false
        }
    }

    /// - Throws: ``ModelConfigurationError`` naming the first value that makes no model.
    public func validate(for use: ModelUse = .pretraining) throws {
        try validateSizes()
        try validateNumbers()
        if alignsHiddenStates(for: use) { try validateAlignment() }
        if use == .pretraining, let maskedImage { try validateMaskedImages(maskedImage) }
    }

    private func require(
        _ condition: Bool, _ key: String, _ expected: String, found: (any Sendable)? = nil
    ) throws {
        guard condition else {
            throw ModelConfigurationError(key: key, expected: expected, found: found)
        }
    }

    /// Bounds beyond which no machine has the memory, and within which sizes can be multiplied.
    private func validateSizes() throws {
        let width = 1...65536
        let count = 1...1024
        for (key, value, range) in [
            ("image_res", vision.imageSize, 1...16384), ("patch_size", vision.patchSize, count),
            ("vision_width", vision.width, width), ("vision_depth", vision.depth, count),
            ("vision_heads", vision.heads, count), ("mlp_ratio", vision.mlpRatio, 1...64),
            ("bert_config.hidden_size", text.hiddenSize, width),
            ("bert_config.intermediate_size", text.intermediateSize, 1...262_144),
            ("bert_config.num_attention_heads", text.attentionHeads, count),
            ("bert_config.num_hidden_layers", text.layers, count),
            ("bert_config.vocab_size", text.vocabularySize, 1...10_000_000),
            ("bert_config.max_position_embeddings", text.maxPositions, 2...65536),
            ("bert_config.type_vocab_size", text.tokenTypes, count), ("embed_dim", embedDim, width),
            ("queue_size", queueSize, 1...10_000_000),
            ("num_hidden_layers_kw", conceptLayers, 0...1024),
        ] {
            try require(
                range.contains(value), key,
                "a whole number between \(range.lowerBound) and \(range.upperBound)",
                found: value)
        }
        // Without masked images a rest that fills no patch is cut off, as the official 380 pixels are.
        try require(
            vision.grid > 0, "image_res", "at least patch_size (\(vision.patchSize))",
            found: vision.imageSize)
        try require(
            vision.width % vision.heads == 0, "vision_width",
            "a multiple of vision_heads (\(vision.heads))", found: vision.width)
        try require(
            text.hiddenSize % text.attentionHeads == 0, "bert_config.hidden_size",
            "a multiple of num_attention_heads (\(text.attentionHeads))", found: text.hiddenSize)
        try require(
            text.encoderWidth == vision.width, "bert_config.encoder_width",
            "the vision_width (\(vision.width)), since the fusion layers look at images",
            found: text.encoderWidth)
        try require(
            (0...text.layers).contains(text.fusionLayer), "bert_config.fusion_layer",
            "between 0 and num_hidden_layers (\(text.layers))", found: text.fusionLayer)
        try require(
            (0..<text.vocabularySize).contains(text.padTokenID), "bert_config.pad_token_id",
            "the number of a token, between 0 and \(text.vocabularySize - 1)",
            found: text.padTokenID)
    }

    /// Beyond which a loss is no number.
    private static let mostWeight = 1e6

    private func validateNumbers() throws {
        for (key, value) in [("mlm_probability", mlmProbability), ("momentum", momentum)] {
            try require((0...1).contains(value), key, "a number between 0 and 1", found: value)
        }
        for (key, value) in [
            ("bert_config.hidden_dropout_prob", text.hiddenDropout),
            ("bert_config.attention_probs_dropout_prob", text.attentionDropout),
        ] {
            try require(
                0 <= value && value < 1, key, "a number from 0 on and below 1",
                found: value)
        }
        for (key, value) in [
            ("bert_config.initializer_range", text.initializerRange),
            ("vision_initializer_range", vision.initializerRange),
            ("bert_config.layer_norm_eps", text.layerNormEpsilon),
        ] {
            try require((0...10).contains(value), key, "a number between 0 and 10", found: value)
        }
        try require(
            (1e-6...1000).contains(temperature), "temp", "a number between 1e-6 and 1000",
            found: temperature)
        for (key, value) in [
            ("ita_hidden_weight", hiddenAlignmentWeight), ("mae_lambda", maskedImageWeight),
        ] {
            try require(
                value.magnitude <= Self.mostWeight, key, "a number of at most 1000000",
                found: value)
        }
    }

    private func validateAlignment() throws {
        // The official code cuts the list of image layers, and looks for a text layer and a weight for
        // each that is left.
        let images = min(alignedLayers, vision.depth - 1)
        let texts = min(alignedLayers, text.fusionLayer)
        let most = min(vision.depth - 1, text.fusionLayer)
        let isOfficial = compatibility == .official
        try require(
            isOfficial
                ? (0...1024).contains(alignedLayers) && images <= texts
                : alignedLayers >= 1 && alignedLayers <= most, "num_hidden_align",
            "between \(isOfficial ? 0 : 1) and \(most), the layers below the last of vision_depth "
                + "(\(vision.depth)) and of bert_config.fusion_layer (\(text.fusionLayer))",
            found: alignedLayers)
        try require(
            layerWeights.map {
                $0.allSatisfy { $0.magnitude <= Self.mostWeight }
                    && (isOfficial ? $0.count >= images : $0.count == alignedLayers)
            } ?? true, "ita_hidden_weights",
            "one finite weight for each of num_hidden_align (\(alignedLayers)) layers",
            found: layerWeights)
    }

    private func validateMaskedImages(_ objective: MaskedImageObjective) throws {
        try require(
            vision.imageSize % vision.patchSize == 0, "image_res",
            "a multiple of patch_size (\(vision.patchSize)), since whole patches are restored",
            found: vision.imageSize)
        let isShare = (0...1).contains(maskRatio)
        let kept = isShare ? PatchMask.keptCount(of: vision.patchCount, ratio: maskRatio) : 0
        try require(
            isShare && kept < vision.patchCount, "mask_ratio",
            "a share between 0 and 1 that removes at least one of the \(vision.patchCount) patches",
            found: maskRatio)
        for (key, value, range) in [
            ("decoder_width", decoderWidth, 1...65536), ("decoder_heads", decoderHeads, 1...1024),
            ("decoder_depth", decoderDepth, 0...1024),
        ] {
            try require(
                range.contains(value), key,
                "a whole number between \(range.lowerBound) and \(range.upperBound)",
                found: value)
        }
        if objective != .crossModal {
            try require(
                decoderWidth % decoderHeads == 0, "decoder_width",
                "a multiple of decoder_heads (\(decoderHeads))", found: decoderWidth)
            try require(
                decoderWidth % 4 == 0, "decoder_width", "a multiple of 4", found: decoderWidth)
        }
        if objective != .unimodal {
            try require(
                vision.width == text.hiddenSize, "bert_config.hidden_size",
                "the vision_width (\(vision.width)) for cross-modal masked image modelling, "
                    + "since image tokens run through the fusion layers", found: text.hiddenSize)
        }
        if objective == .both {
            try require(
                decoderWidth == vision.width, "decoder_width",
                "the vision_width (\(vision.width)), since both masked-image paths share "
                    + "their mask token", found: decoderWidth)
        }
    }
}
