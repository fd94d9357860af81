// Shapes: B batch, L tokens.
import Torch

/// How rows of a batch come to one length.
public enum Padding: Sendable, Equatable {
    /// To the longest row.
    case longest
    /// To this many tokens.
    case length(Int)
}

/// Token ids of a batch of texts.
public struct TokenBatch: TensorBatch {
    /// int64 `[B, L]`
    public let inputIDs: Tensor
    /// 1 for tokens, 0 for padding. int64 `[B, L]`
    public let attentionMask: Tensor

    /// Texts that are tensors already.
    public init(inputIDs: Tensor, attentionMask: Tensor) {
        self.inputIDs = inputIDs
        self.attentionMask = attentionMask
    }

    /// Texts of several lengths, filled up at their ends.
    ///
    /// - Parameters:
    ///   - texts: ids of each text's tokens
    ///   - pad: id of the token that texts are filled up with
    ///   - padding: to which length; longer texts are not cut
    public init(_ texts: [[Int64]], pad: Int64, padding: Padding = .longest) {
        var length = texts.map(\.count).max() ?? 0
        if case .length(let least) = padding { length = max(length, least) }
        let ids = texts.flatMap { $0 + Array(repeating: pad, count: length - $0.count) }
        let mask = texts.flatMap { text in (0..<length).map { $0 < text.count ? 1 : 0 } }
        self.init(
            inputIDs: Tensor(ids, shape: [texts.count, length]),
            attentionMask: Tensor(mask, shape: [texts.count, length]))
    }

    /// Number of texts.
    public var count: Int { inputIDs.size(0) }

    /// Tokens of each text, padding included.
    public var length: Int { inputIDs.size(1) }

    /// The same with each tensor changed.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> TokenBatch {
        try TokenBatch(inputIDs: change(inputIDs), attentionMask: change(attentionMask))
    }

    /// One text for each index. int64 `[n]`
    public func indexed(by rows: Tensor) -> TokenBatch { map { $0.indexed(0, by: rows) } }

    /// The first tokens of each text; the others are padding in all.
    public func cut(to length: Int) -> TokenBatch { map { $0.slice(1, 0..<length) } }
}
