// Shapes: I images, T texts, L text tokens, N image tokens, D width, E feature width, K candidates.
import Torch

/// Images as retrieval keeps them.
public struct EncodedImages: Sendable {
    /// Final hidden states. `[I, N, width]`
    public let hiddenStates: Tensor
    /// Added to the scores of the cross-attention, nil where all tokens may be seen. `[I, 1, 1, N]`
    public let attentionMask: Tensor?
    /// Normalised. `[I, E]`
    public let features: Tensor

    /// Batches in one. All have the same number of image tokens.
    public init(joining batches: [EncodedImages]) {
        hiddenStates = .concatenated(batches.map(\.hiddenStates), dimension: 0)
        let masks = batches.compactMap(\.attentionMask)
        attentionMask = masks.isEmpty ? nil : .concatenated(masks, dimension: 0)
        features = .concatenated(batches.map(\.features), dimension: 0)
    }

    init(hiddenStates: Tensor, attentionMask: Tensor?, features: Tensor) {
        self.hiddenStates = hiddenStates
        self.attentionMask = attentionMask
        self.features = features
    }
}

/// Texts as retrieval keeps them.
public struct EncodedTexts: Sendable {
    /// After the text layers. `[T, L, D]`
    public let hiddenStates: Tensor
    /// 1 for tokens, 0 for padding. int64 `[T, L]`
    public let attentionMask: Tensor
    /// Normalised. `[T, E]`
    public let features: Tensor

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
}

/// Scores images against texts: by the cosine of their features, and by the matching head for the
/// best of those (Li et al. 2021, section 4.2).
public struct RetrievalScorer: Sendable {
    let encoders: Encoders
    let matchingHead: Linear

    /// Encodes a batch of images, without gradient.
    ///
    /// - Parameters:
    ///   - images: normalised pixels. `[B, 3, H, W]`
    ///   - concepts: nil for a model without concepts
    public func encode(images: Tensor, concepts: TokenBatch?) -> EncodedImages {
        withInferenceMode {
            let encoding = encoders.encodeImages(
                patches: encoders.vision.patches(of: images),
                concepts: encoders.encodeConcepts(concepts, dropout: nil), tokens: concepts)
            return EncodedImages(
                hiddenStates: encoding.lastHiddenState, attentionMask: encoding.attentionMask,
                features: encoders.imageFeatures(encoding.lastHiddenState.select(1, 0)))
        }
    }

    /// Encodes a batch of texts, without gradient.
    public func encode(texts: TokenBatch) -> EncodedTexts {
        withInferenceMode {
            let states = encoders.text.encodeText(texts)
            let last = states[states.count - 1]
            return EncodedTexts(
                hiddenStates: last, attentionMask: texts.attentionMask,
                features: encoders.textFeatures(last.select(1, 0)))
        }
    }

    /// Logit of the matching class for texts with one image.
    ///
    /// The image's keys and values are projected once for all of its texts.
    ///
    /// - Parameters:
    ///   - image: number of the image
    ///   - rows: numbers of the texts. int64 `[K]`
    /// - Returns: `[K]`
    func matchingLogits(
        _ images: EncodedImages, image: Int, _ texts: EncodedTexts, rows: Tensor
    ) -> Tensor {
        withInferenceMode {
            let memory = encoders.text.memory(
                of: images.hiddenStates.slice(0, image..<image + 1),
                mask: images.attentionMask?.slice(0, image..<image + 1))
            let fused = encoders.text.fuse(
                texts.hiddenStates.indexed(0, by: rows),
                attentionMask: texts.attentionMask.indexed(0, by: rows),
                memory: memory.expanded(rows.size(0)))
            return matchingHead(fused.select(1, 0)).select(1, 1)
        }
    }
}

/// How well images and texts fit, in both directions.
public struct RetrievalScores: Sendable {
    /// Score of a pair that is no candidate.
    static let excluded: Float = -100

    /// Scores of the texts for each image, row by row. `[I, T]`
    public let imageToText: [[Float]]
    /// Scores of the images for each text, row by row. `[T, I]`
    public let textToImage: [[Float]]

    /// Cosines of the features.
    /// - Throws: ``TorchError``
    public init(similaritiesOf images: EncodedImages, _ texts: EncodedTexts) throws {
        imageToText = try Self.rows(images.features.matmul(texts.features.transposed(0, 1)))
        textToImage = texts.features.size(0) == 0 ? [] : Self.transposed(imageToText)
    }

    /// Matching scores of the best candidates by the cosine of their features, in both directions;
    /// all other pairs are excluded.
    ///
    /// A pair that is a candidate in both directions is scored once. One image's keys and values are
    /// held at a time, so memory is that of the encoded images and texts and of `candidates` rows of
    /// fusion.
    ///
    /// - Parameters:
    ///   - candidates: K, cut to what there is
    ///   - progress: told the images done
    /// - Throws: ``TorchError``
    public init(
        matching images: EncodedImages, _ texts: EncodedTexts, by scorer: RetrievalScorer,
        candidates: Int, progress: (Int) -> Void = { _ in }
    ) throws {
        let similarities = images.features.matmul(texts.features.transposed(0, 1))
        let (imageCount, textCount) = (images.features.size(0), texts.features.size(0))
        func best(_ scores: Tensor) throws -> [[Int]] {
            let k = min(candidates, scores.size(1))
            let flat = try scores.argsort(1, descending: true).slice(1, 0..<k)
                .contiguous().array(of: Int64.self)
            return (0..<scores.size(0)).map { row in
                flat[row * k..<(row + 1) * k].map { Int($0) }
            }
        }
        let textsOfImage = try best(similarities)
        var imageIsCandidate = [Set<Int>](repeating: [], count: imageCount)
        for (text, list) in try best(similarities.transposed(0, 1)).enumerated() {
            for image in list { imageIsCandidate[image].insert(text) }
        }
        var forward = [[Float]](
            repeating: Array(repeating: Self.excluded, count: textCount), count: imageCount)
        var backward = [[Float]](
            repeating: Array(repeating: Self.excluded, count: imageCount), count: textCount)
        for image in 0..<imageCount {
            let own = Set(textsOfImage[image])
            let rows = own.union(imageIsCandidate[image]).sorted()
            var start = 0
            while start < rows.count {
                let part = Array(rows[start..<min(rows.count, start + max(1, candidates))])
                let logits = try scorer.matchingLogits(
                    images, image: image, texts,
                    rows: Tensor(part.map { Int64($0) }, shape: [part.count])
                        .to(device: texts.features.device)
                ).to(dtype: .float32).array(of: Float.self)
                for (text, logit) in zip(part, logits) {
                    if own.contains(text) { forward[image][text] = logit }
                    if imageIsCandidate[image].contains(text) { backward[text][image] = logit }
                }
                start += part.count
            }
            progress(image + 1)
        }
        imageToText = forward
        textToImage = backward
    }

    private static func rows(_ matrix: Tensor) throws -> [[Float]] {
        let columns = matrix.size(1)
        let flat = try matrix.to(dtype: .float32).contiguous().array(of: Float.self)
        return (0..<matrix.size(0)).map { Array(flat[$0 * columns..<($0 + 1) * columns]) }
    }

    private static func transposed(_ rows: [[Float]]) -> [[Float]] {
        (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column] } }
    }
}
