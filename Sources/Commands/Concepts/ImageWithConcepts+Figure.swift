import Concepts
import Foundation
import Reports

extension ImageWithConcepts {
    /// The image with its concepts, whose bars show cosines as shares of the best one's.
    /// - Throws: `ImageError`
    func figure() throws -> String {
        let best = max(concepts.first?.score ?? 0, 1e-6)
        return try Figure(
            images: [.thumbnail(path)], caption: path,
            bars: concepts.map {
                .init(
                    name: $0.name, label: String(format: "%.3f", $0.score),
                    share: Double($0.score / best))
            }
        ).html()
    }
}
