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
        let error = try #require(throws: TorchArchiveError.self) {
            try TorchArchive(path: Self.fixtures + "/" + name).tensors()
        }
        #expect(error.reason.contains("names the class or function"), "\(error)")
        #expect("\(error)".contains(name))
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

    private static let oldPickle =
        Data([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]) + Data(count: 600)
    private static let tar = Data(count: 257) + Data("ustar\u{0}".utf8) + Data(count: 600)
    private static let forms: [(name: String, content: Data, what: String, remedy: String)] = [
        ("old.pth", oldPickle, "before PyTorch 1.6", "torch.save(torch.load("),
        ("older.pth", tar, "before PyTorch 0.1.10", "torch.save(torch.load("),
        ("tf_model.h5", Data([0x89]) + Data("HDF\r\n".utf8), "HDF5", "for PyTorch"),
        ("a.npy", Data([0x93]) + Data("NUMPY".utf8), "NumPy", "for PyTorch"),
        ("a.pt", Data("version https://git-lfs.github.com/spec/v1\n".utf8), "git-lfs", "pull"),
        ("b.pt", Data("<!DOCTYPE html><html>".utf8), "page of a web server", "again"),
        ("c.pt", Data([0x80, 4]) + Data("\u{95}}\u{94}.".utf8), "none of torch.save", "library"),
        ("d.pt", Data([0xff, 0xd8, 0xff, 0xe0, 0, 16]), "is an image", "with the weights"),
        ("vocab.txt", Data("[PAD]\ncat\n".utf8), "is a text", "with the weights"),
    ]

    /// What is no file of torch.save, or none that is read, says what it is and what to do.
    @Test(arguments: forms.indices) func otherFilesSayWhatTheyAre(_ index: Int) throws {
        let (name, content, what, remedy) = Self.forms[index]
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/" + name
        try content.write(to: URL(fileURLWithPath: path))
        let error = try #require(throws: TorchArchiveError.self) { try TorchArchive(path: path) }
        #expect("\(error)".contains(what) && "\(error)".contains(remedy), "\(error)")
        #expect("\(error)".contains(name))
        let other = try #require(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
        #expect("\(other)".contains(what) && "\(other)".contains(name), "\(other)")
    }

    /// Neither a damaged file nor a directory is called a zip archive.
    @Test func filesOfNoFormAreNoArchives() throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let path = directory + "/noise.pt"
        for content in [Data(), Data([1, 2, 3, 0xff, 0]), Data(count: 2000)] {
            try content.write(to: URL(fileURLWithPath: path))
            let error = try #require(throws: TorchArchiveError.self) {
                try TorchArchive(path: path)
            }
            #expect("\(error)".contains("no form that is known"), "\(error)")
        }
        let error = try #require(throws: TorchArchiveError.self) {
            try TorchArchive(path: directory)
        }
        #expect("\(error)".contains("directory"), "\(error)")
        let other = try #require(throws: SafetensorsError.self) {
            try SafetensorsFile(path: directory)
        }
        #expect("\(other)".contains("directory"), "\(other)")
    }

    /// Each form in the place of the other names the way to it.
    @Test func formsAreToldApart() throws {
        let zip = try #require(throws: SafetensorsError.self) {
            try SafetensorsFile(path: Self.fixtures + "/extra_zip.pth")
        }
        #expect("\(zip)".contains("torch.save") && "\(zip)".contains("save_file("), "\(zip)")
        let safetensors = try #require(throws: TorchArchiveError.self) {
            try TorchArchive(path: Self.fixtures + "/expected_extra.safetensors")
        }
        #expect("\(safetensors)".contains("a safetensors file"), "\(safetensors)")
    }
}
