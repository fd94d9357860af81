extension ModelConfiguration: Codable {
    /// The keys of the official YAML files, then those of this project.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case imageSize = "image_res"
        case visionWidth = "vision_width"
        case embedDim = "embed_dim"
        case temperature = "temp"
        case queueSize = "queue_size"
        case momentum
        case mlmProbability = "mlm_probability"
        case usesConcepts = "kw_img_model"
        case conceptLayers = "num_hidden_layers_kw"
        case alignsHiddenStates = "return_hidden_state"
        case alignedLayers = "num_hidden_align"
        case hiddenAlignmentWeight = "ita_hidden_weight"
        case layerWeights = "ita_hidden_weights"
        case modelsMaskedImages = "mae"
        case selectsMaskedImageModel = "model_mae"
        case maskedImageWeight = "mae_lambda"
        case maskRatio = "mask_ratio"
        case isUnimodal = "unimodal_mae"
        case isBoth = "uni_cross_modal_mae"

        case patchSize = "patch_size"
        case visionDepth = "vision_depth"
        case visionHeads = "vision_heads"
        case mlpRatio = "mlp_ratio"
        case visionInitializerRange = "vision_initializer_range"
        case decoderWidth = "decoder_width"
        case decoderHeads = "decoder_heads"
        case decoderDepth = "decoder_depth"
        case compatibility
        case checkpointsBlocks = "gradient_checkpointing"
    }

    /// Reads the keys of a configuration file; absent ones keep the official values. The text
    /// encoder's sizes lie in a file of their own and are set by the caller.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        try keys.read(.imageSize, &vision.imageSize)
        try keys.read(.visionWidth, &vision.width)
        try keys.read(.patchSize, &vision.patchSize)
        try keys.read(.visionDepth, &vision.depth)
        try keys.read(.visionHeads, &vision.heads)
        try keys.read(.mlpRatio, &vision.mlpRatio)
        try keys.read(.visionInitializerRange, &vision.initializerRange)
        text.encoderWidth = vision.width
        try keys.read(.embedDim, &embedDim)
        try keys.read(.temperature, &temperature)
        try keys.read(.queueSize, &queueSize)
        try keys.read(.momentum, &momentum)
        try keys.read(.mlmProbability, &mlmProbability)
        usesConcepts = try keys.decodeIfPresent(Bool.self, forKey: .usesConcepts) ?? false
        try keys.read(.conceptLayers, &conceptLayers)
        try keys.read(.alignsHiddenStates, &alignsHiddenStates)
        try keys.read(.alignedLayers, &alignedLayers)
        try keys.read(.hiddenAlignmentWeight, &hiddenAlignmentWeight)
        layerWeights = try keys.decodeIfPresent([Double].self, forKey: .layerWeights)
        let isOn = try keys.decodeIfPresent(Bool.self, forKey: .modelsMaskedImages) ?? false
        let isBoth = try keys.decodeIfPresent(Bool.self, forKey: .isBoth) ?? false
        let isUnimodal = try keys.decodeIfPresent(Bool.self, forKey: .isUnimodal) ?? false
        // The official model of that name has no concepts and no alignment of layers.
        let isSelected =
            try keys.decodeIfPresent(Bool.self, forKey: .selectsMaskedImageModel) ?? false
            && !usesConcepts
        if isSelected { alignsHiddenStates = false }
        maskedImage =
            isOn || isSelected ? (isBoth ? .both : isUnimodal ? .unimodal : .crossModal) : nil
        try keys.read(.maskedImageWeight, &maskedImageWeight)
        try keys.read(.maskRatio, &maskRatio)
        try keys.read(.decoderWidth, &decoderWidth)
        try keys.read(.decoderHeads, &decoderHeads)
        try keys.read(.decoderDepth, &decoderDepth)
        try keys.readChoice(.compatibility, &compatibility)
        try keys.read(.checkpointsBlocks, &checkpointsBlocks)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(vision.imageSize, forKey: .imageSize)
        try keys.encode(vision.width, forKey: .visionWidth)
        try keys.encode(vision.patchSize, forKey: .patchSize)
        try keys.encode(vision.depth, forKey: .visionDepth)
        try keys.encode(vision.heads, forKey: .visionHeads)
        try keys.encode(vision.mlpRatio, forKey: .mlpRatio)
        try keys.encode(vision.initializerRange, forKey: .visionInitializerRange)
        try keys.encode(embedDim, forKey: .embedDim)
        try keys.encode(temperature, forKey: .temperature)
        try keys.encode(queueSize, forKey: .queueSize)
        try keys.encode(momentum, forKey: .momentum)
        try keys.encode(mlmProbability, forKey: .mlmProbability)
        try keys.encode(usesConcepts, forKey: .usesConcepts)
        try keys.encode(conceptLayers, forKey: .conceptLayers)
        try keys.encode(alignsHiddenStates, forKey: .alignsHiddenStates)
        try keys.encode(alignedLayers, forKey: .alignedLayers)
        try keys.encode(hiddenAlignmentWeight, forKey: .hiddenAlignmentWeight)
        try keys.encodeIfPresent(layerWeights, forKey: .layerWeights)
        try keys.encode(maskedImage != nil, forKey: .modelsMaskedImages)
        try keys.encode(maskedImage == .both, forKey: .isBoth)
        try keys.encode(maskedImage == .unimodal, forKey: .isUnimodal)
        try keys.encode(maskedImageWeight, forKey: .maskedImageWeight)
        try keys.encode(maskRatio, forKey: .maskRatio)
        try keys.encode(decoderWidth, forKey: .decoderWidth)
        try keys.encode(decoderHeads, forKey: .decoderHeads)
        try keys.encode(decoderDepth, forKey: .decoderDepth)
        try keys.encode(compatibility, forKey: .compatibility)
        try keys.encode(checkpointsBlocks, forKey: .checkpointsBlocks)
    }
}

extension BertConfiguration: Codable {
    /// The keys of a Hugging Face BERT `config.json` and the two that ALBEF added.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case hiddenSize = "hidden_size"
        case intermediateSize = "intermediate_size"
        case attentionHeads = "num_attention_heads"
        case layers = "num_hidden_layers"
        case fusionLayer = "fusion_layer"
        case encoderWidth = "encoder_width"
        case vocabularySize = "vocab_size"
        case maxPositions = "max_position_embeddings"
        case tokenTypes = "type_vocab_size"
        case layerNormEpsilon = "layer_norm_eps"
        case hiddenDropout = "hidden_dropout_prob"
        case attentionDropout = "attention_probs_dropout_prob"
        case initializerRange = "initializer_range"
        case padTokenID = "pad_token_id"
        case activation = "hidden_act"
    }

    /// Keys that change what a BERT computes and of which one value is done here.
    private enum FixedKeys: String, CodingKey, CaseIterable {
        case positions = "position_embedding_type"
        case tiesEmbeddings = "tie_word_embeddings"
        case prunedHeads = "pruned_heads"
    }

    /// A layer whose heads are pruned.
    private struct LayerNumber: CodingKey {
        let stringValue: String
        let intValue: Int? = nil

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    /// Keys of BERT files of which nothing that is computed depends: those of other programs, and
    /// switches of the official code that only save memory or return more.
    public static let keysWithoutEffect: Set<String> =
        Set(FixedKeys.allCases.map(\.rawValue)).union([
            "_name_or_path", "add_cross_attention", "architectures", "bos_token_id",
            "chunk_size_feed_forward", "classifier_dropout", "cls_token_id", "directionality",
            "eos_token_id", "finetuning_task", "gradient_checkpointing", "id2label", "is_decoder",
            "label2id", "mask_token_id", "model_type", "num_labels", "output_attentions",
            "output_hidden_states", "pooler_fc_size", "pooler_num_attention_heads",
            "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type", "problem_type",
            "return_dict", "sep_token_id", "torch_dtype", "torchscript", "transformers_version",
            "use_cache",
        ])

    /// Reads the keys of a BERT configuration; absent ones keep the values of BERT-base. A plain
    /// BERT without `fusion_layer` reads text in all its layers.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        try keys.read(.hiddenSize, &hiddenSize)
        try keys.read(.intermediateSize, &intermediateSize)
        try keys.read(.attentionHeads, &attentionHeads)
        try keys.read(.layers, &layers)
        fusionLayer = try keys.decodeIfPresent(Int.self, forKey: .fusionLayer) ?? layers
        encoderWidth = try keys.decodeIfPresent(Int.self, forKey: .encoderWidth) ?? hiddenSize
        try keys.read(.vocabularySize, &vocabularySize)
        try keys.read(.maxPositions, &maxPositions)
        try keys.read(.tokenTypes, &tokenTypes)
        try keys.read(.layerNormEpsilon, &layerNormEpsilon)
        try keys.read(.hiddenDropout, &hiddenDropout)
        try keys.read(.attentionDropout, &attentionDropout)
        try keys.read(.initializerRange, &initializerRange)
        try keys.read(.padTokenID, &padTokenID)
        try keys.readChoice(.activation, &activation)
        try Self.refuseOthers(decoder.container(keyedBy: FixedKeys.self))
    }

    private static func refuseOthers(_ keys: KeyedDecodingContainer<FixedKeys>) throws {
        func refuse(_ key: FixedKeys, _ expected: String) throws -> Never {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: keys, debugDescription: "expected \(expected)")
        }
        if let kind = try keys.decodeIfPresent(String.self, forKey: .positions),
            kind != "absolute"
        {
            try refuse(.positions, "absolute, the only kind of positions here")
        }
        if try keys.decodeIfPresent(Bool.self, forKey: .tiesEmbeddings) == false {
            try refuse(.tiesEmbeddings, "True: the language head has the word embeddings")
        }
        if keys.contains(.prunedHeads), try !keys.decodeNil(forKey: .prunedHeads),
            try !keys.nestedContainer(keyedBy: LayerNumber.self, forKey: .prunedHeads).allKeys
                .isEmpty
        {
            try refuse(.prunedHeads, "nothing: heads cannot be pruned here")
        }
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(hiddenSize, forKey: .hiddenSize)
        try keys.encode(intermediateSize, forKey: .intermediateSize)
        try keys.encode(attentionHeads, forKey: .attentionHeads)
        try keys.encode(layers, forKey: .layers)
        try keys.encode(fusionLayer, forKey: .fusionLayer)
        try keys.encode(encoderWidth, forKey: .encoderWidth)
        try keys.encode(vocabularySize, forKey: .vocabularySize)
        try keys.encode(maxPositions, forKey: .maxPositions)
        try keys.encode(tokenTypes, forKey: .tokenTypes)
        try keys.encode(layerNormEpsilon, forKey: .layerNormEpsilon)
        try keys.encode(hiddenDropout, forKey: .hiddenDropout)
        try keys.encode(attentionDropout, forKey: .attentionDropout)
        try keys.encode(initializerRange, forKey: .initializerRange)
        try keys.encode(padTokenID, forKey: .padTokenID)
        try keys.encode(activation.rawValue, forKey: .activation)
    }
}

extension KeyedDecodingContainer {
    /// Replaces a value by the one of a key, where there is one.
    package func read<Value: Decodable>(_ key: Key, _ value: inout Value) throws {
        value = try decodeIfPresent(Value.self, forKey: key) ?? value
    }

    /// Replaces a value by the choice that a key names, where there is one.
    package func readChoice<Value: RawRepresentable & CaseIterable>(
        _ key: Key, _ value: inout Value
    ) throws where Value.RawValue == String {
        guard let name = try decodeIfPresent(String.self, forKey: key) else { return }
        guard let choice = Value(rawValue: name) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self,
                debugDescription:
                    "expected one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        value = choice
    }
}
