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
    public let tokenizer: CLIPTokenizer
    private let model: CLIPModel
    private let normalization: PixelNormalization
    /// Where the model computes.
    public let device: Device
    private let autocast: DType?
    private let workers: Int
    private let pixelLimit: Int

    /// Opens a model.
    ///
    /// - Parameters:
    ///   - path: what ``CLIPCheckpoint`` opens
    ///   - merges: `merges.txt` of CLIP's tokenizer
    ///   - device: where to compute
    ///   - autocast: type of matrix products; nil for full precision
    ///   - batchSize: images or texts at once
    ///   - workers: threads that decode images
    ///   - pixelLimit: images of more pixels are not read
    /// - Throws: `CLIPError`, `VocabularyError`, and errors of files
    public init(
        path: String, merges: String, device: Device = .cpu, autocast: DType? = nil,
        batchSize: Int = 64, workers: Int = 2, pixelLimit: Int = ImageDecoder.standardLimit
    ) throws {
        let checkpoint = try CLIPCheckpoint(path: path)
        let c = checkpoint.configuration
        model = try checkpoint.model(on: device)
        tokenizer = try CLIPTokenizer(
            mergesFile: merges, vocabularySize: c.text.vocabularySize,
            contextLength: c.text.contextLength)
        normalization = PixelNormalization(mean: checkpoint.mean, std: checkpoint.std)
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
            let ids = Tensor(batch.inputIDs, shape: [batch.rows, batch.length])
            parts.append(try compute { model.encode(texts: ids.to(device: device)) })
            progress(start + batch.rows)
        }
        return parts.isEmpty ? .zeros([0, width]) : .concatenated(parts, dimension: 0)
    }

    /// Embeddings of image files, not normalised. Images that cannot be read have no row.
    /// `[readable images, E]` on the CPU
    /// - Throws: `TorchError`
    public func embed(
        images: [(name: String, path: String)], progress: (Int) -> Void = { _ in }
    ) throws -> (rows: Tensor, skipped: [SkippedName]) {
        let (batchSize, side, normalization) = (batchSize, imageSize, normalization)
        let pixelLimit = pixelLimit
        let loader = PrefetchingLoader(
            0..<(images.count + batchSize - 1) / batchSize, workers: workers, ahead: 2 * workers
        ) { number in
            PreparedImages(
                Array(images[number * batchSize..<min(images.count, (number + 1) * batchSize)]),
                side: side, normalization: normalization, pixelLimit: pixelLimit)
        }
        defer { loader.stop() }
        var parts: [Tensor] = []
        var skipped: [SkippedName] = []
        var done = 0
        while let batch = try loader.next() {
            if batch.count > 0 {
                let pixels = Tensor(batch.pixels, shape: [batch.count, 3, side, side])
                parts.append(try compute { model.encode(images: pixels.to(device: device)) })
            }
            skipped += batch.skipped
            done += batch.count + batch.skipped.count
            progress(done)
        }
        return (parts.isEmpty ? .zeros([0, width]) : .concatenated(parts, dimension: 0), skipped)
    }

    private func compute(_ body: () -> Tensor) throws -> Tensor {
        try withInferenceMode {
            try withAutocast(autocast, on: device) {
                try body().to(dtype: .float32).to(device: .cpu).checked()
            }
        }
    }
}

/// Images as CLIP sees them: short side resized bicubically, the middle cut out, normalised.
private struct PreparedImages: Sendable {
    var pixels: [Float] = []
    var count = 0
    var skipped: [SkippedName] = []

    init(
        _ images: [(name: String, path: String)], side: Int, normalization: PixelNormalization,
        pixelLimit: Int
    ) {
        pixels.reserveCapacity(images.count * 3 * side * side)
        for image in images {
            do {
                let decoded = try ImageDecoder.decode(path: image.path, limit: pixelLimit)
                pixels += normalization(decoded.centerSquare(side: side))
                count += 1
            } catch {
                skipped.append(SkippedName(name: image.name, reason: "\(error)"))
            }
        }
    }
}
