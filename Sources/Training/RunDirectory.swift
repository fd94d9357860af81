import Files
import Foundation
import Torch

/// Why a run cannot write to a directory.
public enum RunDirectoryError: Error, Equatable, Sendable, CustomStringConvertible {
    case occupied(directory: String, files: [String])
    case foreignFile(path: String)
    case nothingSaved(directory: String)
    case nothingSound(last: String, previous: String)

    /// What lies there, and what to do about it.
    public var description: String {
        switch self {
        case .occupied(let directory, let files):
            "'\(directory)' holds another run (\(files.prefix(3).joined(separator: ", "))"
                + (files.count > 3 ? " and \(files.count - 3) more" : "")
                + "). Pass --resume to go on with it, --overwrite to replace it, or name another "
                + "--output-dir."
        case .foreignFile(let path):
            "'\(path)' was not written by a training run, so --overwrite does not remove it; move it, or "
                + "name another --output-dir"
        case .nothingSaved(let directory):
            "there is no checkpoint in '\(directory)' to go on from: either no run was there, or it ended "
                + "before anything was saved. Start it anew: without --resume, and with --overwrite where it "
                + "has left logs."
        case .nothingSound(let last, let previous):
            "neither of the two checkpoints can be gone on from.\n\(last)\n\(previous)\nAnother one, such as "
                + "that of an earlier epoch, is gone on from with --resume --checkpoint FILE and a new "
                + "--output-dir."
        }
    }
}

/// The directory that a training run writes to, which belongs to one run and one process at a time.
public final class RunDirectory: Sendable {
    /// What a run does with what it finds.
    public enum Start: Sendable, Equatable {
        /// There must be no other run.
        case new
        /// What another run has written is removed.
        case overwriting
        /// The run goes on.
        case resuming
    }

    /// Says that a run has begun to write here; without it nothing is taken for another run's that
    /// --overwrite may remove.
    private static let marker = ".vicha-run"
    /// The configuration with every value.
    public static let configurationFile = "config.yaml"
    /// The tokens of the model's vocabulary.
    public static let vocabularyFile = "vocab.txt"
    /// What kind of model it is.
    public static let modelFile = "model.json"
    /// Files beside the weights without which nobody can use them.
    public static let companions = [vocabularyFile, modelFile]
    static let unreadableFile = "unreadable_images.txt"
    private static let checkpointPrefix = "checkpoint_"
    private static let checkpointSuffix = ".safetensors"

    /// Where it is.
    public let path: String
    private let start: Start
    private let lock: DirectoryLock

    /// Takes a directory, which is made where it is missing. Nothing that is there is changed yet,
    /// but temporary files that killed writers have left are removed.
    /// - Throws: ``RunDirectoryError``, `DirectoryLockError`, `FileWritingError`
    public init(_ path: String, _ start: Start = .new) throws {
        self.path = path
        self.start = start
        lock = try DirectoryLock(path)
        removeAbandonedFiles(in: path, of: Self.isOfRun)
        let files = try Self.files(of: path)
        switch start {
        case .resuming: break
        case .new:
            guard files.isEmpty else {
                throw RunDirectoryError.occupied(directory: path, files: files)
            }
        case .overwriting:
            let isOwn = FileManager.default.fileExists(atPath: file(Self.marker))
            for name in files {
                guard isOwn, !Self.isCheckpoint(name) || TrainingCheckpoint.isOfRun(file(name))
                else {
                    throw RunDirectoryError.foreignFile(path: file(name))
                }
            }
        }
    }

    /// Path of a file in the directory.
    public func file(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }

    /// Checkpoint of the run as it was last saved.
    public var lastCheckpoint: String { checkpoint("last") }
    /// The checkpoint before that, for the case that the last one is damaged.
    public var previousCheckpoint: String { checkpoint("previous") }
    /// Checkpoint of the best evaluation.
    public var bestCheckpoint: String { checkpoint("best") }
    /// Checkpoint with the weights before a step that diverged.
    var divergedCheckpoint: String { checkpoint("diverged") }
    /// Checkpoint at the end of an epoch that is kept.
    func checkpoint(ofEpoch epoch: Int) -> String { checkpoint(String(format: "%02d", epoch)) }

    /// Whether a run that can be gone on with is in a directory.
    public static func hasCheckpoint(_ directory: String) -> Bool {
        ["last", "previous"].contains { access(checkpoint($0, in: directory), F_OK) == 0 }
    }

    /// Removes what another run has written, where that is to be replaced, and marks the directory as
    /// one of a run.
    /// - Throws: `FileWritingError`
    func prepare() throws {
        if start == .overwriting {
            for name in try Self.files(of: path) where unlink(file(name)) != 0 {
                throw FileWritingError(path: file(name), reason: String(cString: strerror(errno)))
            }
        }
        try writeAtomically(Data(), to: file(Self.marker))
    }

    private func checkpoint(_ name: String) -> String { Self.checkpoint(name, in: path) }

    /// Path of a checkpoint of a run, such as `best` or `last`.
    public static func checkpoint(_ name: String, in directory: String) -> String {
        (directory as NSString).appendingPathComponent(checkpointPrefix + name + checkpointSuffix)
    }

    private static func files(of directory: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory)
                .filter(isOfRun).sorted()
        } catch {
            throw FileWritingError(path: directory, error)
        }
    }

    private static func isOfRun(_ name: String) -> Bool {
        ([configurationFile, unreadableFile, TrainingLog.epochFile, TrainingLog.stepFile]
            + companions).contains(name) || name.hasPrefix(EventFile.prefix) || isCheckpoint(name)
    }

    private static func isCheckpoint(_ name: String) -> Bool {
        guard name.hasPrefix(checkpointPrefix), name.hasSuffix(checkpointSuffix) else {
            return false
        }
        let middle = name.dropFirst(checkpointPrefix.count).dropLast(checkpointSuffix.count)
        return ["last", "previous", "best", "diverged"].contains(String(middle))
            || (middle.count >= 2 && middle.allSatisfy { ("0"..."9").contains($0) })
    }
}
