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

    /// Measures recall.
    ///
    /// - Parameters:
    ///   - scores: of all pairs
    ///   - imageOfText: the image that each text belongs to
    public init(_ scores: RetrievalScores, imageOfText: [Int]) {
        self.init(
            imageToText: scores.imageToText, textToImage: scores.textToImage,
            imageOfText: imageOfText)
    }

    /// Measures recall of score matrices.
    ///
    /// - Parameters:
    ///   - imageToText: a row of text scores for each image. `[I, T]`
    ///   - textToImage: a row of image scores for each text. `[T, I]`
    ///   - imageOfText: the image that each text belongs to
    public init(imageToText: [[Float]], textToImage: [[Float]], imageOfText: [Int]) {
        var textsOfImage = [[Int]](repeating: [], count: imageToText.count)
        for (text, image) in imageOfText.enumerated() { textsOfImage[image].append(text) }
        let textRanks = zip(imageToText, textsOfImage).map { row, texts in
            texts.map { Self.rank(of: $0, in: row) }.min() ?? Int.max
        }
        let imageRanks = zip(textToImage, imageOfText).map { row, image in
            Self.rank(of: image, in: row)
        }
        textRecall = Self.ranks.map { Self.share(textRanks, below: $0) }
        imageRecall = Self.ranks.map { Self.share(imageRanks, below: $0) }
    }

    /// What a random order of results reaches on average, for as many images and texts.
    ///
    /// - Parameters:
    ///   - images: number of images
    ///   - textsOfImage: number of texts of each image
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
    private static func rank(of index: Int, in scores: [Float]) -> Int {
        let own = scores[index]
        var rank = 0
        for (other, score) in scores.enumerated() where score > own || score == own && other > index
        {
            rank += 1
        }
        return rank
    }

    private static func share(_ ranks: [Int], below limit: Int) -> Double {
        100 * Double(ranks.count { $0 < limit }) / Double(max(1, ranks.count))
    }

    private static func mean(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(values.count)
    }
}
