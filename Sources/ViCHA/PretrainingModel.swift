// Shapes: B batch, L caption tokens, C concept tokens, N image tokens, P patches, E feature width.
import Configuration
import Torch

/// A batch of image-caption pairs.
public struct PretrainingBatch: Sendable {
    /// Normalised pixels. `[B, 3, H, W]`
    public let images: Tensor
    /// Encoded captions.
    public let captions: TokenBatch
    /// nil for a model without concepts.
    public let concepts: TokenBatch?

    /// Makes the value.
    public init(images: Tensor, captions: TokenBatch, concepts: TokenBatch?) {
        self.images = images
        self.captions = captions
        self.concepts = concepts
    }

    /// The batch on another device.
    public func to(device: Device) -> PretrainingBatch {
        PretrainingBatch(
            images: images.to(device: device), captions: captions.to(device: device),
            concepts: concepts?.to(device: device))
    }
}

/// Everything of a pretraining step that is left to chance.
public struct PretrainingDraws: Sendable {
    /// The masked captions.
    public let masking: MaskedTokens
    /// How hard negatives are chosen.
    public let negatives: NegativeSelection
    /// nil without masked image modelling.
    public let patchMask: PatchMask?

    /// Makes the value.
    public init(masking: MaskedTokens, negatives: NegativeSelection, patchMask: PatchMask?) {
        self.masking = masking
        self.negatives = negatives
        self.patchMask = patchMask
    }

    /// Draws for a batch from a CPU generator; `special` are the tokens of its vocabulary.
    public init(
        for batch: PretrainingBatch, _ c: ModelConfiguration, special: SpecialTokens,
        generator: Generator
    ) {
        let ids = batch.captions.inputIDs.to(device: .cpu)
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
public final class PretrainingModel {
    /// Sizes and switches.
    public let configuration: ModelConfiguration
    /// All weights and buffers under the official keys.
    public let store: ParameterStore
    /// Scalar.
    public let temperature: Tensor
    /// Earlier momentum features.
    public let queue: FeatureQueue
    /// Moves the momentum weights.
    public let teacher: MomentumTeacher
    let online: Encoders
    let momentum: Encoders
    let projections: FeatureProjections
    private let momentumProjections: FeatureProjections
    let matchingHead: Linear
    private let languageHead: MaskedLanguageHead
    private let momentumLanguageHead: MaskedLanguageHead
    private let alignment: LayerAlignment?
    let decoder: MaskedImageDecoder?

    /// Builds the model with random weights and its momentum model as a copy.
    /// - Throws: ``ConfigurationKeyError``, ``TorchError``
    public init(_ c: ModelConfiguration, seed: UInt64 = 0, device: Device = .cpu) throws {
        try c.validate(for: .pretraining)
        configuration = c
        store = try ParameterStore(seed: seed, device: device)
        let scope = store.root
        // Declared in the order of the official model, which is that of its optimizer state.
        temperature = scope.parameter("temp", [], .constant(c.temperature))
        let maskedImage = c.maskedImage.map { ($0, MaskedImageDecoder.RootTensors(scope, c, $0)) }
        (online, languageHead) = Encoders.pretraining(scope, suffix: "", c)
        projections = FeatureProjections(scope, suffix: "", c)
        matchingHead = Linear(scope["itm_head"], c.text.hiddenSize, 2)
        (momentum, momentumLanguageHead) = Encoders.pretraining(scope.frozen, suffix: "_m", c)
        momentumProjections = FeatureProjections(scope.frozen, suffix: "_m", c)
        queue = FeatureQueue(scope, width: c.embedDim, length: c.queueSize)
        alignment = c.alignsHiddenStates ? LayerAlignment(scope, c) : nil
        decoder = maskedImage.map { MaskedImageDecoder(scope, c, $0.0, $0.1) }
        try store.validate()
        teacher = MomentumTeacher(store, decay: c.momentum)
        try teacher.copyOnlineWeights()
    }

    /// Keeps the temperature where similarities mean something, as the official model does before each
    /// step.
    /// - Throws: ``TorchError``
    public func limitTemperature() throws {
        try withoutGradient { try temperature.clamp(to: 0.001...0.5) }
    }

    /// The losses of one step. Before it ``limitTemperature()`` and the ``teacher`` have their turn, after
    /// it the ``queue``
    /// (ViCHA section 3; case `pretrain_tiny` and its neighbours).
    ///
    /// - Parameters:
    ///   - batch: at least two pairs, on the model's device
    ///   - draws: the chance in this step
    ///   - alpha: share of the momentum model in the targets
    ///   - dropout: source of dropout; nil for none
    ///   - inspect: receives intermediate results
    /// - Throws: ``TorchError``, ``FeatureQueueError``
    public func losses(
        _ batch: PretrainingBatch, _ draws: PretrainingDraws, alpha: Double,
        dropout: Generator? = nil, inspect: ((PretrainingActivations) -> Void)? = nil
    ) throws -> PretrainingLosses {
        let c = configuration
        let patches = online.vision.patches(of: batch.images)
        let concepts = online.encodeConcepts(batch.concepts, dropout: dropout)
        let image = online.encodeImages(
            patches: patches, concepts: concepts, tokens: batch.concepts)
        let textStates = online.text.encodeText(batch.captions, dropout: dropout)
        let text = textStates[textStates.count - 1]

        let taught = withoutGradient { teach(batch, draws.masking, dropout: dropout) }

        let contrast = ImageTextContrastive.loss(
            image: projections.features(of: image), text: projections.features(ofText: text),
            momentumImage: taught.imageFeatures, momentumText: taught.textFeatures,
            imageQueue: queue.images, textQueue: queue.texts,
            temperature: temperature, alpha: alpha)
        let hidden = alignment?.loss(
            image.classTokens, textStates, temperature: temperature)

        let keyValues = online.text.keyValues(of: image.lastHiddenState, mask: image.attentionMask)
        let negatives = ImageTextMatching.negatives(
            draws.negatives, imageToText: contrast.imageToText, textToImage: contrast.textToImage)
        let (matchingLogits, languageLogits) = fuse(
            text, batch.captions, keyValues, negatives, draws.masking, dropout: dropout)
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

    private func teach(_ batch: PretrainingBatch, _ masking: MaskedTokens, dropout: Generator?)
        -> Teaching
    {
        let image = momentum.encode(
            images: batch.images, concepts: batch.concepts, dropout: dropout)
        let texts = momentum.text.encodeText(batch.captions, dropout: dropout)
        let text = texts[texts.count - 1]
        let masked = TokenBatch(
            inputIDs: masking.inputIDs, attentionMask: batch.captions.attentionMask)
        let maskedTexts = momentum.text.encodeText(masked, dropout: dropout)
        let fused = momentum.text.fuse(
            maskedTexts[maskedTexts.count - 1], attentionMask: masked.attentionMask,
            keyValues: momentum.text.keyValues(
                of: image.lastHiddenState, mask: image.attentionMask),
            dropout: dropout)
        return Teaching(
            image: image.lastHiddenState, text: text,
            imageFeatures: momentumProjections.features(of: image),
            textFeatures: momentumProjections.features(ofText: text),
            languageLogits: momentumLanguageHead(fused.rows(masking.positions)))
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
        let masked = online.text.encodeText(
            TokenBatch(inputIDs: masking.inputIDs, attentionMask: captions.attentionMask),
            dropout: dropout)
        let mask = captions.attentionMask
        let own = Tensor.range(0..<b, device: text.device)
        let fused = online.text.fuse(
            .concatenated(
                [text, text, text.indexed(0, by: negatives.texts), masked[masked.count - 1]],
                dimension: 0),
            attentionMask: .concatenated(
                [mask, mask, mask.indexed(0, by: negatives.texts), mask], dimension: 0),
            keyValues: keyValues.indexed(
                by: .concatenated([own, negatives.images, own, own], dimension: 0)),
            dropout: dropout)
        return (
            matchingHead(fused.slice(0, 0..<3 * b).select(1, 0)),
            languageHead(fused.slice(0, (3 * b)...).rows(masking.positions))
        )
    }

    private func maskedImages(
        _ batch: PretrainingBatch, _ patches: Tensor, _ mask: PatchMask, text: Tensor,
        dropout: Generator?
    ) -> (loss: Tensor, prediction: Tensor)? {
        guard let decoder, let objective = configuration.maskedImage else { return nil }
        let encoded = online.vision.encode(patches: patches, keep: mask.kept)
        let target = decoder.target(batch.images, mask)
        var predictions: [Tensor] = []
        if objective != .unimodal {
            let textMask = additiveMask(batch.captions.attentionMask)
            let fused = online.text.fuse(
                decoder.restored(encoded, mask), attentionMask: nil,
                keyValues: online.text.keyValues(of: text, mask: textMask), dropout: dropout)
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
