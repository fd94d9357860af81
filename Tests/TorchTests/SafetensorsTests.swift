import Files
import Foundation
import Testing

@testable import Torch

@Suite struct SafetensorsTests {
    static func temporaryPath() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID().uuidString).safetensors"
        ).path
    }

    @Test func roundTripKeepsTypesShapesAndMetadata() throws {
        let path = Self.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let tensors: [String: Tensor] = [
            "a": Tensor([1, 2, 3] as [Float]), "b": Tensor([7] as [Int64], shape: []),
            "c": Tensor([1, 0, 1] as [UInt8], shape: [3, 1]), "d": .zeros([0, 4]),
            "half": Tensor([0.5] as [Float]).to(dtype: .bfloat16), "flag": Tensor([true, false]),
        ]
        try writeSafetensors(tensors, metadata: ["note": "a \"quoted\" / text"], to: path)
        let file = try SafetensorsFile(path: path)
        var metadata = file.metadata
        #expect(metadata.removeValue(forKey: SafetensorsFile.checksumKey)?.count == 32)
        #expect(metadata == ["note": "a \"quoted\" / text"])
        #expect(file.keys == tensors.keys.sorted())
        for (key, tensor) in tensors {
            let read = try file.tensor(key)
            #expect(read.dtype == tensor.dtype)
            #expect(read.shape == tensor.shape)
            #expect(try read.array(of: Double.self) == tensor.array(of: Double.self))
        }
        #expect(throws: SafetensorsError.missingTensor(path: path, key: "z")) {
            try file.tensor("z")
        }
    }

    /// Headers that lie about the file, each refused with its own reason.
    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "another size"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "outside the file"),
        (#"{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}"#, 4, "unknown type"),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "shape"),
        (
            #"{"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,4]}}"#, 4,
            "shape"
        ),
        (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2, "gaps"),
        (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 2, "follow"),
        (
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            2, "overlap"
        ),
        (#"[1, 2]"#, 0, "no valid JSON"),
        (#"{"a":"#, 0, "no valid JSON"),
    ]) func malformedHeader(_ header: String, _ bytes: Int, _ reason: String) throws {
        let path = Self.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        var data = Data()
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(contentsOf: header.utf8)
        data.append(Data(count: bytes))
        try data.write(to: URL(fileURLWithPath: path))
        let error = try #require(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
        #expect("\(error)".contains(reason), "\(error)")
    }

    /// Neither a cut file nor a changed byte crashes the reader; what it accepts it can read.
    @Test func fuzzedFilesNeverCrash() throws {
        let path = Self.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try writeSafetensors(
            ["x": Tensor([1, 2, 3, 4] as [Float]), "y": Tensor([1] as [Int64])],
            metadata: ["k": "v"],
            to: path)
        let original = try Data(contentsOf: URL(fileURLWithPath: path))
        var random = SystemRandomNumberGenerator()
        for round in 0..<1500 {
            var data = original
            switch round % 3 {
            case 0: data = data.prefix(Int.random(in: 0..<data.count, using: &random))
            case 1:
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    data[Int.random(in: 0..<data.count, using: &random)] = .random(
                        in: 0...255, using: &random)
                }
            default: data = Data((0..<Int.random(in: 0...200)).map { _ in .random(in: 0...255) })
            }
            try data.write(to: URL(fileURLWithPath: path))
            guard let file = try? SafetensorsFile(path: path) else { continue }
            for key in file.keys {
                _ = try file.tensor(key).to(dtype: .float32).array(of: Float.self)
            }
        }
    }

    @Test func failedWriteLeavesTheOldFile() throws {
        let path = Self.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try writeSafetensors(["x": .ones([1])], to: path)
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let broken = Tensor.ones([2, 3]).matmul(.ones([2, 3]))
        #expect(throws: TorchError.self) { try writeSafetensors(["x": broken], to: path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        #expect(throws: SafetensorsError.self) {
            try writeSafetensors(["x": .ones([1])], to: "/no/such/directory/x.safetensors")
        }
        // A full disk: the device takes nothing.
        #expect(throws: FileWritingError.self) {
            try writeAtomically(to: path) { _ in
                throw FileWritingError(path: path, reason: "No space left")
            }
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        let directory = (path as NSString).deletingLastPathComponent
        let left = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(!left.contains { $0.hasPrefix((path as NSString).lastPathComponent + ".tmp") })
    }

    @Test func loadingListsEverythingThatDoesNotFit() throws {
        let store = try ParameterStore()
        _ = Linear(store.root["a"], 2, 2)
        _ = Linear(store.root["b"], 2, 2)
        let before = try store["a.weight"]?.array(of: Float.self)
        let error = try #require(throws: StateDictionaryError.self) {
            try store.load([
                "a.weight": .ones([2, 2]), "a.bias": .ones([3]), "b.weight": .ones([2, 2]),
                "c.weight": .ones([1]),
            ])
        }
        #expect(error.missing == ["b.bias"])
        #expect(error.unexpected == ["c.weight"])
        #expect(error.mismatched == [.init(key: "a.bias", expected: [2], found: [3])])
        #expect(try store["a.weight"]?.array(of: Float.self) == before)
        let report = try store.load(
            ["a.weight": .ones([2, 2]), "extra": .ones([1])],
            allowingMissing: ["a.bias", "b."], allowingUnexpected: ["extra"])
        #expect(report.taken == ["a.weight"])
        #expect(report.initialized == ["a.bias", "b.weight", "b.bias"])
        #expect(report.unused == ["extra"])
    }
}
