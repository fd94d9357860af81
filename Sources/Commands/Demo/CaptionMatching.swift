import Foundation
import Images
import Text
import Torch
import Training
import ViCHA

/// Which captions fit each photograph best, by the features of a trained model.
struct CaptionMatching {
    /// A photograph with the captions that fit best.
    struct Photo {
        let image: RGBImage
        /// Best first.
        let captions: [(text: String, similarity: Double, isOwn: Bool)]
    }

    /// Captions shown of a photograph.
    private static let shown = 3

    let photos: [Photo]
    /// Expected number of photographs that a random choice would get right.
    let chance: Double

    var correctCount: Int { photos.filter { $0.captions.first?.isOwn == true }.count }

    init(_ run: PretrainingRun, device: Device) throws {
        let records = run.dataset.records
        let side = run.configuration.model.vision.imageSize
        let images = try records.map {
            try ImageDecoder.decode(path: run.dataset.paths.resolve($0.image))
        }
        let pixels = images.flatMap {
            PixelNormalization.clip($0.resized(width: side, height: side))
        }
        let concepts =
            run.configuration.model.usesConcepts
            ? TokenBatch(
                run.tokenizer.encode(
                    records.map { $0.concepts.joined(separator: " ") },
                    maxLength: run.configuration.conceptTokens)
            ).to(device: device) : nil
        let captions = records.enumerated().flatMap { index, record in
            record.captions.map { (owner: index, text: $0) }
        }
        let texts = TokenBatch(
            run.tokenizer.encode(
                captions.map { CaptionCleaning.caption($0.text) },
                maxLength: run.configuration.captionTokens)
        ).to(device: device)
        let imageFeatures = run.model.imageFeatures(
            Tensor(pixels, shape: [images.count, 3, side, side]).to(device: device),
            concepts: concepts)
        let similarities = try imageFeatures.matmul(
            run.model.textFeatures(texts).transposed(0, 1)
        ).array(of: Double.self)
        photos = images.enumerated().map { row, image in
            let values = similarities[row * captions.count..<(row + 1) * captions.count]
            let best = zip(captions, values).sorted { $0.1 > $1.1 }.prefix(Self.shown)
            return Photo(
                image: image, captions: best.map { ($0.0.text, $0.1, $0.0.owner == row) })
        }
        chance = records.map { Double($0.captions.count) / Double(captions.count) }.reduce(0, +)
    }
}
