import Files
import Foundation

/// A value of a JSON file of settings.
indirect enum SettingValue: Decodable, Equatable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([SettingValue])
    case section([String: SettingValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([SettingValue].self) {
            self = .list(value)
        } else {
            self = .section(try container.decode([String: SettingValue].self))
        }
    }

    /// As the file has it, shortened.
    var text: String {
        switch self {
        case .null: "null"
        case .flag(let value): "\(value)"
        case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
        case .text(let value): "'\(value.excerpt())'"
        case .list(let values):
            values.count > 8 ? "a list" : "[\(values.map(\.text).joined(separator: ", "))]"
        case .section: "a section"
        }
    }
}

/// A section of a settings file whose keys are read one by one, so that those nobody asked for can
/// be refused: a setting that is passed over in silence gives other embeddings than it should.
final class CLIPSettings {
    private let path: String
    /// Names of the sections around, each with a dot behind it.
    private let prefix: String
    private let values: [String: SettingValue]
    private var read: Set<String> = []

    /// Reads a file.
    /// - Throws: ``CLIPError``
    init(path: String) throws {
        self.path = path
        prefix = ""
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CLIPError.unknownLayout(path: path, reason: "it cannot be read")
        }
        guard let root = try? JSONDecoder().decode(SettingValue.self, from: data),
            case .section(let values) = root
        else { throw CLIPError.unknownLayout(path: path, reason: "it is no JSON object") }
        self.values = values
    }

    private init(path: String, prefix: String, values: [String: SettingValue]) {
        self.path = path
        self.prefix = prefix
        self.values = values
    }

    /// The value of a key; nil for null, as a key that is not there.
    private func value(_ key: String) -> SettingValue? {
        read.insert(key)
        return values[key] == .null ? nil : values[key]
    }

    private func invalid(_ key: String, _ value: SettingValue?, _ expected: String) -> CLIPError {
        .invalidSetting(
            path: path, setting: prefix + key.excerpt(), found: value?.text ?? "missing",
            expected: expected)
    }

    /// An error for a value that is understood and cannot be done.
    func unsupported(_ key: String, _ supported: String) -> CLIPError {
        .unsupportedSetting(
            path: path, setting: prefix + key.excerpt(), found: (values[key] ?? .null).text,
            supported: supported)
    }

    /// A whole number, which must be there where there is no default.
    func integer(_ key: String, default standard: Int? = nil) throws -> Int {
        let value = value(key)
        if value == nil, let standard { return standard }
        guard case .number(let number) = value, let integer = Int(exactly: number) else {
            throw invalid(key, value, "a whole number")
        }
        return integer
    }

    /// A number, nil where there is none.
    func number(_ key: String) throws -> Double? {
        guard let value = value(key) else { return nil }
        guard case .number(let number) = value else { throw invalid(key, value, "a number") }
        return number
    }

    /// A choice between yes and no.
    func flag(_ key: String, default standard: Bool) throws -> Bool {
        guard let value = value(key) else { return standard }
        guard case .flag(let flag) = value else { throw invalid(key, value, "true or false") }
        return flag
    }

    /// A text, nil where there is none.
    func text(_ key: String) throws -> String? {
        guard let value = value(key) else { return nil }
        guard case .text(let text) = value else { throw invalid(key, value, "a text") }
        return text
    }

    /// What a text of a file means.
    func choice<Choice>(
        _ key: String, default standard: String, _ choices: KeyValuePairs<String, Choice>
    ) throws -> Choice {
        let text = try text(key) ?? standard
        guard let choice = choices.first(where: { $0.key == text }) else {
            throw unsupported(
                key, "supported are \(choices.map { "'\($0.key)'" }.joined(separator: ", "))")
        }
        return choice.value
    }

    /// The side of a square: a number, or a list of one number or of two equal ones.
    func side(_ key: String, default standard: Int? = nil) throws -> Int {
        guard case .list(let values) = value(key) else {
            return try integer(key, default: standard)
        }
        guard case .number(let number) = values.first, values.count <= 2,
            let side = Int(exactly: number)
        else { throw invalid(key, .list(values), "a whole number or two") }
        guard values.allSatisfy({ $0 == values[0] }) else {
            throw unsupported(key, "only squares are")
        }
        return side
    }

    /// A number for each colour channel, or one for all; nil where there is none.
    func channels(_ key: String) throws -> [Float]? {
        guard let value = value(key) else { return nil }
        if case .number(let number) = value { return Array(repeating: Float(number), count: 3) }
        if case .list(let values) = value {
            let numbers = values.compactMap { value in
                if case .number(let number) = value { Float(number) } else { nil as Float? }
            }
            if numbers.count == 3, values.count == 3 { return numbers }
        }
        throw invalid(key, value, "a number or three, one for each colour")
    }

    /// A section, nil where there is none.
    func section(_ key: String) throws -> CLIPSettings? {
        guard let value = value(key) else { return nil }
        guard case .section(let values) = value else { throw invalid(key, value, "a section") }
        return CLIPSettings(path: path, prefix: "\(prefix)\(key).", values: values)
    }

    /// A section that must be there.
    func requiredSection(_ key: String) throws -> CLIPSettings {
        guard let section = try section(key) else { throw invalid(key, nil, "a section") }
        return section
    }

    /// Whether a key is there and not null.
    func has(_ key: String) -> Bool { value(key) != nil }

    /// Whether the value of a key is a section.
    func isSection(_ key: String) -> Bool {
        if case .section = value(key) { true } else { false }
    }

    /// A length given as a number, or as a section of two equal ones; nil where there is none.
    func length(_ key: String, _ first: String, _ second: String) throws -> Int? {
        guard has(key) else { return nil }
        guard isSection(key) else { return try integer(key) }
        let section = try requiredSection(key)
        let length = try section.integer(first)
        guard try section.integer(second) == length else {
            throw unsupported(key, "only squares are")
        }
        return length
    }

    /// Keys that change no embedding.
    func ignore(_ keys: String...) { read.formUnion(keys) }

    /// Keys that change embeddings unless they have one value or none.
    func require(_ keys: KeyValuePairs<String, SettingValue>) throws {
        for (key, harmless) in keys {
            guard let value = value(key), value != harmless else { continue }
            throw unsupported(
                key, harmless == .null ? "only files without it are" : "only \(harmless.text) is")
        }
    }

    /// Refuses the keys that nobody asked for.
    func refuseOthers() throws {
        guard let key = values.keys.sorted().first(where: { !read.contains($0) }) else { return }
        throw unsupported(key, "nothing is known of this setting")
    }
}
