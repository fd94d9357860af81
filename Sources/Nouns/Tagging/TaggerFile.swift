import Files
import Foundation

/// The file of a tagger: a line with the version and the number of features, then a line for each
/// feature with its template, its values and the tags' weights, separated by tabs.
extension PerceptronTagger {
    private static let title = "vicha tagger 1"

    /// The tagger that comes with the package, trained on the examples and definitions of WordNet.
    /// - Throws: ``NounError/malformedTagger(path:line:reason:)``
    public static func standard() throws -> PerceptronTagger {
        guard let path = Bundle.module.path(forResource: "tagger", ofType: "txt") else {
            throw NounError.malformedTagger(
                path: Bundle.module.bundlePath + "/tagger.txt", line: 1,
                reason: "it is not there; build the package again")
        }
        return try PerceptronTagger(path: path)
    }

    /// Reads a file of ``TaggerTraining``.
    /// - Throws: ``NounError/malformedTagger(path:line:reason:)``
    public init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw NounError.malformedTagger(path: path, line: 1, reason: "it cannot be read")
        }
        var weights = FeatureWeights()
        let lines = String(decoding: data, as: UTF8.self).utf8.split(separator: UInt8(ascii: "\n"))
        func malformed(_ line: Int, _ reason: String) -> NounError {
            .malformedTagger(path: path, line: line + 1, reason: reason)
        }
        let header = lines.first.map { Substring($0).split(separator: "\t") } ?? []
        guard header.count == 2, header[0] == Self.title, let count = Int(header[1]) else {
            throw malformed(0, "'\(Self.title)' and a number are expected")
        }
        guard lines.count - 1 == count else {
            throw malformed(
                lines.count - 1, "\(count) features are expected, \(lines.count - 1) found")
        }
        for (index, line) in lines.enumerated().dropFirst() {
            let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            guard fields.count == 3 else { throw malformed(index, "three fields are expected") }
            let values = fields[1].split(separator: UInt8(ascii: " ")).map { Substring($0) }
            let (number, isNew) = weights.insert(
                FeatureContext.hash(template: Substring(fields[0]), values: values))
            guard isNew else { throw malformed(index, "the feature was there before") }
            for item in fields[2].split(separator: UInt8(ascii: " ")) {
                let parts = Substring(item).split(separator: ":")
                guard parts.count == 2, let tag = OpenTag(text: parts[0]),
                    let weight = Float(parts[1]), weight.isFinite
                else { throw malformed(index, "a tag and a weight are expected") }
                weights.values[number * FeatureWeights.tagCount + tag.rawValue] = weight
            }
        }
        self.init(weights)
    }

    /// Writes features with the weights that matter, in the order of their texts.
    ///
    /// - Parameters:
    ///   - features: templates and values of the features, in the order of their numbers
    ///   - weights: [features, tags]
    ///   - least: absolute value that a weight must exceed; small weights are most of a file and
    ///     change no score
    static func write(
        _ features: [(template: String, values: [String])], _ weights: [Float], least: Float,
        to path: String
    ) throws {
        var lines: [String] = []
        for (number, feature) in features.enumerated() {
            let kept = OpenTag.allCases.compactMap { tag -> String? in
                let weight = weights[number * FeatureWeights.tagCount + tag.rawValue]
                guard abs(weight) > least else { return nil }
                return "\(tag.text):\((weight * 100).rounded() / 100)"
            }
            guard !kept.isEmpty else { continue }
            lines.append(
                [
                    feature.template, feature.values.joined(separator: " "),
                    kept.joined(separator: " "),
                ].joined(separator: "\t"))
        }
        lines.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let text = (["\(title)\t\(lines.count)"] + lines).joined(separator: "\n") + "\n"
        try writeAtomically(Data(text.utf8), to: path)
    }
}
