import Foundation
import Parity
import Testing
import Torch

/// Every recorded case in `Fixtures`, through the product's own code.
@Suite struct ParityTests {
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures")
    static let resources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../.venv").path
    static let miniLM = resources + "/minilm"
    static let cases = ((try? FileManager.default.contentsOfDirectory(atPath: fixtures.path)) ?? [])
        .filter { !$0.contains(".") }.sorted()

    static var runner: ParityRunner {
        ParityRunner(
            .init(
                vocabulary: miniLM + "/vocab.txt", miniLM: miniLM,
                merges: resources + "/clip/merges.txt"))
    }

    @Test(arguments: cases) func recordedCase(_ name: String) throws {
        let report = Self.runner.run(Self.fixtures.appendingPathComponent(name))
        guard case .compared(let comparison) = report.outcome else {
            Issue.record("\(report)")
            return
        }
        #expect(comparison.count > 0)
        #expect(comparison.failures.isEmpty, "\(comparison.failures.prefix(5))")
    }

    @Test func thereAreCases() { #expect(Self.cases.count >= 49) }

    /// A comparison must be able to fail: the same case with one weight changed does.
    @Test func changedWeightFails() throws {
        let copy = FileManager.default.temporaryDirectory
            .appendingPathComponent("case-\(UUID().uuidString)")
        try FileManager.default.copyItem(
            at: Self.fixtures.appendingPathComponent("pretrain_noconcept"), to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        let path = copy.appendingPathComponent("weights.safetensors").path
        var tensors = try SafetensorsFile(path: path).tensors().mapValues { $0.cloned() }
        let key = "visual_encoder.blocks.2.mlp.fc1.bias"
        tensors[key] = try #require(tensors[key]) + 0.01
        try writeSafetensors(tensors, to: path)
        #expect(!Self.runner.run(copy).outcome.isAcceptable)
    }

    @Test func unknownKindIsReported() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("case-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(#"{"kind": "telepathy"}"#.utf8).write(
            to: folder.appendingPathComponent("case.json"))
        let report = Self.runner.run(folder)
        #expect(report.description.contains("kind 'telepathy' not supported yet"))
    }
}
