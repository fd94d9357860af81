import Files
import Foundation
import Images
import Torch

/// A record whose images could not be read, so that another took its place.
public struct UnreadableRecord: Sendable, Equatable {
    /// Its number in the data set.
    public let index: Int
    /// Which image, and why.
    public let reason: String

    /// Describes a record.
    public init(index: Int, reason: String) {
        self.index = index
        self.reason = reason
    }
}

/// No readable record was found to take the place of an unreadable one.
public struct ReplacementError: Error, Equatable, Sendable, CustomStringConvertible {
    /// All records that were tried.
    public let records: [UnreadableRecord]

    /// What was found last, and what to look at.
    public var description: String {
        "of \(records.count) records tried one after the other none has images that can be read; the "
            + "last: \(records.last?.reason ?? ""). Check --data-dir and --replace-prefix."
    }
}

/// The images of records, as training sees them.
public struct TrainingImages: Sendable {
    /// A record whose images became a row of a batch.
    public struct Sample: Sendable {
        /// The record whose images were taken.
        public let index: Int
        /// Whether its first image was mirrored left to right.
        public let isMirrored: Bool
    }

    /// Records tried in place of one whose images cannot be read. Where half of all can, not one run
    /// in 10¹⁸ gets here.
    static let mostReplacements = 100

    private let names: RecordList<[String]>
    private let imagesPerRecord: Int
    /// Where the images lie.
    public let paths: ImagePaths
    private let transform: ImageTransform
    private let decodesReduced: Bool
    private let acceptance: ImageAcceptance
    private let normalization: PixelNormalization

    /// Describes the images; no file is read yet.
    ///
    /// - Parameters:
    ///   - names: of the images of each record
    ///   - imagesPerRecord: images of a record
    ///   - paths: where the images lie
    ///   - transform: what is done to each
    ///   - decodesReduced: whether large JPEGs are decoded at a reduced scale
    ///   - acceptance: which files are read
    ///   - normalization: how pixels become numbers
    public init(
        names: RecordList<[String]>, imagesPerRecord: Int = 1, paths: ImagePaths,
        transform: ImageTransform, decodesReduced: Bool, acceptance: ImageAcceptance,
        normalization: PixelNormalization = .clip
    ) {
        self.names = names
        self.imagesPerRecord = imagesPerRecord
        self.paths = paths
        self.transform = transform
        self.decodesReduced = decodesReduced
        self.acceptance = acceptance
        self.normalization = normalization
    }

    /// Describes the images of image-text records.
    public init(
        names: RecordList<[String]>, imagesPerRecord: Int = 1, paths: ImagePaths,
        _ options: ImageTextOptions
    ) {
        self.init(
            names: names, imagesPerRecord: imagesPerRecord, paths: paths,
            transform: options.transform, decodesReduced: options.decodesReduced,
            acceptance: options.acceptance)
    }

    /// The images of some records, each transformed and normalised, and what could not be read and
    /// was replaced by another record. Every sample draws from a stream of its own, made from
    /// `seed`, so that the result does not depend on who makes it when.
    ///
    /// - Parameters:
    ///   - indices: the records
    ///   - seed: of all random choices
    ///   - use: gets what became of each row, with the rest of the sample's stream
    /// - Returns: the pixels of the first images of all records, then of the second ones, and so on,
    ///   `[images · rows, 3, side, side]`, and what was replaced
    /// - Throws: ``ReplacementError`` where one record after the other cannot be read,
    ///   ``AnnotationError``, `TorchError`, and what `use` throws
    public func batch(
        _ indices: [Int], seed: (UInt64, UInt64),
        _ use: (Sample, inout SeededGenerator) throws -> Void
    ) throws -> (pixels: Tensor, skipped: [UnreadableRecord]) {
        let side = transform.side
        var skipped: [UnreadableRecord] = []
        let pixels = try Tensor([indices.count * imagesPerRecord, 3, side, side]) { buffer in
            for (row, first) in indices.enumerated() {
                var random = SeededGenerator(seed.0, seed.1, UInt64(first))
                var index = first
                var images: [RGBImage]?
                var replacements = 0
                while images == nil {
                    do {
                        images = try names[index].map(image)
                    } catch let error as ImageError {
                        skipped.append(UnreadableRecord(index: index, reason: "\(error)"))
                        guard replacements < Self.mostReplacements else {
                            throw ReplacementError(records: skipped)
                        }
                        replacements += 1
                        index = random.index(below: names.count)
                    }
                }
                var isMirrored = false
                for (number, image) in (images ?? []).enumerated() {
                    let (transformed, mirrored) = transform(image, using: &random)
                    if number == 0 { isMirrored = mirrored }
                    normalization.normalize(
                        transformed,
                        into: buffer.row(number * indices.count + row, of: 3 * side * side))
                }
                try use(Sample(index: index, isMirrored: isMirrored), &random)
            }
        }
        return (pixels, skipped)
    }

    private func image(_ name: String) throws -> RGBImage {
        // A crop may take a fifth of the area, so a side is kept a good two times the result's.
        let path = paths.resolve(name)
        let shortSide = decodesReduced ? transform.side * 2 : nil
        return acceptance.trainsOnTruncated
            ? try ImageDecoder.decodeAvailable(
                path: path, shortSide: shortSide, limit: acceptance.maxPixels
            ).image
            : try ImageDecoder.decode(
                path: path, shortSide: shortSide, limit: acceptance.maxPixels)
    }
}
