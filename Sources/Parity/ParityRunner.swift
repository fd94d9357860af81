import Foundation
import Tasks
import Torch
import Training

/// Runs recorded cases through the product's own code.
public struct ParityRunner: Sendable {
    /// What became of one case.
    public enum Outcome {
        case compared(Comparison)
        case unsupported
        case failed(any Error)

        /// False for a difference beyond its tolerance and for an error.
        public var isAcceptable: Bool {
            switch self {
            case .compared(let comparison): comparison.failures.isEmpty && comparison.count > 0
            case .unsupported: true
            case .failed: false
            }
        }
    }

    /// One case and what became of it.
    public struct Report {
        /// Name of the case folder.
        public let name: String
        /// What `case.json` says the case is.
        public let kind: String
        /// What became of it.
        public let outcome: Outcome
    }

    /// Files that cases refer to without carrying them.
    public struct Resources: Sendable {
        /// The WordPiece vocabulary of BERT.
        public var vocabulary: String?
        /// A directory with the MiniLM weights.
        public var miniLM: String?
        /// The merges of CLIP's tokenizer.
        public var merges: String?

        /// Files that cases need; those of a missing one are not compared.
        public init(vocabulary: String?, miniLM: String?, merges: String?) {
            self.vocabulary = vocabulary
            self.miniLM = miniLM
            self.merges = merges
        }
    }

    let resources: Resources
    let device: Device

    /// Makes the value; models compute on `device`.
    public init(_ resources: Resources, device: Device = .cpu) {
        self.resources = resources
        self.device = device
    }

    /// The case folders of a directory, or the directory itself if it is one.
    /// - Throws: ``ParityError/noCases(directory:)``
    public func folders(in directory: String) throws -> [URL] {
        let root = URL(fileURLWithPath: directory)
        func isCase(_ url: URL) -> Bool {
            FileManager.default.fileExists(atPath: url.appendingPathComponent("case.json").path)
        }
        if isCase(root) { return [root] }
        let children = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let cases = children.sorted().map { root.appendingPathComponent($0) }.filter(isCase)
        guard !cases.isEmpty else { throw ParityError.noCases(directory: directory) }
        return cases
    }

    /// Runs one case.
    public func run(_ folder: URL) -> Report {
        let name = folder.lastPathComponent
        do {
            let item = try ParityCase(folder: folder, device: device)
            let outcome = try compare(item).map(Outcome.compared) ?? .unsupported
            return Report(name: name, kind: item.kind, outcome: outcome)
        } catch {
            return Report(name: name, kind: "?", outcome: .failed(error))
        }
    }

    private func require(_ path: String?, _ what: String) throws -> String {
        guard let path else {
            throw ParityError.malformed(
                case: "resources", reason: "\(what) is needed; run make setup")
        }
        return path
    }

    private func compare(_ item: ParityCase) throws -> Comparison? {
        switch item.kind {
        case "pretrain", "pretrain_full_procedural": try item.comparePretraining()
        case "pretrain_trace": try item.comparePretrainingTrace()
        case "lr_schedule": try item.compareLearningRates()
        case "itm_eval": try item.compareRecall()
        case "grounding_eval": try item.compareGroundingAccuracy()
        case "retrieval", "grounding": try item.compareRetrieval()
        case "ve": try item.compareClassification(.entailment)
        case "nlvr": try item.compareClassification(.imagePair)
        case "nlvr_pretrain": try item.compareTextAssignment()
        case "vqa": try item.compareQuestionAnswering()
        case "checkpoint_mapping": try item.compareCheckpointMapping()
        case "vqa_accuracy": try item.compareAnswerAccuracy()
        case "text_preprocess": try item.compareTextCleaning()
        case "bert_tokenizer":
            try item.compareTokenizer(vocabulary: require(resources.vocabulary, "a vocabulary"))
        case "clip_tokenizer":
            try item.compareCLIPTokenizer(merges: require(resources.merges, "CLIP's merges.txt"))
        case "clip": try item.compareCLIP()
        case "concept_selection": try item.compareConceptSelection()
        case "dataset_filter": try item.compareCaptionFilter()
        case "image_transforms": try item.compareImageTransforms()
        case "randaugment": try item.compareAugmentations()
        case "bert_minilm":
            try item.compareBert(
                directory: require(resources.miniLM, "the MiniLM directory"))
        case "datasets":
            try item.compareDatasets(vocabulary: require(resources.vocabulary, "a vocabulary"))
        default: nil
        }
    }
}

extension ParityRunner.Report: CustomStringConvertible {
    /// One line: the quantity with the largest error against its tolerance.
    public var description: String {
        func pad(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        func short(_ value: Double) -> String { String(format: "%.2e", value) }
        let head = pad(name, 28) + " "
        switch outcome {
        case .unsupported: return head + "kind '\(kind)' not supported yet"
        case .failed(let error): return head + "FAIL  \(error)"
        case .compared(let comparison):
            guard let worst = comparison.worst else { return head + "FAIL  nothing was compared" }
            let line =
                head + (comparison.failures.isEmpty ? "pass" : "FAIL")
                + "  \(worst.quantity)  error \(short(worst.error))  tolerance \(short(worst.tolerance))"
            return comparison.failures.isEmpty
                ? line : line + "  (\(comparison.failures.count) of \(comparison.count) fail)"
        }
    }
}
