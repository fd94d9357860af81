import Foundation
import Nouns
import Testing

/// Nouns of captions.
@Suite struct NounsTests {
    private struct Labelled: Decodable {
        let caption: String
        let heads: [String]
        let rootLemmas: [String]
    }

    private func labelled() throws -> [Labelled] {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/captions_nouns.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode([Labelled].self, from: Data(contentsOf: url))
    }

    private struct Score {
        var found = 0
        var wanted = 0
        var right = 0

        mutating func add(_ a: Set<String>, _ b: Set<String>) {
            found += a.count
            wanted += b.count
            right += a.intersection(b).count
        }

        var f1: Double { 200 * Double(right) / Double(found + wanted) }
    }

    @Test func labelledCaptions() throws {
        let wordNet = try WordNet()
        var extractor = NounExtractor(wordNet)
        var (roots, heads) = (Score(), Score())
        for item in try labelled() {
            let found = extractor.concepts(of: item.caption).heads
            heads.add(Set(found), Set(item.heads))
            roots.add(
                Set(
                    found.compactMap { $0.split(separator: " ").last.map(String.init) }
                        .map(wordNet.nounLemma)), Set(item.rootLemmas))
        }
        #expect(roots.f1 >= 93)
        #expect(heads.f1 >= 94)
    }
}
