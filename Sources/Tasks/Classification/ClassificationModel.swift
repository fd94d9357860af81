// Shapes: B batch, L text tokens, D width.
import Batches
import Configuration
import Torch
import ViCHA

/// The ViCHA model that says of a sentence which of several classes it belongs to, looking at an image
/// (visual entailment) or at two (NLVR2; Li et al. 2021, section 5).
public final class ClassificationModel: SingleLossModel {
    /// What sentences are about, and what is said of them.
    public struct Kind: Sendable, Equatable {
        /// Names of the classes, in the order of their numbers.
        public let classNames: [String]
        /// Images of a sentence.
        public let imagesPerSentence: Int

        /// Describes a kind of sentences, about one image or about two.
        public init(classNames: [String], imagesPerSentence: Int) {
            self.classNames = classNames
            self.imagesPerSentence = imagesPerSentence
        }

        /// Whether sentences are about two images, for which each fusion layer becomes two.
        var isOfPairs: Bool { imagesPerSentence == 2 }
    }

    /// Its weights.
    public let shell: ModelShell
    /// What sentences are about.
    public let kind: Kind
    private let online: Part
    private let momentum: Part?

    /// Encoders with the head behind them.
    private struct Part: Sendable {
        var encoders: Encoders
        let head: ClassificationHead

        func logits(_ batch: ClassificationBatch, dropout: Generator?) -> Tensor {
            let images = batch.images.map {
                encoders.text.keyValues(of: encoders.encode($0, dropout: dropout))
            }
            let keyValues =
                images.count == 2
                ? CrossAttentionKeyValues.alternating(images[0], images[1]) : images[0]
            return head(encoders.fuse(batch.texts, keyValues, dropout: dropout).select(1, 0))
        }
    }

    /// Builds the model, and its momentum model as a copy.
    ///
    /// - Parameters:
    ///   - c: sizes and switches
    ///   - kind: what sentences are about
    ///   - distills: whether there is a momentum model
    ///   - seed: of random weights; nil for weights that are all loaded before they are used
    ///   - device: where the weights are made
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public init(
        _ c: ModelConfiguration, _ kind: Kind, distills: Bool, seed: UInt64? = 0,
        device: Device = .cpu
    ) throws {
        self.kind = kind
        (shell, (online, momentum)) = try ModelShell.make(
            c, for: .reasoning, decay: c.reasoningMomentum, seed: seed, device: device
        ) { scope in
            func part(_ scope: ParameterScope, _ suffix: String) -> Part {
                Part(
                    encoders: Encoders(
                        scope, suffix: suffix, c, looksAtPairs: kind.isOfPairs,
                        wrapsConcepts: c.compatibility == .official),
                    head: ClassificationHead(
                        scope["cls_head" + suffix], c.text.hiddenSize,
                        classes: kind.classNames.count))
            }
            let online = part(scope, "")
            var momentum = distills ? part(scope.frozen, "_m") : nil
            // The official code has the online image encoder here; the other is moved and not used.
            if kind.isOfPairs, c.usesConcepts, c.compatibility == .official {
                momentum?.encoders.vision = online.encoders.vision
            }
            return (online, momentum)
        }
    }

    /// A head that is missing keeps its random weights; a momentum model that is missing becomes a copy, or
    /// with `official` keeps its random weights.
    public func mapping(of keys: [String: Tensor].Keys) -> WeightMapping {
        let hasHead = keys.contains { $0.hasPrefix("cls_head.") }
        let hasMomentumModel = keys.contains { $0.hasPrefix("text_encoder_m.") }
        var mapping = WeightMapping()
        mapping.names =
            kind.isOfPairs && WeightMapping.arePretrained(keys)
            ? WeightMapping.doublingLayers(from: configuration.text.fusionLayer)
            : WeightMapping.unwrapped
        mapping.allowingMissing =
            (hasHead ? [] : ["cls_head.", "cls_head_m."])
            + (hasMomentumModel ? [] : WeightMapping.momentum)
        mapping.allowingUnexpected =
            WeightMapping.pretrainingOnly + WeightMapping.languageHeads + WeightMapping.alignment
            + WeightMapping.momentum + ["ta_head."]
        mapping.copiesOnlineWeights =
            !hasMomentumModel && configuration.compatibility == .corrected
        return mapping
    }

    /// Logits of the classes, without gradient. `[B, classes]`
    public func logits(_ batch: ClassificationBatch) -> Tensor {
        withInferenceMode { online.logits(batch, dropout: nil) }
    }

    /// The loss of one step, a scalar; the `teacher` has its turn before (case `ve`, case `nlvr`).
    ///
    /// - Parameters:
    ///   - batch: on the model's device
    ///   - alpha: share of the momentum model in the targets
    ///   - dropout: source of dropout; nil for none
    /// - Throws: `TorchError`
    public func loss(_ batch: ClassificationBatch, alpha: Double, dropout: Generator? = nil) throws
        -> Tensor
    {
        let logits = online.logits(batch, dropout: dropout)
        let momentumLogits = momentum.flatMap { momentum in
            alpha > 0 ? withoutGradient { momentum.logits(batch, dropout: dropout) } : nil
        }
        return Distillation.loss(
            logits, momentumLogits: momentumLogits, targets: batch.targets, alpha: alpha)
    }
}

/// Linear, ReLU, linear.
struct ClassificationHead: Sendable {
    private let hidden: Linear
    private let output: Linear

    init(_ scope: ParameterScope, _ width: Int, classes: Int) {
        hidden = Linear(scope[0], width, width)
        output = Linear(scope[2], width, classes)
    }

    /// `[B, D]` → `[B, classes]`
    func callAsFunction(_ x: Tensor) -> Tensor { output(hidden(x).relu()) }
}
