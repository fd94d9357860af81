import Files
import Foundation
import Torch
import ViCHA
import Yams

/// Why a configuration file cannot be used.
public enum ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    case malformed(file: String, reason: String)
    case wrongType(file: String, key: String, expected: String)
    case missingFile(file: String, key: String, value: String, searched: [String])
    case invalidOverride(String)

    /// What happened, where, and what to do about it.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "cannot read the configuration '\(file)': \(reason)"
        case .malformed(let file, let reason): "'\(file)' is no valid YAML: \(reason)"
        case .wrongType(let file, let key, let expected):
            "'\(file)', key '\(key)': \(expected)"
        case .missingFile(let file, let key, let value, let searched):
            "'\(file)', key '\(key)': there is no file '\(value)'; looked at "
                + searched.joined(separator: ", ")
        case .invalidOverride(let text):
            "'\(text)' is no setting of the form key=value, such as batch_size=8 or optimizer.lr=1e-5"
        }
    }
}

/// Reading of configuration files: the official ones unchanged, and this project's.
public enum ConfigurationFile {
    /// A configuration and what is worth a warning in its file.
    public struct Loaded: Sendable {
        /// The values.
        public let configuration: PretrainingConfiguration
        /// Keys that mean nothing here, with the nearest that does.
        public let warnings: [String]
    }

    /// Keys of the official files that other tasks read; pretraining passes over them.
    static let keysOfOtherTasks: Set<String> = [
        "answer_list", "batch_size_test", "batch_size_train", "coco_file", "det_file", "distill",
        "dual_metrics", "eos", "eval_ema", "image_root", "k_test", "refcoco_data", "test_file",
        "val_file", "vg_root", "vqa_root", "warm_up", "model_mae", "avoid_optim",
    ]

    /// Reads a YAML file.
    ///
    /// `bert_config` may name a JSON file, looked for beside the YAML file, in the directory above
    /// it and in the current one, or hold the sizes themselves.
    ///
    /// - Parameters:
    ///   - path: the file
    ///   - overrides: settings of the form `key=value`, with dots into sections
    /// - Throws: ``ConfigurationError``
    public static func load(_ path: String, overrides: [String] = []) throws -> Loaded {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            throw ConfigurationError.unreadable(
                file: path,
                reason: exists ? (error as NSError).localizedDescription : "there is no such file")
        }
        var root: Node
        do {
            root = try Yams.compose(yaml: text) ?? Node([(Node, Node)]())
        } catch {
            throw ConfigurationError.malformed(file: path, reason: "\(error)")
        }
        guard root.mapping != nil else {
            throw ConfigurationError.malformed(
                file: path, reason: "it is no mapping of keys to values")
        }
        for override in overrides { try apply(override, to: &root) }
        try resolveBert(&root, path: path)
        do {
            let configuration = try YAMLDecoder().decode(PretrainingConfiguration.self, from: root)
            return Loaded(configuration: configuration, warnings: warnings(root, path: path))
        } catch let error as DecodingError {
            throw configurationError(error, path: path)
        }
    }

    /// Writes a configuration with every value spelled out.
    /// - Throws: ``FileWritingError``
    public static func write(_ configuration: PretrainingConfiguration, to path: String) throws {
        let text = try YAMLEncoder().encode(configuration)
        try writeAtomically(to: path) { write in
            try Array(text.utf8).withUnsafeBytes { try write($0) }
        }
    }

    private static func apply(_ override: String, to root: inout Node) throws {
        let parts = override.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let value = try? Yams.compose(yaml: parts[1]) else {
            throw ConfigurationError.invalidOverride(override)
        }
        func set(_ node: inout Node, _ keys: ArraySlice<String>) {
            guard let key = keys.first else {
                node = value
                return
            }
            if node.mapping == nil { node = Node([(Node, Node)]()) }
            var child = node[key] ?? Node([(Node, Node)]())
            set(&child, keys.dropFirst())
            node[key] = child
        }
        set(&root, parts[0].split(separator: ".").map(String.init)[...])
    }

    /// Puts the sizes of the BERT configuration file in the place of its name.
    private static func resolveBert(_ root: inout Node, path: String) throws {
        let key = PretrainingConfiguration.CodingKeys.bert.rawValue
        guard let name = root[key]?.string else {
            if root[key] == nil { root[key] = Node([(Node, Node)]()) }
            return
        }
        let directory = (path as NSString).deletingLastPathComponent
        let parent = (directory as NSString).appendingPathComponent("..")
        let places = [
            name, (directory as NSString).appendingPathComponent(name),
            (parent as NSString).appendingPathComponent(name),
            (directory as NSString).appendingPathComponent((name as NSString).lastPathComponent),
        ]
        guard let place = places.first(where: FileManager.default.fileExists) else {
            throw ConfigurationError.missingFile(
                file: path, key: key, value: name, searched: places)
        }
        do {
            // JSON is YAML.
            root[key] = try Yams.compose(yaml: String(contentsOfFile: place, encoding: .utf8))
        } catch {
            throw ConfigurationError.malformed(file: place, reason: "\(error)")
        }
    }

    private static func warnings(_ root: Node, path: String) -> [String] {
        let known =
            PretrainingConfiguration.CodingKeys.allCases.map(\.rawValue)
            + ModelConfiguration.CodingKeys.allCases.map(\.rawValue)
        func unknown(_ node: Node?, _ known: [String], _ section: String) -> [String] {
            (node?.mapping?.keys.compactMap(\.string) ?? []).filter { !known.contains($0) }.map {
                key in
                let nearest = known.min { distance($0, key) < distance($1, key) } ?? ""
                return "'\(path)': the key '\(section)\(key)' is unknown and has no effect; "
                    + "the nearest known key is '\(section)\(nearest)'"
            }
        }
        return unknown(root, known + keysOfOtherTasks, "")
            + unknown(
                root["optimizer"],
                PretrainingConfiguration.Optimizer.CodingKeys.allCases.map(\.rawValue),
                "optimizer.")
            + unknown(
                root["augmentation"],
                PretrainingConfiguration.Augmentation.CodingKeys.allCases.map(\.rawValue),
                "augmentation.")
            + unknown(
                root["schedular"],
                LearningRateSchedule.Configuration.CodingKeys.allCases.map(\.rawValue), "schedular."
            )
    }

    /// Levenshtein distance.
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let cost = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(cost, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }

    private static func configurationError(_ error: DecodingError, path: String)
        -> ConfigurationError
    {
        func key(_ path: [any CodingKey]) -> String {
            path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .typeMismatch(let type, let context):
            return .wrongType(
                file: path, key: key(context.codingPath),
                expected: "expected a value of type \(type). \(context.debugDescription)")
        case .valueNotFound(let type, let context):
            return .wrongType(
                file: path, key: key(context.codingPath),
                expected: "expected a \(type), found nothing")
        case .keyNotFound(let missing, let context):
            return .wrongType(
                file: path, key: key(context.codingPath + [missing]), expected: "it is missing")
        case .dataCorrupted(let context):
            return .wrongType(
                file: path, key: key(context.codingPath), expected: context.debugDescription)
        @unknown default:
            return .malformed(file: path, reason: "\(error)")
        }
    }
}
