import Files
import Foundation
import Images

/// The images of records, as training sees them.
public struct TrainingImages: Sendable {
    /// A record whose images became a row of a batch.
    public struct Sample: Sendable {
        /// The record whose images were taken.
        public let index: Int
        /// Whether its first image was mirrored left to right.
        public let isMirrored: Bool
    }

    /// Records tried in place of an unreadable image before the error is thrown.
    static let mostReplacements = 20

    private let names: [[String]]
    private let paths: ImagePaths
    private let transform: ImageTransform
    private let decodesReduced: Bool
    private let normalization: PixelNormalization

    /// Describes the images; no file is read yet.
    ///
    /// - Parameters:
    ///   - names: of the images of each record, all of which have as many
    ///   - paths: where the images lie
    ///   - transform: what is done to each
    ///   - decodesReduced: whether large JPEGs are decoded at a reduced scale
    ///   - normalization: how pixels become numbers
    public init(
        names: [[String]], paths: ImagePaths, transform: ImageTransform,
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
        var seen = Set<ExactString>()
        var missing: [String] = []
        for name in names.joined() where seen.insert(ExactString(name)).inserted {
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
    /// `seed`, so that the result does not depend on who makes it when.
    ///
    /// - Parameters:
    ///   - indices: the records
    ///   - seed: of all random choices
    ///   - use: gets what became of each row, with the rest of the sample's stream
    /// - Returns: the first images of all records, then the second ones, and so on.
    ///   `[images · rows, 3, side, side]`
    /// - Throws: `ImageError` where image after image cannot be read.
    public func batch(
        _ indices: [Int], seed: (UInt64, UInt64), _ use: (Sample, inout SeededGenerator) -> Void
    ) throws -> (pixels: [Float], skipped: [String]) {
        let pixelCount = 3 * transform.side * transform.side
        let total = indices.count * (names.first?.count ?? 0) * pixelCount
        var skipped: [String] = []
        let pixels = try [Float](unsafeUninitializedCapacity: total) { buffer, filled in
            for (row, first) in indices.enumerated() {
                var random = SeededGenerator(seed.0, seed.1, UInt64(first))
                var index = first
                var images: [RGBImage]?
                while images == nil {
                    do {
                        images = try names[index].map(image)
                    } catch let error as ImageError {
                        skipped.append("\(error)")
                        guard skipped.count <= Self.mostReplacements else { throw error }
                        index = random.index(below: names.count)
                    }
                }
                var isMirrored = false
                for (number, image) in (images ?? []).enumerated() {
                    let (picture, mirrored) = transform(image, using: &random)
                    if number == 0 { isMirrored = mirrored }
                    let place = (number * indices.count + row) * pixelCount
                    normalization.normalize(
                        picture,
                        into: UnsafeMutableBufferPointer(
                            rebasing: buffer[place..<place + pixelCount]))
                }
                use(Sample(index: index, isMirrored: isMirrored), &random)
            }
            filled = total
        }
        return (pixels, skipped)
    }

    private func image(_ name: String) throws -> RGBImage {
        // A crop may take a fifth of the area, so a side is kept a good two times the result's.
        try ImageDecoder.decode(
            path: paths.resolve(name), shortSide: decodesReduced ? transform.side * 2 : nil)
    }
}
