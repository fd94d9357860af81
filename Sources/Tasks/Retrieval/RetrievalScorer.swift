// Shapes: B batch, I images, T texts, L text tokens, N image tokens, D width, E feature width,
// K candidates.
import Batches
import Torch
import ViCHA

/// A batch of images as retrieval needs them.
public struct EncodedImages: Sendable {
    /// Final hidden states. `[B, N, width]`
    public let hiddenStates: Tensor
    /// Added to the scores of the cross-attention, nil where all tokens may be seen. `[B, 1, 1, N]`
    public let attentionMask: Tensor?
    /// Normalised. `[B, E]`
    public let features: Tensor

    /// Number of images.
    public var count: Int { features.size(0) }
}

/// Texts as retrieval keeps them.
public struct EncodedTexts: Sendable {
    /// After the text layers. `[T, L, D]`
    public let hiddenStates: Tensor
    /// 1 for tokens, 0 for padding. int64 `[T, L]`
    public let attentionMask: Tensor
    /// Normalised. `[T, E]`
    public let features: Tensor

    /// Number of texts.
    public var count: Int { features.size(0) }

    /// Batches in one. All have the same number of tokens.
    public init(joining batches: [EncodedTexts]) {
        hiddenStates = .concatenated(batches.map(\.hiddenStates), dimension: 0)
        attentionMask = .concatenated(batches.map(\.attentionMask), dimension: 0)
        features = .concatenated(batches.map(\.features), dimension: 0)
    }

    init(hiddenStates: Tensor, attentionMask: Tensor, features: Tensor) {
        self.hiddenStates = hiddenStates
        self.attentionMask = attentionMask
        self.features = features
    }

    /// The same with each tensor changed.
    public func map(_ change: (Tensor) throws -> Tensor) rethrows -> EncodedTexts {
        try EncodedTexts(
            hiddenStates: change(hiddenStates), attentionMask: change(attentionMask),
            features: change(features))
    }
}

/// Scores images against texts: by the cosine of their features, and by the matching head for the
/// best of those (Li et al. 2021, section 4.2).
public struct RetrievalScorer: Sendable {
    let encoders: Encoders
    let projections: FeatureProjections
    let matchingHead: Linear

    /// Encodes a batch of images, without gradient.
    public func encode(_ images: ImageBatch) -> EncodedImages {
        withInferenceMode {
            let encoding = encoders.encode(images)
            return EncodedImages(
                hiddenStates: encoding.lastHiddenState, attentionMask: encoding.attentionMask,
                features: projections.features(of: encoding))
        }
    }

    /// Encodes a batch of texts, without gradient.
    public func encode(_ texts: TokenBatch) -> EncodedTexts {
        withInferenceMode {
            let states = encoders.text.encodeText(texts)
            let last = states[states.count - 1]
            return EncodedTexts(
                hiddenStates: last, attentionMask: texts.attentionMask,
                features: projections.features(ofText: last))
        }
    }

    /// Logits of the matching class for texts with one image.
    ///
    /// The image's keys and values are projected once for all of its texts. Texts go through the
    /// fusion layers in order of their length, without the padding that all of a part have: it is
    /// masked, so that nothing changes but the time.
    ///
    /// - Parameters:
    ///   - images: a batch
    ///   - image: number of the image in it
    ///   - texts: all texts
    ///   - rows: numbers of the texts
    ///   - lengths: tokens of each text of `texts`
    ///   - partSize: texts at once; limits memory, not results
    /// - Returns: a logit for each of `rows`
    /// - Throws: `TorchError`
    public func matchingLogits(
        _ images: EncodedImages, image: Int, _ texts: EncodedTexts, rows: [Int], lengths: [Int],
        partSize: Int
    ) throws -> [Float] {
        try withInferenceMode {
            let keyValues = encoders.text.keyValues(
                of: images.hiddenStates.slice(0, image..<image + 1),
                mask: images.attentionMask?.slice(0, image..<image + 1))
            let order = rows.indices.sorted { (lengths[rows[$0]], $0) < (lengths[rows[$1]], $1) }
            var logits: [Tensor] = []
            for start in stride(from: 0, to: order.count, by: max(1, partSize)) {
                let part = order[start..<min(order.count, start + max(1, partSize))]
                    .map { rows[$0] }
                let length = part.map { lengths[$0] }.max() ?? 1
                let indices = Tensor(part).to(device: texts.features.device)
                let fused = encoders.text.fuse(
                    texts.hiddenStates.slice(1, 0..<length).indexed(0, by: indices),
                    attentionMask: texts.attentionMask.slice(1, 0..<length)
                        .indexed(0, by: indices),
                    keyValues: keyValues)
                logits.append(matchingHead(fused.select(1, 0)).select(1, 1))
            }
            guard !logits.isEmpty else { return [] }
            let sorted = try Tensor.concatenated(logits, dimension: 0).to(dtype: .float32)
                .array(of: Float.self)
            var result = [Float](repeating: 0, count: rows.count)
            for (place, logit) in zip(order, sorted) { result[place] = logit }
            return result
        }
    }
}

/// Which pairs the matching head is to score: the best of each image and of each text by the cosine
/// of their features.
public struct RetrievalCandidates: Sendable {
    /// Numbers of the texts of each image, best first.
    public let textsOfImage: [[Int]]
    /// Numbers of the images of each text, best first.
    public let imagesOfText: [[Int]]

    /// Chooses candidates.
    ///
    /// - Parameters:
    ///   - similarities: `[I, T]`
    ///   - count: K, cut to what there is
    /// - Throws: `TorchError`
    public init(_ similarities: Tensor, count: Int) throws {
        func best(_ scores: Tensor) throws -> [[Int]] {
            let k = min(count, scores.size(1))
            guard k > 0 else { return Array(repeating: [], count: scores.size(0)) }
            let flat = try scores.largest(k).indices.array(of: Int.self)
            return (0..<scores.size(0)).map { Array(flat[$0 * k..<($0 + 1) * k]) }
        }
        textsOfImage = try best(similarities)
        imagesOfText = try best(similarities.transposed(0, 1).contiguous())
    }

    /// The texts of each image that are a candidate in either direction, so that each pair is scored
    /// once.
    public var pairsOfImage: [[Int]] {
        var pairs = textsOfImage.map(Set.init)
        for (text, images) in imagesOfText.enumerated() {
            for image in images { pairs[image].insert(text) }
        }
        return pairs.map { $0.sorted() }
    }
}

/// Scores of the candidates of each query; whatever is no candidate stands behind them.
public struct RetrievalScores: Sendable {
    /// A result of a query.
    public struct Entry: Sendable, Equatable {
        /// Number of the text or the image.
        public let item: Int32
        /// Logit of the matching class.
        public let score: Float
    }

    /// Score that the official matrices give a pair that is no candidate.
    public static let excluded: Float = -100

    /// Scored texts of each image.
    public private(set) var textsOfImage: [[Entry]]
    /// Scored images of each text.
    public private(set) var imagesOfText: [[Entry]]
    private let ownTexts: [Set<Int>]
    private let ownImages: [Set<Int>]

    /// No score yet.
    public init(_ candidates: RetrievalCandidates) {
        ownTexts = candidates.textsOfImage.map(Set.init)
        ownImages = candidates.imagesOfText.map(Set.init)
        textsOfImage = Array(repeating: [], count: ownTexts.count)
        imagesOfText = Array(repeating: [], count: ownImages.count)
    }

    /// Adds the scores of an image with some texts, to each direction in which they are candidates.
    public mutating func add(image: Int, texts: [Int], logits: [Float]) {
        for (text, logit) in zip(texts, logits) {
            if ownTexts[image].contains(text) {
                textsOfImage[image].append(Entry(item: Int32(text), score: logit))
            }
            if ownImages[text].contains(image) {
                imagesOfText[text].append(Entry(item: Int32(image), score: logit))
            }
        }
    }
}
