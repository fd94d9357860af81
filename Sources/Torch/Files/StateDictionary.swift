import Files

/// Why named tensors do not fit a model.
public struct StateDictionaryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A tensor of another shape than the model's.
    public struct Mismatch: Equatable, Sendable {
        /// Key in the state dictionary.
        public let key: String
        /// Shape in the model.
        public let expected: [Int]
        /// Shape in the file.
        public let found: [Int]
    }

    /// Keys that the model has and the tensors lack.
    public var missing: [String] = []
    /// Keys that the model lacks.
    public var unexpected: [String] = []
    /// Keys whose shapes differ.
    public var mismatched: [Mismatch] = []
    /// Keys whose tensors have numbers that are not finite.
    public var notFinite: [String] = []
    /// The file that the tensors come from; nil where that is not known.
    public var file: String?

    /// Makes an error that lists keys.
    public init(
        missing: [String] = [], unexpected: [String] = [], mismatched: [Mismatch] = []
    ) {
        self.missing = missing
        self.unexpected = unexpected
        self.mismatched = mismatched
    }

    /// Which keys do not fit, with shapes, and which configuration to take.
    public var description: String {
        var lines: [String] = []
        func list(_ title: String, _ items: [String]) {
            guard !items.isEmpty else { return }
            let more = items.count > 8 ? " and \(items.count - 8) more" : ""
            lines.append(
                "\(items.count) \(title): "
                    + items.prefix(8).map { $0.excerpt(200) }.joined(separator: ", ") + more)
        }
        list(
            "of another shape",
            mismatched.map { "\($0.key) (model \($0.expected), file \($0.found))" })
        list("missing", missing)
        list("unknown to the model", unexpected)
        guard notFinite.isEmpty else {
            list("with numbers that are not finite", notFinite)
            return "the tensors" + (file.map { " in '\($0)'" } ?? "") + " cannot be computed with: "
                + lines.joined(separator: "; ")
                + ". Take an earlier checkpoint, or fetch the file again."
        }
        return "the tensors" + (file.map { " in '\($0)'" } ?? "") + " do not fit the model: "
            + lines.joined(separator: "; ")
            + ". Use the configuration that the checkpoint was trained with."
    }

    /// Does something with the tensors of a file, which errors then name.
    /// - Throws: what `body` throws
    @discardableResult
    public static func naming<Result>(_ file: String, _ body: () throws -> Result) throws -> Result
    {
        do {
            return try body()
        } catch var error as StateDictionaryError {
            error.file = error.file ?? file
            throw error
        }
    }
}

extension [String: Tensor] {
    /// Makes sure that weights can be computed with.
    /// - Throws: ``StateDictionaryError`` with every tensor that has a number that is not finite,
    ///   ``TorchError``
    public func checkFinite() throws {
        var error = StateDictionaryError()
        for (key, tensor) in self where try !tensor.isFinite().all().array(of: Bool.self)[0] {
            error.notFinite.append(key)
        }
        error.notFinite.sort()
        guard error.notFinite.isEmpty else { throw error }
    }
}

extension ParameterStore.Entry {
    /// Some writers leave out the second key of a tied tensor and fixed indices.
    fileprivate var canBeLeftOut: Bool {
        if case .alias = role { return true }
        return key.hasSuffix("position_ids")
    }
}

extension ParameterStore {
    /// What ``load(_:allowingMissing:allowingUnexpected:)`` did.
    public struct LoadReport: Equatable, Sendable {
        /// Keys whose values were taken.
        public var taken: [String] = []
        /// Keys of the model that keep their initial values.
        public var initialized: [String] = []
        /// Keys that were not used.
        public var unused: [String] = []
    }

    /// Sets every tensor to the one of the same key.
    ///
    /// - Parameters:
    ///   - tensors: values by key; converted to the model's types and device
    ///   - allowingMissing: prefixes of keys that may be absent and keep their values
    ///   - allowingUnexpected: prefixes of keys that may be there and are ignored
    /// - Throws: ``StateDictionaryError`` with every missing, unexpected and wrongly shaped key;
    ///   then no tensor has been changed.
    @discardableResult
    public func load(
        _ tensors: [String: Tensor], allowingMissing: [String] = [],
        allowingUnexpected: [String] = []
    ) throws -> LoadReport {
        var report = LoadReport()
        var error = StateDictionaryError()
        var pairs: [(Tensor, Tensor)] = []
        for entry in entries {
            guard let source = tensors[entry.key] else {
                if case .alias(let original) = entry.role, tensors[original] != nil { continue }
                if allowingMissing.contains(where: entry.key.hasPrefix) {
                    report.initialized.append(entry.key)
                } else if !entry.canBeLeftOut {
                    error.missing.append(entry.key)
                }
                continue
            }
            if source.shape == entry.tensor.shape {
                pairs.append((entry.tensor, source))
                report.taken.append(entry.key)
            } else {
                error.mismatched.append(
                    .init(key: entry.key, expected: entry.tensor.shape, found: source.shape))
            }
        }
        for key in tensors.keys.sorted() where self[key] == nil {
            if allowingUnexpected.contains(where: key.hasPrefix) {
                report.unused.append(key)
            } else {
                error.unexpected.append(key)
            }
        }
        guard error == StateDictionaryError() else { throw error }
        try withoutGradient {
            try initializePending(except: Set(report.taken))
            for (target, source) in pairs { try target.copy(from: source) }
        }
        return report
    }
}
