import Foundation
import Images

/// The images of records, as training sees them.
public struct TrainingImages: Sendable {
    /// An image that became a row of a batch.
    public struct Sample: Sendable {
        /// The record whose image was taken.
        public let index: Int
        /// Whether it was mirrored left to right.
        public let isMirrored: Bool
    }

    /// Records tried in place of an unreadable image before the error is thrown.
    static let mostReplacements = 20

    private let names: [String]
    private let paths: ImagePaths
    private let transform: ImageTransform
    private let decodesReduced: Bool
    private let normalization: PixelNormalization

    /// Describes the images; no file is read yet.
    public init(
        names: [String], paths: ImagePaths, transform: ImageTransform,
        decodesReduced: Bool, normalization: PixelNormalization = .clip
    ) {
        self.names = names
        self.paths = paths
        self.transform = transform
        self.decodesReduced = decodesReduced
        self.normalization = normalization
    }

    /// Makes sure that every image file exists.
    /// - Throws: ``AnnotationError/missingImages(count:examples:)``
    public func checkExistence() throws {
        var seen = Set<String>()
        var missing: [String] = []
        for name in names where seen.insert(name).inserted {
            let path = paths.resolve(name)
            if access(path, R_OK) != 0 { missing.append(path) }
        }
        guard missing.isEmpty else {
            throw AnnotationError.missingImages(
                count: missing.count, examples: Array(missing.prefix(3)))
        }
    }

    /// The images of some records, each transformed and normalised, and what could not be read and
    /// was replaced by another record. Every sample draws from a stream of its own, made from
    /// `seed`, so that the result does not depend on who makes it when. `[rows, 3, side, side]`
    ///
    /// - Parameters:
    ///   - indices: the records
    ///   - seed: of all random choices
    ///   - use: gets what became of each row, with the rest of the sample's stream
    /// - Throws: `ImageError` where image after image cannot be read.
    public func batch(
        _ indices: [Int], seed: (UInt64, UInt64), _ use: (Sample, inout SeededGenerator) -> Void
    ) throws -> (pixels: [Float], skipped: [String]) {
        let pixelCount = 3 * transform.side * transform.side
        var skipped: [String] = []
        let pixels = try [Float](unsafeUninitializedCapacity: indices.count * pixelCount) {
            buffer, filled in
            for (row, first) in indices.enumerated() {
                var random = SeededGenerator(seed.0, seed.1, UInt64(first))
                var index = first
                var image: RGBImage?
                while image == nil {
                    do {
                        image = try self.image(index)
                    } catch let error as ImageError {
                        skipped.append("\(error)")
                        guard skipped.count <= Self.mostReplacements else { throw error }
                        index = random.index(below: names.count)
                    }
                }
                guard let image else { continue }
                let (picture, isMirrored) = transform(image, using: &random)
                normalization.normalize(
                    picture,
                    into: UnsafeMutableBufferPointer(
                        rebasing: buffer[row * pixelCount..<(row + 1) * pixelCount]))
                use(Sample(index: index, isMirrored: isMirrored), &random)
            }
            filled = indices.count * pixelCount
        }
        return (pixels, skipped)
    }

    private func image(_ index: Int) throws -> RGBImage {
        // A crop may take a fifth of the area, so a side is kept a good two times the result's.
        try ImageDecoder.decode(
            path: paths.resolve(names[index]),
            shortSide: decodesReduced ? transform.side * 2 : nil)
    }
}
