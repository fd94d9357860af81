import Torch

/// Why nothing can be measured with scores.
public enum ScoreError: Error, Equatable, Sendable, CustomStringConvertible {
    case notFinite(score: String, of: String)

    /// Which score of what is not finite, and what helps.
    public var description: String {
        switch self {
        case .notFinite(let score, let subject):
            "the \(score) of \(subject) is no finite number, so that nothing can be measured. The "
                + "weights have numbers that are not finite, or grew too large for the precision: "
                + "take an earlier checkpoint, or evaluate in full precision."
        }
    }

    /// Makes sure that scores can be compared: what is no number is neither smaller nor larger than
    /// another, and would stand first in any order.
    ///
    /// - Parameters:
    ///   - scores: of any shape
    ///   - score: what they are
    ///   - subject: names what a score is of, by its place in the flattened scores
    /// - Throws: ``ScoreError`` with the first of them that is not finite, `TorchError`
    public static func check(
        _ scores: Tensor, _ score: String, of subject: (_ place: Int) -> String
    ) throws {
        let isFinite = scores.isFinite()
        guard try isFinite.all().to(dtype: .int64).item() == 0 else { return }
        let place = try isFinite.reshaped(-1).to(dtype: .int64).array(of: Int.self)
            .firstIndex(of: 0)
        throw ScoreError.notFinite(score: score, of: subject(place ?? 0))
    }
}
