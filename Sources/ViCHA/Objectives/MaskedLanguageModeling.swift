// Shapes: B batch, L tokens, M masked tokens, V vocabulary.
import Torch

/// Ids that the vocabulary gives the special tokens that masking knows.
public struct SpecialTokens: Sendable, Equatable {
    /// Padding.
    public let pad: Int
    /// Start of a sequence.
    public let cls: Int
    /// Stands for a token to predict.
    public let mask: Int

    /// Ids of a vocabulary.
    public init(pad: Int, cls: Int, mask: Int) {
        self.pad = pad
        self.cls = cls
        self.mask = mask
    }
}

/// A batch of captions with tokens masked for prediction.
public struct MaskedTokens: Sendable {
    /// Ids after masking. int64 `[B, L]`
    public let inputIDs: Tensor
    /// Flat indices (row·L + column) of the tokens to predict. int64 `[M]`
    public let positions: Tensor
    /// Ids at these positions before masking. int64 `[M]`
    public let targets: Tensor

    /// The draws of masking, for the full `[B, L]` each; true where the event happens.
    public struct Draws: Sendable {
        /// The token is to be predicted.
        public let select: Tensor
        /// It is replaced by the mask token.
        public let mask: Tensor
        /// Otherwise it is replaced by `randomIDs`.
        public let randomize: Tensor
        /// Ids of the whole vocabulary. int64
        public let randomIDs: Tensor

        /// Draws that are given, to replay a step.
        public init(select: Tensor, mask: Tensor, randomize: Tensor, randomIDs: Tensor) {
            self.select = select
            self.mask = mask
            self.randomize = randomize
            self.randomIDs = randomIDs
        }

        /// Draws for captions of a shape: `select` with probability `p`, the mask token for 80 %,
        /// a random token for half of the others (Devlin et al. 2019).
        public init(shape: [Int], probability p: Double, vocabulary: Int, generator: Generator) {
            select = Tensor.uniform(shape, generator: generator).isLess(than: p)
            mask = Tensor.uniform(shape, generator: generator).isLess(than: 0.8)
            randomize = Tensor.uniform(shape, generator: generator).isLess(than: 0.5)
            randomIDs = .integers(in: 0..<vocabulary, shape, generator: generator)
        }
    }

    /// Masks captions; padding and class tokens are never chosen. int64 `[B, L]`
    public init(_ ids: Tensor, _ draws: Draws, special: SpecialTokens) {
        let protected = ids.equals(Double(special.pad)).or(ids.equals(Double(special.cls)))
        let selected = draws.select.and(protected.not())
        let masked = selected.and(draws.mask)
        let randomized = selected.and(draws.randomize).and(masked.not())
        let replaced = ids.maskedFill(masked, Double(special.mask))
        inputIDs = .where(randomized, draws.randomIDs, replaced)
        positions = selected.reshaped(-1).nonzero().squeezed(1)
        targets = ids.reshaped(-1).indexed(0, by: positions)
    }

    private init(inputIDs: Tensor, positions: Tensor, targets: Tensor) {
        self.inputIDs = inputIDs
        self.positions = positions
        self.targets = targets
    }

    /// The same on another device.
    public func to(device: Device) -> MaskedTokens {
        MaskedTokens(
            inputIDs: inputIDs.to(device: device), positions: positions.to(device: device),
            targets: targets.to(device: device))
    }
}

/// Prediction of masked tokens with the momentum model as a second teacher (Li et al. 2021,
/// equation 8).
public enum MaskedLanguageModeling {
    /// (1 − α)·cross entropy + α·soft cross entropy over the masked tokens; 0 where none is masked.
    ///
    /// - Parameters:
    ///   - logits: `[M, V]`
    ///   - momentumLogits: of the momentum model, without gradient. `[M, V]`
    ///   - targets: int64 `[M]`
    ///   - alpha: share of the momentum model
    public static func loss(
        _ logits: Tensor, momentumLogits: Tensor, targets: Tensor, alpha: Double
    ) -> Tensor {
        // A mean over no tokens is not a number; the sum over none is zero with the graph kept.
        guard logits.size(0) > 0 else { return logits.sum() }
        return Distillation.loss(
            logits, momentumLogits: momentumLogits, targets: targets, alpha: alpha)
    }
}
