import Batches
import Foundation
import Torch
import ViCHA

/// Why a case cannot be run.
public enum ParityError: Error, CustomStringConvertible {
    case noCases(directory: String)
    case malformed(case: String, reason: String)

    /// Which case, and which of its fields cannot be used.
    public var description: String {
        switch self {
        case .noCases(let directory):
            "'\(directory)' holds no case: no folder in it has a case.json"
        case .malformed(let name, let reason): "case '\(name)' cannot be read: \(reason)"
        }
    }
}

/// A recorded case: a folder with `case.json` and tensor files.
struct ParityCase {
    let folder: URL
    /// Where models compute.
    let device: Device
    let kind: String
    let json: Data

    var name: String { folder.lastPathComponent }

    private struct Head: Decodable { let kind: String }

    init(folder: URL, device: Device) throws {
        self.folder = folder
        self.device = device
        json = try Data(contentsOf: folder.appendingPathComponent("case.json"))
        kind = try JSONDecoder().decode(Head.self, from: json).kind
    }

    /// The fields of `case.json` that a kind needs.
    func fields<Fields: Decodable>(_ type: Fields.Type = Fields.self) throws -> Fields {
        do {
            return try JSONDecoder().decode(Fields.self, from: json)
        } catch let error as DecodingError {
            throw ParityError.malformed(case: name, reason: Self.words(error))
        }
    }

    private static func words(_ error: DecodingError) -> String {
        let (keys, what): ([any CodingKey], String) =
            switch error {
            case .typeMismatch(_, let context): (context.codingPath, "a value of another form")
            case .valueNotFound(_, let context): (context.codingPath, "nothing")
            case .keyNotFound(let key, let context): (context.codingPath + [key], "missing")
            case .dataCorrupted(let context): (context.codingPath, context.debugDescription)
            @unknown default: ([], "unreadable")
            }
        let path = keys.map { $0.intValue.map(String.init) ?? $0.stringValue }
        return "case.json, '\(path.joined(separator: "."))': \(what)"
    }

    /// A tensor that must be there.
    func tensor(_ key: String, of tensors: [String: Tensor]) throws -> Tensor {
        guard let tensor = tensors[key] else {
            throw ParityError.malformed(case: name, reason: "there is no tensor '\(key)'")
        }
        return tensor
    }

    /// The ids and the mask of texts.
    func tokens(_ prefix: String, of tensors: [String: Tensor]) throws -> TokenBatch {
        TokenBatch(
            inputIDs: try tensor(prefix + "_input_ids", of: tensors),
            attentionMask: try tensor(prefix + "_attention_mask", of: tensors))
    }

    /// Images with their concepts, where these are wanted.
    func images(
        _ pixels: String, concepts: String, of tensors: [String: Tensor], usesConcepts: Bool
    ) throws -> ImageBatch {
        ImageBatch(
            pixels: try tensor(pixels, of: tensors),
            concepts: usesConcepts ? try tokens(concepts, of: tensors) : nil)
    }

    /// The tensors of one of the case's files, on the device.
    func tensors(_ file: String) throws -> [String: Tensor] {
        try SafetensorsFile(path: folder.appendingPathComponent(file).path).tensors()
            .mapValues { $0.to(device: device) }
    }
}
