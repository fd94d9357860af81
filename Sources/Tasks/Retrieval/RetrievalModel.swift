// Shapes: B batch, L text tokens, C concept tokens, Q queue length, D width.
import Batches
import Configuration
import Torch
import ViCHA

/// The losses of a fine-tuning step for retrieval or grounding; scalars.
public struct RetrievalLosses: Sendable {
    /// Contrastive alignment.
    public let ita: Tensor
    /// Image-text matching.
    public let itm: Tensor
    /// What the queue is filled with after them.
    public let features: MomentumFeatures

    /// Their sum, which is minimised.
    public var total: Tensor { ita + itm }
}

/// The ViCHA model for image-text retrieval and for grounding, which is trained as retrieval of
/// referring expressions (Li et al. 2021, section 5).
public final class RetrievalModel: TaskModel {
    /// Its weights. The masked-image part has no place here, and the hierarchical one only without concepts
    /// where the official code's behaviour is kept.
    public let shell: ModelShell
    /// Scalar; not clamped in fine-tuning.
    public let temperature: Tensor
    let online: Encoders
    let projections: FeatureProjections
    let matchingHead: Linear
    private let momentum: Momentum?
    private let alignment: LayerAlignment?

    /// What only training needs.
    private struct Momentum {
        let encoders: Encoders
        let projections: FeatureProjections
        /// Earlier momentum features.
        let queue: FeatureQueue
    }

    /// Builds the model, and its momentum model as a copy.
    ///
    /// - Parameters:
    ///   - c: sizes and switches
    ///   - isTrained: whether there are a momentum model and queues, which an evaluation does not need
    ///   - seed: of random weights; nil for weights that are all loaded before they are used
    ///   - device: where the weights are made
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public init(
        _ c: ModelConfiguration, isTrained: Bool = true, seed: UInt64? = 0, device: Device = .cpu
    ) throws {
        (shell, (temperature, online, projections, matchingHead, momentum, alignment)) =
            try ModelShell.make(
                c, for: .retrieval, decay: c.momentum, seed: seed, device: device
            ) { scope in
                (
                    scope.parameter("temp", [], .constant(c.temperature)),
                    Encoders(scope, c), FeatureProjections(scope, c),
                    Linear(scope["itm_head"], c.text.hiddenSize, 2),
                    isTrained
                        ? Momentum(
                            encoders: Encoders(scope.frozen, suffix: "_m", c),
                            projections: FeatureProjections(scope.frozen, suffix: "_m", c),
                            queue: FeatureQueue(
                                scope, width: c.embedDim, length: c.queueSize,
                                keepsIdentities: true)) : nil,
                    c.alignsHiddenStates(for: .retrieval) ? LayerAlignment(scope, c) : nil
                )
            }
    }

    /// A model that is trained takes the queues too; a pretraining run has no identities for them.
    public func mapping(of keys: [String: Tensor].Keys) -> WeightMapping {
        var mapping = WeightMapping()
        mapping.names = WeightMapping.unwrapped
        mapping.allowingMissing = ["idx_queue", "vision_proj_hidden.", "text_proj_hidden."]
        mapping.allowingUnexpected =
            WeightMapping.pretrainingOnly + WeightMapping.languageHeads
            + (momentum == nil ? WeightMapping.momentum + WeightMapping.queues : [])
        return mapping
    }

    /// Earlier momentum features; nil for a model that is not trained.
    public var queue: FeatureQueue? { momentum?.queue }

    /// Scores images against texts.
    public var scorer: RetrievalScorer {
        RetrievalScorer(encoders: online, projections: projections, matchingHead: matchingHead)
    }

    /// The losses of one step. Before it the `teacher` has its turn, after it the ``queue``
    /// (case `retrieval`).
    ///
    /// - Parameters:
    ///   - batch: at least two pairs, on the model's device
    ///   - negatives: how hard negatives are chosen; those of the same image never are
    ///   - alpha: share of the momentum model in the targets; 0 is no distillation
    ///   - dropout: source of dropout; nil for none
    ///   - inspect: receives the matching logits, positives first. `[3B, 2]`
    /// - Precondition: the model is one that is trained.
    /// - Throws: `TorchError`, `FeatureQueueError`
    public func losses(
        _ batch: ImageTextBatch, _ negatives: NegativeSelection, alpha: Double,
        dropout: Generator? = nil, inspect: ((Tensor) -> Void)? = nil
    ) throws -> RetrievalLosses {
        guard let momentum else { preconditionFailure("a model for evaluation has no losses") }
        let queue = momentum.queue
        let image = online.encode(batch.images, dropout: dropout)
        let texts = online.text.encodeText(batch.texts, dropout: dropout)
        let text = texts[texts.count - 1]

        let taught = withoutGradient {
            let image = momentum.encoders.encode(batch.images, dropout: dropout)
            let texts = momentum.encoders.text.encodeText(batch.texts, dropout: dropout)
            return (
                image: momentum.projections.features(of: image),
                text: momentum.projections.features(ofText: texts[texts.count - 1])
            )
        }
        let (b, own) = (batch.count, batch.identities.unsqueezed(1))
        let earlier = queue.identities ?? .zeros([1, 0], dtype: .int64, device: own.device)
        let matches = own.equals(
            .concatenated([batch.identities.unsqueezed(0), earlier], dimension: 1))
        let contrast = ImageTextContrastive.loss(
            image: projections.features(of: image), text: projections.features(ofText: text),
            momentumImage: taught.image, momentumText: taught.text, imageQueue: queue.images,
            textQueue: queue.texts, temperature: temperature, alpha: alpha, matches: matches)

        let matchesInBatch = matches.slice(1, 0..<b)
        let chosen = ImageTextMatching.negatives(
            negatives, imageToText: contrast.imageToText, textToImage: contrast.textToImage,
            matches: matchesInBatch)
        let logits = matchingLogits(text, batch.texts.attentionMask, image, chosen, dropout)
        inspect?(logits)
        let hidden = alignment?.loss(image.classTokens, texts, temperature: temperature)
        return RetrievalLosses(
            ita: hidden.map { contrast.loss + $0 * configuration.hiddenAlignmentWeight }
                ?? contrast.loss,
            itm: ImageTextMatching.loss(
                logits,
                hasNegative: matchesInBatch.to(dtype: .float32).sum(1).isLess(than: Double(b))),
            features: MomentumFeatures(
                images: taught.image, texts: taught.text, identities: batch.identities))
    }

    /// Positives, texts with a negative image, images with a negative text, as one batch. `[3B, 2]`
    private func matchingLogits(
        _ text: Tensor, _ mask: Tensor, _ image: ImageEncoding, _ negatives: HardNegatives,
        _ dropout: Generator?
    ) -> Tensor {
        let own = Tensor.range(0..<text.size(0), device: text.device)
        let keyValues = online.text.keyValues(of: image.lastHiddenState, mask: image.attentionMask)
        let fused = online.text.fuse(
            .concatenated([text, text, text.indexed(0, by: negatives.texts)], dimension: 0),
            attentionMask: .concatenated(
                [mask, mask, mask.indexed(0, by: negatives.texts)], dimension: 0),
            keyValues: keyValues.indexed(
                by: .concatenated([own, negatives.images, own], dimension: 0)),
            dropout: dropout)
        return matchingHead(fused.select(1, 0))
    }
}
