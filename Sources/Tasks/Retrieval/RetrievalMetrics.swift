import Torch

/// Recall of retrieval in both directions, in percent (Karpathy & Fei-Fei 2015; the official
/// `itm_eval`).
public struct RetrievalMetrics: Sendable, Equatable {
    /// Share of images one of whose texts is among the first 1, 5 and 10.
    public let textRecall: [Double]
    /// Share of texts whose image is among the first 1, 5 and 10.
    public let imageRecall: [Double]

    /// Numbers of results that recall is measured at.
    public static let ranks = [1, 5, 10]

    /// Mean of ``textRecall``.
    public var textMean: Double { Self.mean(textRecall) }
    /// Mean of ``imageRecall``.
    public var imageMean: Double { Self.mean(imageRecall) }
    /// Mean of both means, by which checkpoints are chosen.
    public var mean: Double { (textMean + imageMean) / 2 }

    /// All of it under the names of the official logs.
    public var named: [(name: String, value: Double)] {
        let recalls = [("txt", textRecall, textMean), ("img", imageRecall, imageMean)]
        return recalls.flatMap { side, values, mean in
            zip(Self.ranks, values).map { ("\(side)_r\($0)", $1) } + [("\(side)_r_mean", mean)]
        } + [("r_mean", mean)]
    }

    /// Measures recall of what the matching head scored; all else stands behind it.
    ///
    /// - Parameters:
    ///   - scores: of all candidates
    ///   - imageOfText: the image that each text belongs to
    /// - Throws: ``ScoreError`` for a score that is not finite
    public init(_ scores: RetrievalScores, imageOfText: [Int]) throws {
        let (images, texts) = (scores.textsOfImage.count, scores.imagesOfText.count)
        for (image, entries) in scores.textsOfImage.enumerated() {
            for entry in entries where !entry.score.isFinite {
                throw ScoreError.notFinite(
                    score: "matching score",
                    of: "image \(image) and text \(entry.item), both counted from 0,")
            }
        }
        self.init(
            textRanks: Self.textRanks(imageOfText, images: images) { image, text in
                Self.rank(of: text, in: scores.textsOfImage[image], items: texts)
            },
            imageRanks: imageOfText.enumerated().map { text, image in
                Self.rank(of: image, in: scores.imagesOfText[text], items: images)
            })
    }

    /// Measures recall of the similarities of all pairs.
    ///
    /// - Parameters:
    ///   - similarities: of images to texts. `[I, T]`
    ///   - imageOfText: the image that each text belongs to
    /// - Throws: ``ScoreError`` for a score that is not finite, `TorchError`
    public init(similarities: Tensor, imageOfText: [Int]) throws {
        try self.init(
            imageToText: similarities, textToImage: similarities.transposed(0, 1),
            imageOfText: imageOfText)
    }

    /// Measures recall of score matrices.
    ///
    /// - Parameters:
    ///   - imageToText: a row of text scores for each image. `[I, T]`
    ///   - textToImage: a row of image scores for each text. `[T, I]`
    ///   - imageOfText: the image that each text belongs to
    /// - Throws: ``ScoreError`` for a score that is not finite, `TorchError`
    public init(imageToText: Tensor, textToImage: Tensor, imageOfText: [Int]) throws {
        for (matrix, row, column) in [
            (imageToText, "image", "text"), (textToImage, "text", "image"),
        ] {
            let columns = max(1, matrix.size(1))
            try ScoreError.check(matrix, "score") {
                "\(row) \($0 / columns) and \(column) \($0 % columns), both counted from 0,"
            }
        }
        var textRanks = [Int](repeating: Int.max, count: imageToText.size(0))
        var textsOfImage = [[Int]](repeating: [], count: textRanks.count)
        for (text, image) in imageOfText.enumerated() { textsOfImage[image].append(text) }
        try Self.forEachRow(of: imageToText) { image, row in
            textRanks[image] =
                textsOfImage[image].map { Self.rank(of: $0, in: row) }.min()
                ?? Int.max
        }
        var imageRanks = [Int](repeating: Int.max, count: imageOfText.count)
        try Self.forEachRow(of: textToImage) { text, row in
            imageRanks[text] = Self.rank(of: imageOfText[text], in: row)
        }
        self.init(textRanks: textRanks, imageRanks: imageRanks)
    }

    /// - Parameters:
    ///   - textRanks: for each image, how many results stand before its first text
    ///   - imageRanks: for each text, how many results stand before its image
    private init(textRanks: [Int], imageRanks: [Int]) {
        textRecall = Self.ranks.map { Self.share(textRanks, below: $0) }
        imageRecall = Self.ranks.map { Self.share(imageRanks, below: $0) }
    }

    private static func textRanks(
        _ imageOfText: [Int], images: Int, _ rank: (_ image: Int, _ text: Int) -> Int
    ) -> [Int] {
        var ranks = [Int](repeating: Int.max, count: images)
        for (text, image) in imageOfText.enumerated() {
            ranks[image] = min(ranks[image], rank(image, text))
        }
        return ranks
    }

    /// Rows that are read at once; limits memory.
    private static let rowsAtOnce = 256

    private static func forEachRow(of matrix: Tensor, _ body: (Int, ArraySlice<Float>) -> Void)
        throws
    {
        let (rows, columns) = (matrix.size(0), matrix.size(1))
        for start in stride(from: 0, to: rows, by: rowsAtOnce) {
            let end = min(rows, start + rowsAtOnce)
            let block = try matrix.slice(0, start..<end).to(dtype: .float32).contiguous()
                .array(of: Float.self)
            for row in start..<end {
                body(row, block[(row - start) * columns..<(row - start + 1) * columns])
            }
        }
    }

    /// What a random order of results reaches on average, for as many images and texts.
    ///
    /// - Parameter textsOfImage: number of texts of each image
    public init(chanceFor textsOfImage: [Int]) {
        let images = textsOfImage.count
        let texts = textsOfImage.reduce(0, +)
        /// The chance that one of `own` texts is among the first `rank` of all.
        func chance(own: Int, rank: Int) -> Double {
            var missed = 1.0
            for drawn in 0..<min(rank, texts) {
                missed *= Double(max(0, texts - own - drawn)) / Double(texts - drawn)
            }
            return 1 - missed
        }
        textRecall = Self.ranks.map { rank in
            let hits = textsOfImage.reduce(0.0) { $0 + chance(own: $1, rank: rank) }
            return 100 * hits / Double(max(1, images))
        }
        imageRecall = Self.ranks.map { 100 * Double(min($0, images)) / Double(max(1, images)) }
    }

    /// Results that stand before one: those with a better score, and of equal ones those that come
    /// later, as a stable ascending sort read from its end has them.
    private static func rank(of index: Int, in scores: ArraySlice<Float>) -> Int {
        let own = scores[scores.startIndex + index]
        var rank = 0
        for (other, score) in scores.enumerated() where score > own || score == own && other > index
        {
            rank += 1
        }
        return rank
    }

    /// The same for scores of candidates: what has no score stands behind them, the later ones first.
    private static func rank(of index: Int, in entries: [RetrievalScores.Entry], items: Int) -> Int
    {
        guard let own = entries.first(where: { $0.item == index }) else {
            return items - 1 - index + entries.count { $0.item < index }
        }
        return entries.count {
            $0.score > own.score || $0.score == own.score && $0.item > own.item
        }
    }

    private static func share(_ ranks: [Int], below limit: Int) -> Double {
        100 * Double(ranks.count { $0 < limit }) / Double(max(1, ranks.count))
    }

    private static func mean(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(values.count)
    }
}
