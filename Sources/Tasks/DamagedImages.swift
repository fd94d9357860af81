import Datasets
import Foundation
import Images
import Torch

/// Images of an evaluation whose files are cut short or damaged, and which were read as far as they go, as
/// the official code reads them.
final class DamagedImages {
    /// Images that are named; of the others only the number is said.
    private static let named = 20

    private var reasons: [String] = []
    private var seen: Set<ImageError> = []

    /// Adds those of a batch; an image that comes again counts once.
    func add(_ damages: [ImageError]) {
        for damage in damages where seen.insert(damage).inserted {
            reasons.append(damage.description)
        }
    }

    /// Names the images on standard error, with their number at the end. Of several processes each
    /// names its own, and the first one gives the number of all.
    /// - Throws: `TorchError` where the processes cannot reach each other
    func report(_ processes: ProcessGroup? = nil) throws {
        var lines = Array(reasons.prefix(Self.named))
        if reasons.count > Self.named { lines.append("and \(reasons.count - Self.named) more") }
        var count = reasons.count
        if let processes {
            count = try Int(processes.sum(Tensor([Float(count)])).array(of: Float.self)[0])
        }
        if count > 0, processes?.rank ?? 0 == 0 { lines.append(Self.summary(count)) }
        let text = lines.map { $0 + "\n" }.joined()
        // The evaluation does not depend on anybody listening.
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// What is said at the end.
    static func summary(_ count: Int) -> String {
        "\(count) damaged \(count == 1 ? "image was" : "images were") evaluated as far as "
            + "\(count == 1 ? "it goes" : "they go"); replace \(count == 1 ? "it" : "them") for results "
            + "on whole images"
    }
}
