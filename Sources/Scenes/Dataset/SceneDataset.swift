import Datasets
import Dispatch
import Drawing
import Files
import Foundation
import Images
import Synchronization

/// Why a data set of scenes was not made.
public enum SceneDatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalid(option: String, expected: String)
    case exists(path: String)
    case other(path: String, found: String, wanted: String)

    /// What happened, and what to do about it.
    public var description: String {
        switch self {
        case .invalid(let option, let expected): "\(option) must be \(expected)"
        case .exists(let path):
            "'\(path)' exists and holds no scenes; name another directory"
        case .other(let path, let found, let wanted):
            "'\(path)' holds other scenes (\(found), wanted \(wanted)); name another directory or "
                + "remove it"
        }
    }
}

/// A data set of captioned scenes for every task, in the official files' form.
public struct SceneDataset: Sendable {
    /// What the files depend on.
    public struct Options: Codable, Equatable, Sendable, CustomStringConvertible {
        /// Images in all: 80 % for training, 5 % each for validation and unseen combinations, 10 %
        /// for test.
        public var images: Int
        /// Side of the images. pixels
        public var side: Int
        /// What every choice is made from.
        public var seed: UInt64
        /// Whether records get concepts from what the generator knows.
        public var fillsConcepts: Bool

        /// Makes the options.
        public init(images: Int = 4000, side: Int = 128, seed: UInt64 = 0, fillsConcepts: Bool) {
            self.images = images
            self.side = side
            self.seed = seed
            self.fillsConcepts = fillsConcepts
        }

        /// In words.
        public var description: String {
            "\(images) images of \(side) px, seed \(seed)"
                + (fillsConcepts ? ", with concepts" : "")
        }

        /// - Throws: ``SceneDatasetError/invalid(option:expected:)``
        func validate() throws {
            guard images >= 40 else {
                throw SceneDatasetError.invalid(
                    option: "--images", expected: "40 or more, so that every split has some")
            }
            guard (32...4096).contains(side) else {
                throw SceneDatasetError.invalid(option: "--size", expected: "from 32 to 4096")
            }
        }
    }

    /// What was written, in `dataset.json`.
    public struct Summary: Codable, Equatable, Sendable, CustomStringConvertible {
        /// What the files depend on.
        public let options: Options
        /// Images of each split.
        public let images: [String: Int]
        /// Records of each annotation file.
        public let records: [String: Int]
        /// Share of captions that may be true of another image of their split too; of the training
        /// split, of a sample of captions.
        public let sharedCaptions: [String: Double]

        /// A line for each split and each file.
        public var description: String {
            let splits = SceneSplit.allCases.map { split in
                "  \(split.rawValue): \(images[split.rawValue] ?? 0) images; "
                    + String(
                        format: "%.1f %% of the captions fit another of them too",
                        100 * (sharedCaptions[split.rawValue] ?? 0))
            }
            let files = records.sorted { $0.key < $1.key }.map {
                "  \($0.key): \($0.value) records"
            }
            return (splits + files).joined(separator: "\n")
        }
    }

    /// File that says what a directory holds.
    static let summaryFile = "dataset.json"
    /// Every so many-th image is a PNG.
    private static let pngPeriod = 20

    /// What the files depend on.
    public let options: Options
    /// Where the files go.
    public let directory: String

    /// Describes a data set; nothing is written yet.
    public init(_ options: Options, directory: String) {
        self.options = options
        self.directory =
            directory.hasSuffix("/") && directory.count > 1
            ? String(directory.dropLast()) : directory
    }

    /// Writes everything, or nothing: the directory appears when it is complete.
    ///
    /// - Parameters:
    ///   - workers: threads; the files do not depend on their number
    ///   - progress: told the images done; called from several threads, one at a time
    /// - Returns: what the directory holds, and whether it was made now or was there already
    /// - Throws: ``SceneDatasetError``, ``FileWritingError``, ``DrawingError``
    public func write(
        workers: Int = ProcessInfo.processInfo.activeProcessorCount,
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> (summary: Summary, isNew: Bool) {
        try options.validate()
        if let summary = try existing() { return (summary, false) }
        let partial = directory + ".partial-\(ProcessInfo.processInfo.processIdentifier)"
        do {
            for split in SceneSplit.allCases {
                try makeDirectory(partial + "/images/" + split.rawValue)
            }
            let images = try draw(into: partial, workers: max(1, workers), progress: progress)
            let summary = try SceneFiles(directory: partial, options: options).write(images)
            guard rename(partial, directory) == 0 else {
                throw FileWritingError(
                    path: directory, reason: String(cString: strerror(errno)))
            }
            return (summary, true)
        } catch {
            try? FileManager.default.removeItem(atPath: partial)
            throw error
        }
    }

    /// What the directory holds if it was made with the same options, nil if there is none.
    private func existing() throws -> Summary? {
        let manager = FileManager.default
        let contents = (try? manager.contentsOfDirectory(atPath: directory)) ?? []
        guard manager.fileExists(atPath: directory), !contents.isEmpty else { return nil }
        guard
            let data = manager.contents(atPath: directory + "/" + Self.summaryFile),
            let summary = try? JSONDecoder().decode(Summary.self, from: data)
        else { throw SceneDatasetError.exists(path: directory) }
        guard summary.options == options else {
            throw SceneDatasetError.other(
                path: directory, found: "\(summary.options)", wanted: "\(options)")
        }
        return summary
    }

    // MARK: Images

    private func draw(
        into partial: String, workers: Int, progress: @escaping @Sendable (Int) -> Void
    ) throws -> [SceneImage] {
        let plan = SceneSplit.allCases.flatMap { split in
            (0..<split.count(of: options.images)).map { (split: split, number: $0) }
        }
        struct State {
            var images: [Int: SceneImage] = [:]
            var failure: (any Error)?
        }
        let state = Mutex(State())
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            for index in stride(from: worker, to: plan.count, by: workers) {
                guard state.withLock({ $0.failure == nil }) else { return }
                do {
                    let image = try draw(
                        id: index + 1, plan[index].split, number: plan[index].number, into: partial)
                    state.withLock {
                        $0.images[index] = image
                        progress($0.images.count)
                    }
                } catch {
                    state.withLock { $0.failure = error }
                }
            }
        }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return plan.indices.compactMap { state.images[$0] }
        }
    }

    private func draw(id: Int, _ split: SceneSplit, number: Int, into partial: String) throws
        -> SceneImage
    {
        var random = SeededGenerator(options.seed, UInt64(id))
        let scene = SceneSampler(combinations: split.combinations).scene(using: &random)
        let rendered = try RenderedScene(scene, side: options.side)
        let isPNG = id.isMultiple(of: Self.pngPeriod)
        let path =
            "images/\(split.rawValue)/" + String(format: "%06d", number) + (isPNG ? ".png" : ".jpg")
        let quality = 70 + random.index(below: 26)
        let data =
            try isPNG
            ? ImageEncoder.png(rendered.image)
            : ImageEncoder.jpeg(rendered.image, quality: quality)
        do {
            try data.write(to: URL(fileURLWithPath: partial + "/" + path))
        } catch {
            throw FileWritingError(path: partial + "/" + path, error)
        }
        return SceneImage(
            id: id, split: split, path: path, scene: scene,
            boxes: rendered.boxes.map {
                Box(
                    x: Double($0.left), y: Double($0.top), width: Double($0.width),
                    height: Double($0.height))
            },
            concepts: options.fillsConcepts
                ? SceneConcepts.concepts(of: scene, using: &random) : nil)
    }
}
