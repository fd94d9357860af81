// Shapes: n images, V concepts, E width of the embeddings, k concepts of an image.
import Torch

/// Finds the concepts whose embeddings have the largest cosine with an image's (ViCHA section 3.1).
public struct ConceptRanking {
    /// How cosines are computed.
    public enum Rounding: Sendable {
        /// In float32.
        case full
        /// Embeddings are cast to float16 before they are normalised, and everything after that is
        /// float16 too, as in the official scripts (case `concept_selection`).
        case official
    }

    /// Numbers of a block of similarities; limits memory, not results.
    private static let blockSize = 1 << 23
    /// Concepts that are compared at once.
    private static let mostConcepts = 1 << 16

    /// Concepts of an image.
    public let count: Int
    private let concepts: Tensor
    private let rounding: Rounding

    /// Prepares a vocabulary.
    ///
    /// - Parameters:
    ///   - concepts: embeddings. `[V, E]`
    ///   - count: concepts of an image
    ///   - rounding: how cosines are computed
    ///   - path: where the vocabulary comes from, for errors
    ///   - name: gives the name of a concept by its number, for errors
    ///   - device: where to compute
    /// - Throws: ``ConceptError/emptyVocabulary(path:)``,
    ///   ``ConceptError/tooFewConcepts(path:found:wanted:)``,
    ///   ``ConceptError/noDirection(name:path:)``
    public init(
        concepts: Tensor, count: Int, rounding: Rounding = .full, path: String,
        name: (Int) -> String = { "concept \($0)" }, device: Device = .cpu
    ) throws {
        let found = concepts.size(0)
        guard found > 0 else { throw ConceptError.emptyVocabulary(path: path) }
        guard count > 0, count <= found else {
            throw ConceptError.tooFewConcepts(path: path, found: found, wanted: count)
        }
        self.count = count
        self.rounding = rounding
        let normalized = rounding.normalized(concepts.to(device: device)).contiguous()
        if let first = try normalized.haveDirection().firstIndex(of: false) {
            throw ConceptError.noDirection(name: name(first), path: path)
        }
        self.concepts = try normalized.checked()
    }

    /// Whether each embedding can be compared at all. `[n, E]` → n
    /// - Throws: `TorchError`
    public func haveDirection(_ images: Tensor) throws -> [Bool] {
        try rounding.normalized(images).haveDirection()
    }

    /// The best concepts of images, best first: their numbers, and their cosines.
    /// `[n, E]` → int64 and float32 `[n, k]` on the CPU
    /// - Throws: `TorchError`
    public func callAsFunction(_ images: Tensor) throws -> (concepts: Tensor, scores: Tensor) {
        let width = min(Self.mostConcepts, concepts.size(0))
        let rows = max(1, Self.blockSize / width)
        var parts: [(concepts: Tensor, scores: Tensor)] = []
        try withInferenceMode {
            for start in stride(from: 0, to: images.size(0), by: rows) {
                let end = min(images.size(0), start + rows)
                let block = rounding.normalized(
                    images.slice(0, start..<end).to(device: concepts.device))
                let best = best(of: block)
                parts.append(
                    (
                        try best.concepts.to(device: .cpu).checked(),
                        try best.scores.to(dtype: .float32).to(device: .cpu).checked()
                    ))
            }
        }
        guard !parts.isEmpty else {
            return (.zeros([0, count], dtype: .int64), .zeros([0, count]))
        }
        return (
            .concatenated(parts.map(\.concepts), dimension: 0),
            .concatenated(parts.map(\.scores), dimension: 0)
        )
    }

    /// Goes through the vocabulary in parts and keeps the best so far.
    private func best(of images: Tensor) -> (concepts: Tensor, scores: Tensor) {
        var best: (concepts: Tensor, scores: Tensor)?
        for start in stride(from: 0, to: concepts.size(0), by: Self.mostConcepts) {
            let end = min(concepts.size(0), start + Self.mostConcepts)
            let similarities = images.matmul(concepts.slice(0, start..<end).transposed(0, 1))
            let (values, indices) = similarities.largest(min(count, end - start))
            guard let before = best else {
                best = (indices, values)
                continue
            }
            let (joined, places) = Tensor.concatenated([before.scores, values], dimension: 1)
                .largest(count)
            let candidates = Tensor.concatenated([before.concepts, indices + start], dimension: 1)
            best = (candidates.gather(1, places), joined)
        }
        return best ?? (images, images)
    }
}

extension ConceptRanking.Rounding {
    /// Rows divided by their Euclidean norm.
    func normalized(_ rows: Tensor) -> Tensor {
        switch self {
        case .full: return rows.to(dtype: .float32).normalized()
        case .official: return rows.to(dtype: .float16).normalized()
        }
    }

    /// Cosines of rows in pairs, not finite where one of them has no direction.
    /// 2 × `[n, E]` → float32 `[n]`
    func cosines(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        let (a, b) = (normalized(a), normalized(b))
        let isDefined = zip(try a.haveDirection(), try b.haveDirection()).map { $0 && $1 }
        return a.unsqueezed(1).matmul(b.unsqueezed(2)).reshaped(-1).to(dtype: .float32)
            .maskedFill(
                Tensor(isDefined.map { $0 ? 0 : 1 } as [Int]).equals(1).to(device: a.device), .nan)
    }
}

extension Tensor {
    /// Whether each row of unit length is one: zeros and numbers that are not finite have none.
    /// `[n, E]` → n
    fileprivate func haveDirection() throws -> [Bool] {
        // A sum of squares near 1, and nothing else, says all of that.
        try to(dtype: .float32).squared().sum(1).array(of: Float.self).map { $0 > 0.5 && $0 < 2 }
    }
}
