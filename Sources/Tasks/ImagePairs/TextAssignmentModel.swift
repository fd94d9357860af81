// Shapes: B batch, N image tokens, E feature width.
import Batches
import Configuration
import Torch
import ViCHA

/// Two images for each text of a batch, and which of them the text belongs to.
public struct TextAssignment: Sendable {
    /// For each text the index of the first image. int64 `[B]`
    public let first: Tensor
    /// For each text the index of the second image. int64 `[B]`
    public let second: Tensor
    /// 0 for the first image, 1 for the second, 2 for neither. int64 `[B]`
    public let labels: Tensor

    /// Makes a choice from draws: a text has its own image and another one with a probability of two
    /// thirds, in either order, otherwise two others (Li et al. 2021, section 5).
    ///
    /// - Parameters:
    ///   - others: for each text the indices of two other images. int64 `[B, 2]`
    ///   - keepsOwn: above 1/3 where the text's own image is one of the two. `[B]`
    ///   - isFirst: above 1/2 where it is the first. `[B]`
    public init(others: Tensor, keepsOwn: Tensor, isFirst: Tensor) {
        let own = Tensor.range(0..<others.size(0), device: others.device)
        // Comparisons in the direction of the official code, at equality too.
        let (keeps, leads) = (keepsOwn.isGreater(than: 1.0 / 3), isFirst.isGreater(than: 0.5))
        let (a, b) = (others.select(1, 0), others.select(1, 1))
        first = .where(keeps, .where(leads, own, a), a)
        second = .where(keeps, .where(leads, a, own), b)
        func all(_ label: Double) -> Tensor {
            .full([own.size(0)], label, dtype: .int64, device: own.device)
        }
        labels = .where(keeps, .where(leads, all(0), all(1)), all(2))
    }
}

/// How a step chooses the two images of each text.
public enum TextAssignmentSelection: Sendable {
    /// Given, to replay a step.
    case given(TextAssignment)
    /// Others drawn in proportion to the similarities of the images, with uniform noise of (0, 1): of
    /// the pairs `[B, B]`, and two numbers for each text `[2, B]`.
    case drawn(pairs: Tensor, texts: Tensor)
}

/// The ViCHA model that learns to look at two images before NLVR2: does a text belong to the first
/// image, to the second or to neither (Li et al. 2021, section 5)?
public final class TextAssignmentModel: SizedModel {
    /// Its weights. Those of the text projection and the temperature are part of the official model and never
    /// used.
    public let shell: ModelShell
    private let encoders: Encoders
    private let projections: FeatureProjections
    private let head: Linear

    /// Divides the similarities of images; a constant of the official code.
    private static let temperature = 0.07

    /// Builds the model.
    ///
    /// - Parameters:
    ///   - c: sizes and switches
    ///   - seed: of random weights; nil for weights that are all loaded before they are used
    ///   - device: where the weights are made
    /// - Throws: `ConfigurationKeyError`, `TorchError`
    public init(_ c: ModelConfiguration, seed: UInt64? = 0, device: Device = .cpu) throws {
        (shell, (encoders, projections, head)) = try ModelShell.make(
            c, for: .reasoning, decay: c.reasoningMomentum, seed: seed, device: device
        ) { scope in
            let encoders = Encoders(
                scope, c, looksAtPairs: true, wrapsConcepts: c.compatibility == .official)
            let projections = FeatureProjections(scope, c)
            _ = scope.parameter("temp", [], .constant(Self.temperature))
            return (encoders, projections, Linear(scope["ta_head"], c.text.hiddenSize, 3))
        }
    }

    /// A head that pretraining lacks keeps its random weights.
    public func mapping(of keys: [String: Tensor].Keys) -> WeightMapping {
        var mapping = WeightMapping()
        if WeightMapping.arePretrained(keys) {
            mapping.names = WeightMapping.doublingLayers(from: configuration.text.fusionLayer)
            mapping.allowingMissing = ["ta_head."]
        }
        mapping.allowingUnexpected =
            WeightMapping.pretrainingOnly + WeightMapping.languageHeads + WeightMapping.alignment
            + WeightMapping.momentum
        return mapping
    }

    /// The loss of one step, a scalar (case `nlvr_pretrain`).
    ///
    /// - Parameters:
    ///   - batch: at least three pairs, on the model's device
    ///   - selection: how the two images of each text are chosen
    ///   - dropout: source of dropout; nil for none
    ///   - inspect: receives the logits. `[B, 3]`
    public func loss(
        _ batch: ImageTextBatch, _ selection: TextAssignmentSelection, dropout: Generator? = nil,
        inspect: ((Tensor) -> Void)? = nil
    ) -> Tensor {
        let image = encoders.encode(batch.images, dropout: dropout)
        let assignment = assignment(of: image, selection)
        let keyValues = encoders.text.keyValues(of: image)
        let fused = encoders.fuse(
            batch.texts,
            .alternating(
                keyValues.indexed(by: assignment.first), keyValues.indexed(by: assignment.second)),
            dropout: dropout)
        let logits = head(fused.select(1, 0))
        inspect?(logits)
        return crossEntropy(logits, assignment.labels)
    }

    private func assignment(of image: ImageEncoding, _ selection: TextAssignmentSelection)
        -> TextAssignment
    {
        switch selection {
        case .given(let assignment): return assignment
        case .drawn(let pairs, let texts):
            let others = withoutGradient {
                let features = projections.features(of: image)
                let similarities =
                    features.matmul(features.transposed(0, 1)) / Self.temperature
                return similarities.to(dtype: .float32)
                    .drawnColumns(
                        2, noise: pairs,
                        excluding: .identity(features.size(0), device: features.device)
                            .to(dtype: .bool))
            }
            return TextAssignment(
                others: others, keepsOwn: texts.select(0, 0), isFirst: texts.select(0, 1))
        }
    }
}
