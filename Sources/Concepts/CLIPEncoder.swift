import CLIP
import Datasets
import Foundation
import Images
import Text
import Torch

/// A CLIP model that is ready to embed texts and image files.
public final class CLIPEncoder {
    /// Where the model lies.
    public let path: String
    /// A hash of the last layers, equal for equal weights, and the precision.
    public let source: String
    /// Width of the embeddings.
    public let width: Int
    /// Images or texts that are embedded at once.
    public let batchSize: Int
    /// Cuts texts into tokens.
    public let tokenizer: CLIPTextTokenizer
    private let model: CLIPModel
    private let preparation: CLIPImagePreparation
    /// Where the model computes.
    public let device: Device
    private let autocast: DType?
    private let workers: Int
    private let pixelLimit: Int

    /// Opens a model.
    ///
    /// - Parameters:
    ///   - path: what `CLIPCheckpoint` opens
    ///   - activation: of weights that do not say what they were trained with
    ///   - merges: `merges.txt` of CLIP's tokenizer
    ///   - device: where to compute
    ///   - autocast: type of matrix products; nil for full precision
    ///   - batchSize: images or texts at once
    ///   - workers: threads that decode images
    ///   - pixelLimit: images of more pixels are not read
    /// - Throws: `CLIPError`, `VocabularyError`, and errors of files
    public init(
        path: String, activation: CLIPConfiguration.Activation? = nil, merges: String,
        device: Device = .cpu, autocast: DType? = nil, batchSize: Int = 64, workers: Int = 2,
        pixelLimit: Int = ImageDecoder.standardLimit
    ) throws {
        let checkpoint = try CLIPCheckpoint(path: path, activation: activation)
        let c = checkpoint.configuration
        model = try checkpoint.model(on: device)
        tokenizer = try CLIPTextTokenizer(c.text, merges: merges, path: path)
        preparation = checkpoint.preparation
        width = c.embedDim
        self.path = path
        source = "CLIP \(try model.fingerprint())" + (autocast.map { " in \($0)" } ?? "")
        self.device = device
        self.autocast = autocast
        self.batchSize = batchSize
        self.workers = workers
        self.pixelLimit = pixelLimit
    }

    /// Side of the images that the model sees. pixels
    public var imageSize: Int { model.configuration.vision.imageSize }

    /// Embeddings of texts, not normalised; long ones are cut. `[texts, E]` on the CPU
    /// - Throws: `TorchError`
    public func embed(texts: [String], progress: (Int) -> Void = { _ in }) throws -> Tensor {
        var parts: [Tensor] = []
        for start in stride(from: 0, to: texts.count, by: batchSize) {
            let batch = tokenizer.encode(Array(texts[start...].prefix(batchSize)))
            parts.append(try compute { model.encode(texts: batch.inputIDs.to(device: device)) })
            progress(start + batch.count)
        }
        return parts.isEmpty ? .zeros([0, width]) : .concatenated(parts, dimension: 0)
    }

    /// Embeddings of image files, not normalised. Images that cannot be read, or whose embedding is
    /// not finite, have no row. `[readable images, E]` on the CPU
    /// - Throws: `TorchError`
    public func embed(
        images: [(name: String, path: String)], progress: (Int) -> Void = { _ in }
    ) throws -> (rows: Tensor, skipped: [SkippedName]) {
        let (batchSize, side, preparation) = (batchSize, imageSize, preparation)
        let pixelLimit = pixelLimit
        let loader = PrefetchingLoader(
            0..<(images.count + batchSize - 1) / batchSize, workers: workers, ahead: 2 * workers
        ) { number in
            PreparedImages(
                Array(images[number * batchSize..<min(images.count, (number + 1) * batchSize)]),
                preparation, pixelLimit: pixelLimit)
        }
        defer { loader.stop() }
        var parts: [Tensor] = []
        var skipped: [SkippedName] = []
        var done = 0
        while let batch = try loader.next() {
            let count = batch.names.count
            if count > 0 {
                let pixels = Tensor(batch.pixels, shape: [count, 3, side, side])
                let rows = try compute { model.encode(images: pixels.to(device: device)) }
                let isFinite = try rows.isFinite().to(dtype: .int64).sum(1).array(of: Int.self)
                    .map { $0 == width }
                let kept = isFinite.indices.filter { isFinite[$0] }
                parts.append(kept.count == count ? rows : rows.indexed(0, by: Tensor(kept)))
                skipped += zip(batch.names, isFinite).filter { !$1 }.map { name, _ in
                    SkippedName(name: name, reason: "the embedding of '\(name)' is not finite")
                }
            }
            skipped += batch.skipped
            done += count + batch.skipped.count
            progress(done)
        }
        return (parts.isEmpty ? .zeros([0, width]) : .concatenated(parts, dimension: 0), skipped)
    }

    /// The embedding of an image that has been decoded, not normalised. `[1, E]` on the CPU
    /// - Throws: ``ConceptError/noReadableImage(name:reason:)`` for one that is not finite, `TorchError`
    public func embed(_ image: RGBImage) throws -> Tensor {
        let pixels = Tensor(preparation(image), shape: [1, 3, imageSize, imageSize])
        let row = try compute { model.encode(images: pixels.to(device: device)) }
        guard try row.isFinite().all().array(of: Bool.self)[0] else {
            throw ConceptError.noReadableImage(
                name: path, reason: "the embedding of the image is not finite")
        }
        return row
    }

    private func compute(_ body: () -> Tensor) throws -> Tensor {
        try withInferenceMode {
            try withAutocast(autocast, on: device) {
                try body().to(dtype: .float32).to(device: .cpu).checked()
            }
        }
    }
}

/// Images as CLIP sees them.
private struct PreparedImages: Sendable {
    var pixels: [Float] = []
    /// Of the images that could be read.
    var names: [String] = []
    var skipped: [SkippedName] = []

    init(
        _ images: [(name: String, path: String)], _ preparation: CLIPImagePreparation,
        pixelLimit: Int
    ) {
        pixels.reserveCapacity(images.count * 3 * preparation.side * preparation.side)
        for image in images {
            do {
                pixels += preparation(try ImageDecoder.decode(path: image.path, limit: pixelLimit))
                names.append(image.name)
            } catch {
                skipped.append(SkippedName(name: image.name, reason: "\(error)"))
            }
        }
    }
}
