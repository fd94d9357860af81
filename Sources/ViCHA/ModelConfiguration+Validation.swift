import Configuration

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
    public func alignsHiddenStates(for use: ModelUse) -> Bool {
        switch use {
        case .pretraining: alignsHiddenStates
        case .retrieval: alignsHiddenStates && !usesConcepts && compatibility == .official
        case .reasoning: false
        }
    }

    /// - Throws: `ConfigurationKeyError` naming the first value that makes no model for a use.
    public func validate(for use: ModelUse) throws {
        try validate()
        if alignsHiddenStates(for: use) { try validateAlignment() }
        if use == .pretraining, let maskedImage { try validateMaskedImages(maskedImage) }
    }

    /// - Throws: ``ConfigurationKeyError`` for sizes that do not go together.
    public func validateTogether() throws {
        try require(
            text.encoderWidth == vision.width, "bert_config.encoder_width",
            "the vision_width (\(vision.width)), since the fusion layers look at images",
            found: text.encoderWidth)
    }

    private func require(
        _ condition: Bool, _ key: String, _ expected: String, found: (any Sendable)? = nil
    ) throws {
        try ConfigurationKeyError.require(condition, key, expected, found: found)
    }

    /// Beyond which a loss is no number.
    private static let mostWeight = 1e6

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
                : alignedLayers >= 1 && alignedLayers <= most, $alignedLayers.name,
            "between \(isOfficial ? 0 : 1) and \(most), the layers below the last of vision_depth "
                + "(\(vision.depth)) and of bert_config.fusion_layer (\(text.fusionLayer))",
            found: alignedLayers)
        try require(
            layerWeights.map {
                $0.allSatisfy { $0.magnitude <= Self.mostWeight }
                    && (isOfficial ? $0.count >= images : $0.count == alignedLayers)
            } ?? true, $layerWeights.name,
            "one finite weight for each of num_hidden_align (\(alignedLayers)) layers",
            found: layerWeights)
    }

    private func validateMaskedImages(_ objective: MaskedImageObjective) throws {
        try require(
            vision.imageSize % vision.patchSize == 0, vision.$imageSize.name,
            "a multiple of patch_size (\(vision.patchSize)), since whole patches are restored",
            found: vision.imageSize)
        let isShare = (0...1).contains(maskRatio)
        let kept = isShare ? PatchMask.keptCount(of: vision.patchCount, ratio: maskRatio) : 0
        try require(
            isShare && kept < vision.patchCount, $maskRatio.name,
            "a share between 0 and 1 that removes at least one of the \(vision.patchCount) patches",
            found: maskRatio)
        for key in [$decoderWidth, $decoderHeads, $decoderDepth] { try key.validate() }
        if objective != .crossModal {
            try require(
                decoderWidth % decoderHeads == 0, $decoderWidth.name,
                "a multiple of decoder_heads (\(decoderHeads))", found: decoderWidth)
            try require(
                decoderWidth % 4 == 0, $decoderWidth.name, "a multiple of 4", found: decoderWidth)
        }
        if objective != .unimodal {
            try require(
                vision.width == text.hiddenSize, "bert_config.hidden_size",
                "the vision_width (\(vision.width)) for cross-modal masked image modelling, "
                    + "since image tokens run through the fusion layers", found: text.hiddenSize)
        }
        if objective == .both {
            try require(
                decoderWidth == vision.width, $decoderWidth.name,
                "the vision_width (\(vision.width)), since both masked-image paths share "
                    + "their mask token", found: decoderWidth)
        }
    }
}
