// Shapes: B batch, D text width.
import Torch

/// The hard negatives of a batch.
public struct HardNegatives: Sendable {
    /// For each text, the index of an image that does not belong to it. int64 `[B]`
    public let images: Tensor
    /// For each image, the index of a text that does not belong to it. int64 `[B]`
    public let texts: Tensor

    /// Makes a choice.
    public init(images: Tensor, texts: Tensor) {
        self.images = images
        self.texts = texts
    }
}

/// How hard negatives are chosen.
public enum NegativeSelection: Sendable {
    /// Given indices, to replay a step.
    case given(HardNegatives)
    /// Drawn in proportion to the similarities with uniform noise `[2, B, B]` of (0, 1).
    case drawn(noise: Tensor)
}

extension Tensor {
    /// Draws columns of each row without replacement: j with probability softmax(row)ⱼ over those that
    /// are not excluded.
    ///
    /// The Gumbel-max form needs one operation on the device and no sum of probabilities, which can
    /// vanish at low temperatures.
    ///
    /// - Parameters:
    ///   - count: columns of a row
    ///   - noise: uniform numbers of (0, 1), of this tensor's shape
    ///   - excluded: true for what is never drawn
    /// - Returns: in the order of drawing. int64 `[rows, count]`
    public func drawnColumns(_ count: Int, noise: Tensor, excluding excluded: Tensor) -> Tensor {
        let gumbel = -(-noise.clamped(to: 1e-20...1).log()).clamped(to: 1e-20...1e20)
            .log()
        return (detached().to(dtype: .float32) + gumbel).maskedFill(excluded, -.infinity)
            .largest(count).indices
    }
}

/// Matching of images and texts with hard negatives (Li et al. 2021, section 3.2).
public enum ImageTextMatching {
    /// Chooses a negative for each text and each image: index j with probability softmax(row)ⱼ over
    /// the columns that are no match.
    ///
    /// - Parameters:
    ///   - selection: how negatives are chosen
    ///   - imageToText: similarities of images (rows) to texts. `[B, B]`
    ///   - textToImage: similarities of texts (rows) to images. `[B, B]`
    ///   - matches: true where row and column belong together; nil means the diagonal. `[B, B]`
    public static func negatives(
        _ selection: NegativeSelection, imageToText: Tensor, textToImage: Tensor,
        matches: Tensor? = nil
    ) -> HardNegatives {
        switch selection {
        case .given(let negatives): return negatives
        case .drawn(let noise):
            let matches =
                matches
                ?? Tensor.identity(imageToText.size(0), device: imageToText.device).to(dtype: .bool)
            func draw(_ logits: Tensor, _ noise: Tensor) -> Tensor {
                logits.drawnColumns(1, noise: noise, excluding: matches).squeezed(1)
            }
            return HardNegatives(
                images: draw(textToImage, noise.select(0, 0)),
                texts: draw(imageToText, noise.select(0, 1)))
        }
    }

    /// Mean cross entropy of the matching head over B positive and 2B negative pairs.
    ///
    /// - Parameters:
    ///   - logits: positives first. `[3B, 2]`
    ///   - hasNegative: false for rows all of whose columns match: what was chosen for them is no
    ///     negative and is left out; nil where every row has one. `[B]`
    public static func loss(_ logits: Tensor, hasNegative: Tensor? = nil) -> Tensor {
        let batch = logits.size(0) / 3
        let device = logits.device
        var negatives = Tensor.zeros([batch], dtype: .int64, device: device)
        if let hasNegative {
            negatives = negatives.maskedFill(hasNegative.not(), ignoredTarget)
        }
        let targets = Tensor.concatenated(
            [.ones([batch], dtype: .int64, device: device), negatives, negatives], dimension: 0)
        return crossEntropy(logits, targets)
    }
}
