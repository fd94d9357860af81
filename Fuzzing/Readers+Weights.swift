import Files
import Foundation
import Text
import Torch
import Training

extension Reader {
    /// Files of weights and of training runs.
    static let weights: [Reader] = [
        Reader(
            name: "safetensors", file: "a.safetensors", form: .binary,
            seeds: { directory in
                [try safetensors(in: directory)] + WeightForms.heads.map { $0 + Data(count: 600) }
            }, repair: SafetensorsRepair.headerLength,
            uses: [
                { input in
                    let file = try SafetensorsFile(path: input.path)
                    for (_, tensor) in try file.tensors() { _ = try tensor.array(of: Double.self) }
                },
                { try SafetensorsFile(path: $0.path).verifyChecksum() },
            ]),
        Reader(
            name: "checkpoint", file: "checkpoint.safetensors", form: .text,
            seeds: { directory in
                [
                    try safetensors(
                        in: directory,
                        metadata: [
                            "vicha.training_state": trainingState, "vicha.origin": origin,
                        ])
                ]
            }, repair: SafetensorsRepair.headerLength,
            uses: [
                { input in
                    let file = try SafetensorsFile(path: input.path)
                    var state = try TrainingCheckpoint.state(of: file)
                    try state.validate(batchCount: 10, path: input.path)
                    // What the next step of the run does.
                    state.step += 1
                    state.epoch += 1
                    state.skippedImages += 1
                    state.metrics.add("loss", 1)
                    _ = state.metrics.means
                },
                { input in
                    let file = try SafetensorsFile(path: input.path)
                    guard let found = try TrainingCheckpoint.origin(of: file) else { return }
                    let now = TrainingCheckpoint.Origin(
                        configuration: "a: 1\n", dataChecksum: "", vocabulary: found.vocabulary,
                        precision: "float32")
                    _ = now.differences(from: found)
                    _ = try TrainingCheckpoint.open(input.path, vocabulary: found.vocabulary)
                },
            ]),
        Reader(
            name: "zip", file: "a.zip", form: .binary, seeds: { _ in zipArchives },
            uses: [
                { input in
                    let archive = try ZipArchive(path: input.path)
                    for name in archive.names { _ = try archive.data(of: name) }
                }
            ]),
        Reader(
            name: "torch", file: "a.pt", form: .binary, seeds: { _ in zipArchives },
            uses: [
                { input in
                    let archive = try TorchArchive(path: input.path)
                    _ = archive.isScript
                    for (_, tensor) in try archive.tensors() { _ = try tensor.checked() }
                }
            ]),
    ]

    private static let trainingState = """
        {"epoch":1,"iteration":2,"step":12,"seed":7,"recordCount":40,"batchSize":4,"stepsPerEpoch":10,\
        "metrics":{"sums":{"loss":2.5},"counts":{"loss":2}},"skippedImages":0,\
        "best":{"score":0.5,"epoch":0}}
        """
    private static let origin = """
        {"configuration":"a: 2\\nb: [1, 2]\\nc: {d: 0.5}\\n","dataChecksum":"00ff",\
        "vocabulary":{"file":"vocab.txt","size":7,"checksum":"0123456789abcdef"}}
        """

    /// A file with tensors of several types.
    static func safetensors(in directory: String, metadata: [String: String] = [:]) throws -> Data {
        let path = directory + "/whole.safetensors"
        try writeSafetensors(
            [
                "a.weight": Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]),
                "b": .zeros([4], dtype: .int64), "c": .ones([2, 2], dtype: .bfloat16),
                "d": .zeros([], dtype: .float64), "e": .zeros([0, 3], dtype: .uint8),
                "f": .ones([3], dtype: .bool),
            ], metadata: metadata, to: path)
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    private static var zipArchives: [Data] {
        func tensor(_ storage: String, key: String, shape: [Int], strides: [Int]) -> PickleValue {
            .built(
                "torch._utils._rebuild_tensor_v2",
                arguments: [
                    .built(
                        PickleValue.persistentName,
                        arguments: [
                            .list([
                                .string("storage"), .built(storage, arguments: [], state: nil),
                                .string(key), .string("cpu"), .int(6),
                            ])
                        ], state: nil), .int(0), .list(shape.map(PickleValue.int)),
                    .list(strides.map(PickleValue.int)), .bool(false), .dictionary([:]),
                ], state: nil)
        }
        let pickle = PickleWriter.data(
            .dictionary([
                "model": .dictionary([
                    "a": tensor("torch.FloatStorage", key: "0", shape: [2, 3], strides: [3, 1]),
                    "b": tensor("torch.LongStorage", key: "1", shape: [3], strides: [1]),
                ]), "epoch": .int(3),
            ]))
        let files = [
            ("a/data.pkl", pickle), ("a/byteorder", Data("little".utf8)),
            ("a/data/0", Data(count: 24)), ("a/data/1", Data(count: 24)),
            ("a/version", Data("3".utf8)),
        ]
        return [StoredZip.data(files), StoredZip.data(files, isLarge: true)]
    }
}

/// Beginnings of files that are told apart from those of weights.
private enum WeightForms {
    static let heads: [Data] = [
        Data([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]), Data([0x89, 0x48, 0x44, 0x46]),
        Data([0x93]) + Data("NUMPY".utf8), Data("version https://git-lfs".utf8),
        Data("<!DOCTYPE html>".utf8), Data(count: 257) + Data("ustar".utf8),
    ]
}

/// The header of a safetensors file.
private enum SafetensorsRepair {
    /// States the length that the header has now: up to the last brace before bytes that are no text.
    static func headerLength(_ bytes: inout [UInt8]) {
        guard bytes.count > 8 else { return }
        let text = bytes[8...].prefix { $0 >= 0x20 || $0 == 0x0a }
        guard let end = text.lastIndex(of: UInt8(ascii: "}")) else { return }
        let length = bytes[(end + 1)...].prefix { $0 == 0x20 }.endIndex - 8
        for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    }
}

/// Zip archives of files as they are (PKWARE APPNOTE 6.3), without checksums, which are not looked at.
private enum StoredZip {
    /// - Parameter isLarge: whether sizes stand in the fields of archives beyond 4 GiB
    static func data(_ files: [(name: String, content: Data)], isLarge: Bool = false) -> Data {
        var (archive, directory) = (Data(), Data())
        func append<Number: FixedWidthInteger>(_ numbers: Number..., to data: inout Data) {
            for number in numbers {
                withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) }
            }
        }
        for (name, content) in files {
            let (offset, size) = (UInt32(archive.count), UInt32(content.count))
            let length = UInt16(name.utf8.count)
            append(UInt32(0x0403_4b50), to: &archive)
            append(UInt16(20), 0, 0, 0, 0, to: &archive)
            append(UInt32(0), size, size, to: &archive)
            append(length, 0, to: &archive)
            archive.append(contentsOf: name.utf8)
            archive.append(content)
            append(UInt32(0x0201_4b50), to: &directory)
            append(UInt16(20), 20, 0, 0, 0, 0, to: &directory)
            append(UInt32(0), isLarge ? .max : size, isLarge ? .max : size, to: &directory)
            append(length, isLarge ? 28 : 0, 0, 0, 0, to: &directory)
            append(UInt32(0), isLarge ? .max : offset, to: &directory)
            directory.append(contentsOf: name.utf8)
            if isLarge {
                append(UInt16(1), 24, to: &directory)
                append(UInt64(size), UInt64(size), UInt64(offset), to: &directory)
            }
        }
        let (start, count) = (archive.count, files.count)
        archive.append(directory)
        if isLarge {
            let end = UInt64(archive.count)
            append(UInt32(0x0606_4b50), to: &archive)
            append(UInt64(44), to: &archive)
            append(UInt16(45), 45, to: &archive)
            append(UInt32(0), 0, to: &archive)
            append(
                UInt64(count), UInt64(count), UInt64(directory.count), UInt64(start), to: &archive)
            append(UInt32(0x0706_4b50), 0, to: &archive)
            append(end, to: &archive)
            append(UInt32(1), to: &archive)
        }
        append(UInt32(0x0605_4b50), to: &archive)
        append(UInt16(0), 0, UInt16(count), UInt16(count), to: &archive)
        append(UInt32(directory.count), UInt32(start), to: &archive)
        append(UInt16(0), to: &archive)
        return archive
    }
}
