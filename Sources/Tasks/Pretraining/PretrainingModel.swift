// Shapes: B batch, L caption tokens, C concept tokens, N image tokens, P patches, E feature width.
import Batches
import Configuration
import Torch
import ViCHA

/// Everything of a pretraining step that is left to chance.
public struct PretrainingDraws: Sendable {
    /// The masked captions.
    public let masking: MaskedTokens
    /// How hard negatives are chosen.
    public let negatives: NegativeSelection
    /// nil without masked image modelling.
    public let patchMask: PatchMask?

    /// Chance that is given, to replay a step.
    public init(masking: MaskedTokens, negatives: NegativeSelection, patchMask: PatchMask?) {
        self.masking = masking
        self.negatives = negatives
        self.patchMask = patchMask
    }

    /// Draws for a batch from a CPU generator; `special` are the tokens of its vocabulary.
    public init(
        for batch: ImageTextBatch, _ c: ModelConfiguration, special: SpecialTokens,
        generator: Generator
    ) {
        let ids = batch.texts.inputIDs.to(device: .cpu)
        let rows = ids.size(0)
        masking = MaskedTokens(
            ids,
            .init(
                shape: ids.shape, probability: c.mlmProbability, vocabulary: c.text.vocabularySize,
                generator: generator), special: special)
        negatives = .drawn(noise: .uniform([2, rows, rows], generator: generator))
        patchMask =
            c.maskedImage == nil
            ? nil
            : PatchMask(
                noise: .uniform([rows, c.vision.patchCount], generator: generator),
                ratio: c.maskRatio)
    }

    /// The same on another device.
    public func to(device: Device) -> PretrainingDraws {
        var negatives = negatives
        switch negatives {
        case .drawn(let noise): negatives = .drawn(noise: noise.to(device: device))
        case .given(let given):
            negatives = .given(
                HardNegatives(
                    images: given.images.to(device: device), texts: given.texts.to(device: device)))
        }
        return PretrainingDraws(
            masking: masking.to(device: device), negatives: negatives,
            patchMask: patchMask?.to(device: device))
    }
}

/// The losses of a pretraining step; scalars.
public struct PretrainingLosses: Sendable {
    /// Masked language modelling.
    public let mlm: Tensor
    /// Contrastive alignment, with the hierarchical part as the official logs report it.
    public let ita: Tensor
    /// The hierarchical part before its weight, nil where it is off.
    public let hidden: Tensor?
    /// Image-text matching.
    public let itm: Tensor
    /// Masked image modelling, nil where it is off.
    public let mae: Tensor?
    /// What the queue is filled with after them.
    public let features: MomentumFeatures

    /// Their sum, which is minimised.
    public var total: Tensor {
        [ita, itm].reduce(mlm, +) + (mae ?? .zeros([], device: mlm.device))
    }
}

/// Intermediate results of a step, for inspection.
public struct PretrainingActivations: Sendable {
    /// Projected concept tokens. `[B, C, D]`
    public let concepts: Tensor?
    /// `[B, N, D]`
    public let image: Tensor
    /// Of the momentum model. `[B, N, D]`
    public let momentumImage: Tensor
    /// After the text layers. `[B, L, D]`
    public let text: Tensor
    /// Of the momentum model. `[B, L, D]`
    public let momentumText: Tensor
    /// Positives first. `[3B, 2]`
    public let matchingLogits: Tensor
    /// At the masked positions. `[M, V]`
    public let languageLogits: Tensor
    /// Pixels of the removed patches, by the first variant that is on. `[B, R, p·p·3]`
    public let pixelPrediction: Tensor?
}

/// The ViCHA model with everything that pretraining needs.
public final class PretrainingModel: SizedModel {
    /// Its weights.
    public let shell: ModelShell
    let parts: Parts

    struct Parts {
        let temperature: Tensor
        let queue: FeatureQueue
        let online: Encoders
        let momentum: Encoders
        let projections: FeatureProjections
        let momentumProjections: FeatureProjections
        let matchingHead: Linear
        let languageHead: MaskedLanguageHead
        let momentumLanguageHead: MaskedLanguageHead
        let alignment: LayerAlignment?
        let decoder: MaskedImageDecoder?

        init(_ scope: ParameterScope, _ c: ModelConfiguration) {
            temperature = scope.parameter("temp", [], .constant(c.temperature))
            let maskedImage = c.maskedImage.map {
                ($0, MaskedImageDecoder.RootTensors(scope, c, $0))
            }
            (online, languageHead) = Encoders.pretraining(scope, suffix: "", c)
            projections = FeatureProjections(scope, c)
            matchingHead = Linear(scope["itm_head"], c.text.hiddenSize, 2)
            (momentum, momentumLanguageHead) = Encoders.pretraining(scope.frozen, suffix: "_m", c)
            momentumProjections = FeatureProjections(scope.frozen, suffix: "_m", c)
            queue = FeatureQueue(scope, width: c.embedDim, length: c.queueSize)
            alignment = c.alignsHiddenStates ? LayerAlignment(scope, c) : nil
            decoder = maskedImage.map { MaskedImageDecoder(scope, c, $0.0, $0.1) }
        }
    }

    /// Builds the model, and its momentum model as a copy.
    ///
    /// - Parameters:
    ///   - c: sizes and switches
    ///   - seed: of random weights; nil for weights that are all loaded before they are used
    ///   - device: where the weights are made
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public init(_ c: ModelConfiguration, seed: UInt64? = 0, device: Device = .cpu) throws {
        (shell, parts) = try ModelShell.make(
            c, for: .pretraining, decay: c.momentum, seed: seed, device: device
        ) { Parts($0, c) }
    }

    /// The decoder's fixed table keeps its size.
    public func mapping(of keys: [String: Tensor].Keys) -> WeightMapping {
        var mapping = WeightMapping()
        mapping.keeping = ["decoder_pos_embed"]
        return mapping
    }

    /// Scalar.
    public var temperature: Tensor { parts.temperature }
    /// Earlier momentum features.
    public var queue: FeatureQueue { parts.queue }

    /// Keeps the temperature where similarities mean something, as the official model does before each
    /// step.
    /// - Throws: `TorchError`
    public func limitTemperature() throws {
        try withoutGradient { try temperature.clamp(to: 0.001...0.5) }
    }

    /// The losses of one step. Before it ``limitTemperature()`` and the `teacher` have their turn, after
    /// it the ``queue``
    /// (ViCHA section 3; case `pretrain_tiny` and its neighbours).
    ///
    /// - Parameters:
    ///   - batch: at least two pairs, on the model's device
    ///   - draws: the chance in this step
    ///   - alpha: share of the momentum model in the targets
    ///   - dropout: source of dropout; nil for none
    ///   - inspect: receives intermediate results
    /// - Throws: `TorchError`, `FeatureQueueError`
    public func losses(
        _ batch: ImageTextBatch, _ draws: PretrainingDraws, alpha: Double,
        dropout: Generator? = nil, inspect: ((PretrainingActivations) -> Void)? = nil
    ) throws -> PretrainingLosses {
        let c = configuration
        let patches = parts.online.vision.patches(of: batch.images.pixels)
        let concepts = parts.online.encodeConcepts(batch.images.concepts, dropout: dropout)
        let image = parts.online.encodeImages(
            patches: patches, concepts: concepts, tokens: batch.images.concepts)
        let textStates = parts.online.text.encodeText(batch.texts, dropout: dropout)
        let text = textStates[textStates.count - 1]

        let taught = withoutGradient { teach(batch, draws.masking, dropout: dropout) }

        let contrast = ImageTextContrastive.loss(
            image: parts.projections.features(of: image),
            text: parts.projections.features(ofText: text),
            momentumImage: taught.imageFeatures, momentumText: taught.textFeatures,
            imageQueue: queue.images, textQueue: queue.texts,
            temperature: temperature, alpha: alpha)
        let hidden = parts.alignment?.loss(
            image.classTokens, textStates, temperature: temperature)

        let keyValues = parts.online.text.keyValues(
            of: image.lastHiddenState, mask: image.attentionMask)
        let negatives = ImageTextMatching.negatives(
            draws.negatives, imageToText: contrast.imageToText, textToImage: contrast.textToImage)
        let (matchingLogits, languageLogits) = fuse(
            text, batch.texts, keyValues, negatives, draws.masking, dropout: dropout)
        let mlm = MaskedLanguageModeling.loss(
            languageLogits, momentumLogits: taught.languageLogits, targets: draws.masking.targets,
            alpha: alpha)

        let pixels = draws.patchMask.flatMap { mask in
            maskedImages(batch, patches, mask, text: text, dropout: dropout)
        }
        inspect?(
            PretrainingActivations(
                concepts: concepts, image: image.lastHiddenState,
                momentumImage: taught.image, text: text, momentumText: taught.text,
                matchingLogits: matchingLogits, languageLogits: languageLogits,
                pixelPrediction: pixels?.prediction))
        return PretrainingLosses(
            mlm: mlm,
            ita: hidden.map { contrast.loss + $0 * c.hiddenAlignmentWeight } ?? contrast.loss,
            hidden: hidden, itm: ImageTextMatching.loss(matchingLogits), mae: pixels?.loss,
            features: MomentumFeatures(images: taught.imageFeatures, texts: taught.textFeatures))
    }

    /// What the momentum model says of a batch.
    private struct Teaching {
        let image: Tensor
        let text: Tensor
        let imageFeatures: Tensor
        let textFeatures: Tensor
        let languageLogits: Tensor
    }

    private func teach(_ batch: ImageTextBatch, _ masking: MaskedTokens, dropout: Generator?)
        -> Teaching
    {
        let image = parts.momentum.encode(batch.images, dropout: dropout)
        let texts = parts.momentum.text.encodeText(batch.texts, dropout: dropout)
        let text = texts[texts.count - 1]
        let masked = TokenBatch(
            inputIDs: masking.inputIDs, attentionMask: batch.texts.attentionMask)
        let maskedTexts = parts.momentum.text.encodeText(masked, dropout: dropout)
        let fused = parts.momentum.text.fuse(
            maskedTexts[maskedTexts.count - 1], attentionMask: masked.attentionMask,
            keyValues: parts.momentum.text.keyValues(
                of: image.lastHiddenState, mask: image.attentionMask),
            dropout: dropout)
        return Teaching(
            image: image.lastHiddenState, text: text,
            imageFeatures: parts.momentumProjections.features(of: image),
            textFeatures: parts.momentumProjections.features(ofText: text),
            languageLogits: parts.momentumLanguageHead(fused.rows(masking.positions)))
    }

    /// Matching logits `[3B, 2]` and masked-language logits `[M, V]`.
    ///
    /// The four passes of the official code (positives, negative images, negative texts, masked
    /// captions) are one batch here, and images are projected to keys and values once for all.
    private func fuse(
        _ text: Tensor, _ captions: TokenBatch, _ keyValues: CrossAttentionKeyValues,
        _ negatives: HardNegatives,
        _ masking: MaskedTokens, dropout: Generator?
    ) -> (matching: Tensor, language: Tensor) {
        let b = text.size(0)
        let masked = parts.online.text.encodeText(
            TokenBatch(inputIDs: masking.inputIDs, attentionMask: captions.attentionMask),
            dropout: dropout)
        let mask = captions.attentionMask
        let own = Tensor.range(0..<b, device: text.device)
        let fused = parts.online.text.fuse(
            .concatenated(
                [text, text, text.indexed(0, by: negatives.texts), masked[masked.count - 1]],
                dimension: 0),
            attentionMask: .concatenated(
                [mask, mask, mask.indexed(0, by: negatives.texts), mask], dimension: 0),
            keyValues: keyValues.indexed(
                by: .concatenated([own, negatives.images, own, own], dimension: 0)),
            dropout: dropout)
        return (
            parts.matchingHead(fused.slice(0, 0..<3 * b).select(1, 0)),
            parts.languageHead(fused.slice(0, (3 * b)...).rows(masking.positions))
        )
    }

    private func maskedImages(
        _ batch: ImageTextBatch, _ patches: Tensor, _ mask: PatchMask, text: Tensor,
        dropout: Generator?
    ) -> (loss: Tensor, prediction: Tensor)? {
        guard let decoder = parts.decoder, let objective = configuration.maskedImage else {
            return nil
        }
        let encoded = parts.online.vision.encode(patches: patches, keep: mask.kept)
        let target = decoder.target(batch.images.pixels, mask)
        var predictions: [Tensor] = []
        if objective != .unimodal {
            let textMask = additiveMask(batch.texts.attentionMask)
            let fused = parts.online.text.fuse(
                decoder.restored(encoded, mask), attentionMask: nil,
                keyValues: parts.online.text.keyValues(of: text, mask: textMask), dropout: dropout)
            predictions.append(decoder.crossModalPrediction(fused, mask))
        }
        if let prediction = decoder.unimodalPrediction(encoded, mask) {
            predictions.append(prediction)
        }
        let losses = predictions.map {
            MaskedImageModeling.loss($0, target: target) * configuration.usedMaskedImageWeight
        }
        guard let first = losses.first, let prediction = predictions.first else { return nil }
        return (losses.dropFirst().reduce(first, +) / Double(losses.count), prediction)
    }
}
