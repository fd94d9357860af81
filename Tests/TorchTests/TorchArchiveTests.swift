import Files
import Foundation
import Testing
import Torch

/// Files of `torch.save` in its zip form; the fixtures are of the parity case `checkpoint_pth`.
@Suite struct TorchArchiveTests {
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures").path

    /// Views, shared storages, every type, an empty tensor, a scalar.
    @Test func oddTensorsAreRead() throws {
        let found = try TorchArchive(path: Self.fixtures + "/extra_zip.pth").tensors()
        let expected = try SafetensorsFile(path: Self.fixtures + "/expected_extra.safetensors")
        #expect(expected.keys.count == 13)
        for key in expected.keys {
            let wanted = try expected.tensor(key)
            let tensor = try #require(found["model." + key] ?? found[key], "\(found.keys)")
            #expect(tensor.shape == wanted.shape && tensor.dtype == wanted.dtype, "\(key)")
            let (a, b) = try (tensor.array(of: Double.self), wanted.array(of: Double.self))
            #expect(a == b, "\(key)")
        }
    }

    /// Nothing of a file is run: what names a function is refused.
    @Test(arguments: ["malicious_system_zip.pth", "malicious_eval_zip.pth"])
    func callsAreRefused(_ name: String) throws {
        let error = try #require(throws: PickleError.self) {
            try TorchArchive(path: Self.fixtures + "/" + name).tensors()
        }
        #expect(error.reason.contains("names the class or function"), "\(error)")
    }

    /// Cut anywhere, or with any byte of its directory changed, a file gives an error or the tensors,
    /// and never ends the process.
    @Test func damagedArchivesAreRefused() throws {
        let whole = try Data(contentsOf: URL(fileURLWithPath: Self.fixtures + "/extra_zip.pth"))
        let path = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        for length in stride(from: 0, to: whole.count - 1, by: 97) {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            #expect(throws: (any Error).self) { try TorchArchive(path: path).tensors() }
        }
        var refused = 0
        for offset in stride(from: 0, to: whole.count, by: 13) {
            var damaged = whole
            damaged[offset] ^= 0xff
            try damaged.write(to: URL(fileURLWithPath: path))
            do {
                _ = try TorchArchive(path: path).tensors()
            } catch {
                refused += 1
            }
        }
        #expect(refused > 50)
    }
}
