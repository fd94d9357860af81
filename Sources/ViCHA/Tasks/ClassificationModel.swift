// Shapes: B batch, L text tokens, C concept tokens, D width.
import Configuration
import Torch

/// A batch of texts, each about one image or about two.
public struct ClassificationBatch: Sendable {
    /// What a text looks at.
    public struct Images: Sendable {
        /// Normalised pixels. `[B, 3, H, W]`
        public let pixels: Tensor
        /// nil for a model without concepts.
        public let concepts: TokenBatch?

        /// Makes the value.
        public init(pixels: Tensor, concepts: TokenBatch?) {
            self.pixels = pixels
            self.concepts = concepts
        }
    }

    /// The images of all texts: one batch, or that of the left ones and that of the right ones.
    public let images: [Images]
    /// Encoded sentences.
    public let texts: TokenBatch
    /// Right classes. int64 `[B]`
    public let targets: Tensor

    /// Makes the value.
    public init(images: [Images], texts: TokenBatch, targets: Tensor) {
        self.images = images
        self.texts = texts
        self.targets = targets
    }

    /// The batch on another device.
    public func to(device: Device) -> ClassificationBatch {
        ClassificationBatch(
            images: images.map {
                Images(
                    pixels: $0.pixels.to(device: device), concepts: $0.concepts?.to(device: device))
            }, texts: texts.to(device: device), targets: targets.to(device: device))
    }
}

/// The ViCHA model that says of a sentence which of several classes it belongs to, looking at an image
/// (visual entailment) or at two (NLVR2; Li et al. 2021, section 5).
public final class ClassificationModel {
    /// Which task.
    public enum Kind: Sendable, Equatable {
        /// Contradiction, neutral or entailment.
        case entailment
        /// False or true of two images.
        case imagePair

        /// Classes of the head.
        public var classes: Int { self == .entailment ? 3 : 2 }
        /// Images of a text.
        public var imagesPerText: Int { self == .entailment ? 1 : 2 }
    }

    /// Sizes and switches.
    public let configuration: ModelConfiguration
    /// The task.
    public let kind: Kind
    /// All weights under the official keys.
    public let store: ParameterStore
    private let online: Encoders
    private let head: ClassificationHead
    private let momentum: (encoders: Encoders, head: ClassificationHead)?
    /// Moves the momentum weights.
    public let teacher: MomentumTeacher

    /// Builds the model with random weights, and its momentum model as a copy.
    ///
    /// - Parameters:
    ///   - c: sizes and switches
    ///   - kind: the task
    ///   - distills: whether there is a momentum model
    ///   - seed: of the random weights
    ///   - device: where the weights are made
    /// - Throws: ``ConfigurationKeyError``, ``TorchError``
    public init(
        _ c: ModelConfiguration, _ kind: Kind, distills: Bool, seed: UInt64 = 0,
        device: Device = .cpu
    ) throws {
        try c.validate(for: .reasoning)
        configuration = c
        self.kind = kind
        store = try ParameterStore(seed: seed, device: device)
        func parts(_ scope: ParameterScope, _ suffix: String) -> (Encoders, ClassificationHead) {
            (
                Encoders(
                    scope, suffix: suffix, c, looksAtPairs: kind == .imagePair,
                    wrapsConcepts: c.compatibility == .official),
                ClassificationHead(
                    scope["cls_head" + suffix], c.text.hiddenSize, classes: kind.classes)
            )
        }
        (online, head) = parts(store.root, "")
        if distills {
            let (encoders, head) = parts(store.root.frozen, "_m")
            // The official code has the online image encoder here; the other is moved and not used.
            let usesOnlineVision =
                kind == .imagePair && c.usesConcepts && c.compatibility == .official
            momentum = (usesOnlineVision ? encoders.with(online.vision) : encoders, head)
        } else {
            momentum = nil
        }
        try store.validate()
        teacher = MomentumTeacher(store, decay: c.reasoningMomentum)
        try teacher.copyOnlineWeights()
    }

    /// Logits of the classes, without gradient. `[B, classes]`
    public func logits(_ batch: ClassificationBatch) -> Tensor {
        withInferenceMode { Self.logits(batch, online, head, dropout: nil) }
    }

    /// The loss of one step, a scalar; the ``teacher`` has its turn before (case `ve`, case `nlvr`).
    ///
    /// - Parameters:
    ///   - batch: on the model's device
    ///   - alpha: share of the momentum model in the targets
    ///   - dropout: source of dropout; nil for none
    /// - Throws: ``TorchError``
    public func loss(_ batch: ClassificationBatch, alpha: Double, dropout: Generator? = nil) throws
        -> Tensor
    {
        let logits = Self.logits(batch, online, head, dropout: dropout)
        let momentumLogits = momentum.flatMap { momentum in
            alpha > 0
                ? withoutGradient {
                    Self.logits(batch, momentum.encoders, momentum.head, dropout: dropout)
                } : nil
        }
        return Distillation.loss(
            logits, momentumLogits: momentumLogits, targets: batch.targets, alpha: alpha)
    }

    private static func logits(
        _ batch: ClassificationBatch, _ encoders: Encoders, _ head: ClassificationHead,
        dropout: Generator?
    ) -> Tensor {
        let ofImages = batch.images.map { images in
            encoders.text.keyValues(
                of: encoders.encode(
                    images: images.pixels, concepts: images.concepts, dropout: dropout))
        }
        let keyValues =
            ofImages.count == 2
            ? CrossAttentionKeyValues.alternating(ofImages[0], ofImages[1]) : ofImages[0]
        return head(encoders.fuse(batch.texts, keyValues, dropout: dropout).select(1, 0))
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
