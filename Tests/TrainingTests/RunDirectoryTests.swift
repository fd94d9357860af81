import Files
import Foundation
import Testing
import Torch

@testable import Training

/// A directory belongs to one run and to one process at a time.
@Suite struct RunDirectoryTests {
    private let path = NSTemporaryDirectory() + UUID().uuidString

    private func write(_ text: String, _ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        try text.write(toFile: path + "/" + name, atomically: false, encoding: .utf8)
    }

    private func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/" + name)
    }

    private func writeCheckpoint(_ name: String, metadata: [String: String]) throws {
        try writeSafetensors(["a": .zeros([1])], metadata: metadata, to: path + "/" + name)
    }

    @Test(arguments: [
        "log.txt", "metrics.jsonl", "config.yaml", "checkpoint_07.safetensors",
        "events.out.tfevents.1.2",
    ])
    func otherRunIsNotTouched(_ name: String) throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write("x", name)
        let error = try #require(throws: RunDirectoryError.self) { try RunDirectory(path) }
        #expect("\(error)".contains(name) && "\(error)".contains("--overwrite"))
        #expect(exists(name))
    }

    @Test func filesOfOthersAreNoRun() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write("x", "notes.txt")
        try write("x", "checkpoint_mine.safetensors")
        _ = try RunDirectory(path)
    }

    @Test func overwritingRemovesTheRunAndNothingElse() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try RunDirectory(path).prepare()
        try write("x", "log.txt")
        try write("x", "notes.txt")
        try write("x", "checkpoint_mine.safetensors")
        try writeCheckpoint(
            "checkpoint_last.safetensors", metadata: [TrainingCheckpoint.stateKey: "{}"])
        do {
            let directory = try RunDirectory(path, .overwriting)
            // Not before the new run has begun.
            #expect(exists("log.txt") && exists("checkpoint_last.safetensors"))
            try directory.prepare()
        }
        #expect(!exists("log.txt") && !exists("checkpoint_last.safetensors"))
        #expect(exists("notes.txt") && exists("checkpoint_mine.safetensors"))
        // Weights from elsewhere under a name of ours.
        try writeCheckpoint("checkpoint_best.safetensors", metadata: [:])
        #expect(
            throws: RunDirectoryError.foreignFile(path: path + "/checkpoint_best.safetensors")
        ) { try RunDirectory(path, .overwriting) }
        #expect(exists("checkpoint_best.safetensors"))
    }

    /// A file under a name of ours where no run has ever been.
    @Test func filesOfOthersAreNotOverwritten() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write("mine", "log.txt")
        #expect(throws: RunDirectoryError.self) { try RunDirectory(path) }
        #expect(throws: RunDirectoryError.foreignFile(path: path + "/log.txt")) {
            try RunDirectory(path, .overwriting)
        }
        #expect(exists("log.txt"))
    }

    @Test func secondRunIsRefused() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            let first = try RunDirectory(path)
            for start in [RunDirectory.Start.new, .overwriting, .resuming] {
                let error = try #require(throws: DirectoryLockError.self) {
                    try RunDirectory(path, start)
                }
                #expect("\(error)".contains("process \(getpid()) on "), "\(error)")
            }
            withExtendedLifetime(first) {}
        }
        _ = try RunDirectory(path)
    }

    /// A temporary file whose writer is gone is removed; one that is being written, and one that is no
    /// file of a run, stay.
    @Test func abandonedFilesAreRemoved() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let stale = "checkpoint_last.safetensors.tmp-\(UUID().uuidString)"
        let foreign = "thesis.tmp-\(UUID().uuidString)"
        let alike = "log.txt.tmp-mine"
        for name in [stale, foreign, alike] { try write("x", name) }
        try writeAtomically(to: path + "/config.yaml") { _ in
            let names = try FileManager.default.contentsOfDirectory(atPath: path)
            let live = try #require(names.first { $0.hasPrefix("config.yaml.tmp-") })
            _ = try RunDirectory(path)
            #expect(exists(live) && !exists(stale) && exists(foreign) && exists(alike))
        }
    }
}
