import Batches
import Datasets
import Torch
import Training
import ViCHA

/// Grounding of phrases: a heat map for each, the detector's box that it means, and whether that box
/// is right (Li et al. 2021, section 5).
public struct GroundingEvaluation {
    /// How it is done.
    public struct Options: Sendable {
        /// Which attention the heat maps come from.
        public var attention: HeatMapper.Attention
        /// Where the model computes.
        public var compute = ComputeOptions()
        /// Phrases at a time.
        public var batchSize = 16
        /// `official`: a phrase whose boxes have no heat gets the answer of the phrase before it.
        public var compatibility = Compatibility.official
        /// Phrases, at even distances, whose heat maps are kept to be looked at.
        public var examples = 0

        /// On the CPU.
        public init(attention: HeatMapper.Attention) { self.attention = attention }
    }

    /// What was found for a phrase.
    public struct Finding: Sendable, Equatable {
        /// The reference.
        public let referenceID: Int
        /// The detector's box, nil where none has any heat.
        public let box: Box?
        /// Intersection over union with the true box; 0 without a box.
        public let overlap: Double
        /// The true box.
        public let truth: Box
        /// Whether the map is hottest inside the true box, whatever the detector found.
        public let pointsAtTruth: Bool
    }

    /// A phrase to be looked at.
    public struct Example: Sendable {
        /// The phrase with its image.
        public let record: ReferringRecord
        /// What was found.
        public let finding: Finding
        /// `[g, g]` on the CPU
        public let heat: Tensor
    }

    /// Least overlap of a right answer.
    public static let leastOverlap = 0.5
    /// The splits of RefCOCO, RefCOCO+ and RefCOCOg.
    public static let splits = ["val", "testA", "testB", "test"]

    /// In the order of the phrases.
    public private(set) var findings: [Finding] = []
    /// In the order of the phrases.
    public private(set) var examples: [Example] = []
    /// Share of phrases whose map is hottest inside the true box, the pointing game of Zhang et al.
    /// (2018). [0, 1]
    public var pointing: Double {
        Double(findings.count { $0.pointsAtTruth }) / Double(max(1, findings.count))
    }
    /// Share of right answers in each split that has phrases, in the order of ``splits``; splits of
    /// other names follow. [0, 1]
    public var accuracy: [(split: String, share: Double)] {
        ordered.map { ($0.split, Double($0.count.right) / Double($0.count.all)) }
    }
    /// What a random choice among the detector's boxes reaches on average, as ``accuracy``.
    public var chance: [(split: String, share: Double)] {
        ordered.map { ($0.split, $0.count.chance / Double($0.count.all)) }
    }
    private var ordered: [(split: String, count: Count)] {
        (Self.splits + counts.keys.filter { !Self.splits.contains($0) }.sorted())
            .compactMap { split in counts[split].map { (split, $0) } }
    }
    /// Phrases in whose image the detector found nothing, which have no answer of their own.
    public private(set) var withoutDetections = 0
    /// Phrases whose true box has no area within its image, so that nothing can find it.
    public private(set) var truthsOutside = 0
    /// Boxes to choose from that have no area within their image.
    public private(set) var detectionsOutside = 0
    private var seenImages: Set<Int> = []
    private typealias Count = (right: Int, chance: Double, all: Int)
    private var counts: [String: Count] = [:]
    private let references: ReferenceIndex
    private let detections: [Int: [Box]]
    private let compatibility: Compatibility

    /// No phrase yet.
    public init(
        references: ReferenceIndex, detections: [Int: [Box]], compatibility: Compatibility
    ) {
        self.references = references
        self.detections = detections
        self.compatibility = compatibility
    }

    /// Evaluates a model.
    /// - Throws: `ScoreError` for a heat map that is not finite, `AnnotationError`, `ImageError`,
    ///   `ConfigurationKeyError`, `TorchError`
    public init(
        _ data: GroundingTask.EvaluationData, _ mapper: HeatMapper, _ options: Options
    ) throws {
        self.init(
            references: data.references, detections: data.detections,
            compatibility: options.compatibility)
        let set = data.set
        try mapper.check(options.attention)
        for record in set.records {
            guard let id = record.referenceID, references.boxes[id] != nil else {
                throw AnnotationError.unknownReference(id: record.referenceID, phrase: record.text)
            }
        }
        let loader = PrefetchingLoader(
            records: set.records.count, batchSize: options.batchSize,
            workers: options.compute.workers
        ) { try set.batch($0) }
        defer { loader.stop() }
        let display = ProgressDisplay(total: set.records.count, unit: "phrases")
        let step = max(1, set.records.count / max(1, options.examples))
        let damaged = DamagedImages()
        while let (batch, damages) = try loader.next() {
            let first = findings.count
            damaged.add(damages)
            let heat = try options.compute {
                let batch = batch.to(device: options.compute.device)
                return try mapper(
                    batch.images, batch.texts, imageOfText: batch.imageOfText, options.attention
                ).to(dtype: .float32).to(device: .cpu).checked()
            }
            for (row, record) in set.records[first..<first + batch.texts.count].enumerated() {
                guard let id = record.referenceID else { continue }
                try ScoreError.check(heat.select(0, row), "heat map") { _ in
                    "the phrase '\(record.text)' in '\(record.image)'"
                }
                try add(heat: heat.select(0, row), referenceID: id)
                let isExample = (first + row) % step == step / 2
                if isExample, examples.count < options.examples {
                    examples.append(
                        Example(
                            record: record, finding: findings[findings.count - 1],
                            heat: heat.select(0, row)))
                }
            }
            display.update(findings.count, items: findings.count, title: "grounding")
        }
        try damaged.report()
    }

    /// Adds the heat map of a phrase. `[g, g]` on the CPU
    /// - Throws: `AnnotationError` for a reference that is not in the index, `TorchError`
    public mutating func add(heat: Tensor, referenceID: Int) throws {
        guard let reference = references.references[referenceID],
            let image = references.images[reference.imageID],
            let truth = references.boxes[referenceID]
        else { throw AnnotationError.unknownReference(id: referenceID, phrase: "") }
        let boxes = detections[reference.imageID] ?? []
        if boxes.isEmpty { withoutDetections += 1 }
        func liesOutside(_ box: Box) -> Bool {
            !box.hasArea(withinWidth: image.width, height: image.height)
        }
        if liesOutside(truth) { truthsOutside += 1 }
        if seenImages.insert(reference.imageID).inserted {
            detectionsOutside += boxes.count(where: liesOutside)
        }
        let ranking = try BoxRanking(heat: heat, width: image.width, height: image.height)
        var box = ranking.best(of: boxes).map { boxes[$0] }
        if box == nil, compatibility == .official { box = findings.last?.box }
        let overlap = box?.pixelOverlap(with: truth) ?? 0
        let (x, y) = (Double(ranking.hottest.x), Double(ranking.hottest.y))
        findings.append(
            Finding(
                referenceID: referenceID, box: box, overlap: overlap, truth: truth,
                pointsAtTruth: truth.x <= x && x < truth.x + truth.width && truth.y <= y
                    && y < truth.y + truth.height))
        let right = boxes.count { $0.pixelOverlap(with: truth) >= Self.leastOverlap }
        var count = counts[reference.split] ?? (0, 0, 0)
        count.right += overlap >= Self.leastOverlap ? 1 : 0
        count.chance += boxes.isEmpty ? 0 : Double(right) / Double(boxes.count)
        count.all += 1
        counts[reference.split] = count
    }
}
