import Files
import Foundation

/// Why a file of `torch.save` or `torch.jit.save` cannot be read.
public struct TorchArchiveError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What is wrong.
    public let reason: String

    /// Which archive cannot be read, and why.
    public var description: String { "cannot read the weights in '\(path)': \(reason)" }
}

/// A file of `torch.save` in its zip form, or a TorchScript archive of `torch.jit.save`.
///
/// Its pickle is read as a note of what is to be built; only tensors are, by this program. A file
/// that names anything else is refused, and nothing of it is ever run.
public struct TorchArchive {
    private let archive: ZipArchive
    private let prefix: String

    private static let rebuildTensor = "torch._utils._rebuild_tensor_v2"
    private static let rebuildParameter = "torch._utils._rebuild_parameter"
    private static let storages: [String: DType] = [
        "torch.FloatStorage": .float32, "torch.HalfStorage": .float16,
        "torch.BFloat16Storage": .bfloat16, "torch.DoubleStorage": .float64,
        "torch.LongStorage": .int64, "torch.IntStorage": .int32, "torch.ShortStorage": .int16,
        "torch.CharStorage": .int8, "torch.ByteStorage": .uint8, "torch.BoolStorage": .bool,
    ]

    /// Opens a file.
    /// - Throws: ``TorchArchiveError``, `ZipError`
    public init(path: String) throws {
        switch WeightFileForm(path: path) {
        case .zip?: break
        case let form?:
            throw TorchArchiveError(
                path: path,
                reason: "it is \(form.name). \(form.remedyForTorch(path: path))")
        case nil:
            var reason = "it has no form that is known here. It may be damaged; fetch it again."
            do {
                _ = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).read(upToCount: 1)
            } catch {
                reason = FileWritingError.describe(error)
            }
            throw TorchArchiveError(path: path, reason: reason)
        }
        archive = try ZipArchive(path: path)
        let suffix = "/data.pkl"
        guard let name = archive.names.first(where: { $0.hasSuffix(suffix) }) else {
            throw TorchArchiveError(
                path: path, reason: "it is a zip archive, but none of torch.save")
        }
        prefix = String(name.dropLast(suffix.count))
        if archive.names.contains(prefix + "/byteorder") {
            let order = try archive.data(of: prefix + "/byteorder")
            guard order == Data("little".utf8) else {
                throw TorchArchiveError(path: path, reason: "its numbers are big-endian")
            }
        }
    }

    /// Whether it is a program of `torch.jit.save`, and not only what it computes with.
    public var isScript: Bool { archive.names.contains(prefix + "/constants.pkl") }

    /// Every tensor under the names that lead to it, joined by dots: the keys of a state dictionary.
    /// - Throws: ``TorchArchiveError``, `ZipError`, ``TorchError``
    public func tensors() throws -> [String: Tensor] {
        let root: PickleValue
        do {
            root = try PickleReader.value(
                of: archive.data(of: prefix + "/data.pkl"), allowing: Self.isHarmless)
        } catch let error as PickleError {
            throw TorchArchiveError(
                path: archive.path,
                reason:
                    "its pickle is refused at byte \(error.offset), since \(error.reason). Only "
                    + "tensors, numbers, texts, lists and dictionaries are read, and nothing of the "
                    + "file is run. If you trust it, save its state dictionary alone with PyTorch: "
                    + "torch.save(checkpoint['model'], …)")
        }
        var tensors: [String: Tensor] = [:]
        try collect(root, path: [], into: &tensors)
        return tensors
    }

    /// Names of classes and functions that may stand in a file of tensors.
    private static func isHarmless(_ name: String) -> Bool {
        name == "collections.OrderedDict" || name == rebuildTensor || name == rebuildParameter
            || storages[name] != nil
            // TorchScript's classes, which only carry attributes, and its typed lists.
            || name.hasPrefix("__torch__.") || name.hasPrefix("torch.jit._pickle.")
    }

    private func collect(
        _ value: PickleValue, path: [String], into tensors: inout [String: Tensor]
    ) throws {
        switch value {
        case .dictionary(let entries):
            for entry in entries {
                guard let key = entry.key.text ?? entry.key.integer.map(String.init) else {
                    continue
                }
                try collect(entry.value, path: path + [key], into: &tensors)
            }
        case .built(let name, let arguments, let state):
            if name == Self.rebuildTensor {
                tensors[path.joined(separator: ".")] = try tensor(arguments)
            } else if name == Self.rebuildParameter, let inner = arguments.first {
                try collect(inner, path: path, into: &tensors)
            } else if let state {
                try collect(state, path: path, into: &tensors)
            }
        default: break
        }
    }

    /// The tensor of the arguments storage, offset, shape and strides, which count elements.
    private func tensor(_ arguments: [PickleValue]) throws -> Tensor {
        func malformed(_ reason: String) -> TorchArchiveError {
            TorchArchiveError(path: archive.path, reason: reason)
        }
        guard arguments.count >= 4,
            case .built(PickleValue.persistentName, let references, _) = arguments[0],
            let reference = references.first?.elements, reference.count >= 5,
            case .built(let storage, _, _) = reference[1], let dtype = Self.storages[storage],
            let key = reference[2].text, let offset = arguments[1].integer,
            let shape = arguments[2].elements?.compactMap(\.integer),
            let strides = arguments[3].elements?.compactMap(\.integer),
            shape.count == strides.count
        else { throw malformed("a tensor is described in an unknown way") }
        let bytes = try archive.bytes(of: prefix + "/data/" + key)
        guard offset >= 0, (shape + strides).allSatisfy({ $0 >= 0 }),
            let last = Self.lastElement(offset: offset, shape: shape, strides: strides),
            last < bytes.count / dtype.byteCount
        else { throw malformed("a tensor reaches beyond its storage '\(key.excerpt())'") }
        let shapeOfAll = [bytes.count / dtype.byteCount]
        let flat =
            Int(bitPattern: bytes.baseAddress) % dtype.byteCount == 0 && !bytes.isEmpty
            ? Tensor(borrowing: bytes, shape: shapeOfAll, dtype: dtype, owner: archive)
            : Tensor(bytes: bytes, shape: shapeOfAll, dtype: dtype)
        return try flat.strided(shape: shape, strides: strides, offset: offset).checked()
    }

    /// The index of the last element of a view, -1 for an empty one, nil where it overflows.
    private static func lastElement(offset: Int, shape: [Int], strides: [Int]) -> Int? {
        if shape.contains(0) { return -1 }
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (step, overflows) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflowsToo) = last.addingReportingOverflow(step)
            if overflows || overflowsToo { return nil }
            last = sum
        }
        return last
    }
}
