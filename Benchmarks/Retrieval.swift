import ArgumentParser
import Configuration
import Datasets
import Foundation
import Images
import Tasks
import Text
import Torch
import Training
import ViCHA

/// Retrieval evaluation of synthetic images and captions, and the same done pair by pair.
struct Retrieval: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Evaluate retrieval, and compare with features repeated for each pair.")

    @Option(help: "Configuration of pretraining, for the sizes of the model.")
    var config = "configs/pretrain_small.yaml"

    @Option(help: "BERT vocabulary.")
    var vocabulary = ".venv/minilm/vocab.txt"

    @Option(help: "Images, with five captions each.")
    var images = 1000

    @Option(help: "Candidates of each query.")
    var candidates = 128

    @Option(
        help: "Queries of each direction that the other way computes; its time is extrapolated.")
    var queries = 20

    @Option(help: "Threads; all cores by default.")
    var threads: Int?

    private static let words = [
        "a", "man", "dog", "red", "riding", "bike", "on", "the", "street", "two", "children",
        "playing", "with", "ball", "in", "park", "woman", "holding", "umbrella", "near", "water",
    ]

    func run() throws {
        if let threads { ComputeThreads.set(threads) }
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("retrieval-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let settings = try ConfigurationFile.load(PretrainingConfiguration.self, config)
            .configuration.settings
        var c = settings.model
        (c.maskedImage, c.alignsHiddenStates) = (nil, false)
        let model = try RetrievalModel(c, seed: 1)
        let set = try makeSet(directory, settings)

        var options = RetrievalSearch.Options()
        options.candidates = candidates
        let start = ContinuousClock.now
        let search = try RetrievalSearch(set.inputs, model.scorer, options)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let pairs = search.matching?.textsOfImage.map(\.count).reduce(0, +) ?? 0
        print(
            String(
                format: "evaluation of %d images and %d captions, best %d: %.1f s, peak memory %@",
                set.records.count, set.inputs.texts.count, candidates, seconds, peakMemory()))
        precondition(pairs == set.records.count * min(candidates, set.inputs.texts.count))

        let other = try pairByPair(set, model, search)
        print(
            String(
                format: "features repeated for each pair (%d queries of each direction timed): "
                    + "%.1f s; %.1f times as long", queries, other, other / seconds))
    }

    /// Random images with captions of 6 to 14 words, as long as real ones are.
    private func makeSet(_ directory: String, _ settings: TrainingSettings) throws
        -> RetrievalEvaluationSet
    {
        var random = SeededGenerator(7)
        var records: [RetrievalRecord] = []
        for index in 0..<images {
            let side = settings.model.vision.imageSize
            let image = RGBImage(
                width: side, height: side,
                pixels: (0..<3 * side * side).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            let name = "\(index).jpg"
            try ImageEncoder.jpeg(image).write(
                to: URL(fileURLWithPath: directory + "/" + name))
            func sentence(_ words: Int) -> String {
                (0..<words).map { _ in Self.words[random.index(below: Self.words.count)] }
                    .joined(separator: " ")
            }
            records.append(
                RetrievalRecord(
                    image: name,
                    captions: (0..<5).map { _ in sentence(6 + random.index(below: 9)) },
                    imageID: nil,
                    concepts: (0..<15).map { _ in sentence(1) }))
        }
        return RetrievalEvaluationSet(
            records: records, paths: ImagePaths(dataDirectory: directory),
            tokenizer: try WordPieceTokenizer(vocabularyFile: vocabulary),
            options: EvaluationOptions(settings))
    }

    /// Seconds of the official way: features once; then for each image its candidates and for each
    /// text its candidates, all padded to one length, the image's keys and values projected for each
    /// pair. Scores are checked against the evaluation's.
    private func pairByPair(
        _ set: RetrievalEvaluationSet, _ model: RetrievalModel, _ search: RetrievalSearch
    ) throws -> Double {
        let start = ContinuousClock.now
        var encoded: [EncodedImages] = []
        for first in stride(from: 0, to: set.records.count, by: 64) {
            let images = try set.inputs.images(first..<min(set.records.count, first + 64))
            encoded.append(model.scorer.encode(images.batch))
        }
        let states = Tensor.concatenated(encoded.map(\.hiddenStates), dimension: 0)
        let masks = encoded.compactMap(\.attentionMask)
        let mask = masks.isEmpty ? nil : Tensor.concatenated(masks, dimension: 0)
        let texts = EncodedTexts(
            joining: stride(from: 0, to: set.inputs.texts.count, by: 64).map {
                model.scorer.encode(
                    set.inputs.encodedTexts($0..<min(set.inputs.texts.count, $0 + 64)))
            })
        _ = try states.checked()
        let features = (ContinuousClock.now - start) / .seconds(1)

        let fusion = try FusionLayers(model)
        func time(_ count: Int, _ body: (Int) throws -> Void) throws -> Double {
            let timed = min(queries, count)
            let start = ContinuousClock.now
            for query in 0..<timed { try body(query) }
            return (ContinuousClock.now - start) / .seconds(1) * Double(count) / Double(timed)
        }
        func check(_ logits: Tensor, _ entries: [RetrievalScores.Entry]) throws {
            for (found, entry) in zip(try logits.array(of: Float.self), entries) {
                precondition(abs(found - entry.score) < 1e-3, "\(found) for \(entry.score)")
            }
        }
        guard let matching = search.matching else { return features }
        let forward = try time(set.records.count) { image in
            let entries = matching.textsOfImage[image]
            let rows = Tensor(entries.map { Int($0.item) })
            try check(
                fusion.logits(
                    images: states.slice(0, image..<image + 1)
                        .expanded(entries.count, -1, -1).contiguous(),
                    mask: mask?.slice(0, image..<image + 1).expanded(entries.count, -1, -1, -1),
                    texts: texts.hiddenStates.indexed(0, by: rows),
                    attentionMask: texts.attentionMask.indexed(0, by: rows)), entries)
        }
        let backward = try time(set.inputs.texts.count) { text in
            let entries = matching.imagesOfText[text]
            let rows = Tensor(entries.map { Int($0.item) })
            try check(
                fusion.logits(
                    images: states.indexed(0, by: rows), mask: mask?.indexed(0, by: rows),
                    texts: texts.hiddenStates.slice(0, text..<text + 1)
                        .expanded(entries.count, -1, -1).contiguous(),
                    attentionMask: texts.attentionMask.slice(0, text..<text + 1)
                        .expanded(entries.count, -1)), entries)
        }
        return features + forward + backward
    }
}

/// The fusion layers and the matching head of a model, without what the scorer saves.
private struct FusionLayers {
    private let encoder: TextEncoder
    private let head: Linear

    init(_ model: RetrievalModel) throws {
        let store = try ParameterStore()
        encoder = TextEncoder(store.root["text_encoder"], model.configuration.text)
        head = Linear(store.root["itm_head"], model.configuration.text.hiddenSize, 2)
        try store.load(model.store.state, allowingUnexpected: [""])
    }

    func logits(images: Tensor, mask: Tensor?, texts: Tensor, attentionMask: Tensor) throws
        -> Tensor
    {
        try withInferenceMode {
            let fused = encoder.fuse(
                texts, attentionMask: attentionMask,
                keyValues: encoder.keyValues(of: images, mask: mask))
            return try head(fused.select(1, 0)).select(1, 1).contiguous().checked()
        }
    }
}
