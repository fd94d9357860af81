import Concepts
import Datasets
import Images

/// Which of some image files can be read.
public enum ReadableImages {
    /// The images that can be read, and the others.
    public static func find(_ images: [String], pixelLimit: Int) throws -> (
        images: [String], skipped: [SkippedName]
    ) {
        let loader = PrefetchingLoader(0..<images.count, workers: 2, ahead: 8) { number in
            let path = images[number]
            do {
                _ = try ImageDecoder.decode(path: path, shortSide: 1, limit: pixelLimit)
                return SkippedName?.none
            } catch {
                return SkippedName(name: path, reason: "\(error)")
            }
        }
        defer { loader.stop() }
        var readable: [String] = []
        var skipped: [SkippedName] = []
        for image in images {
            guard let failure = try loader.next() else { break }
            if let failure { skipped.append(failure) } else { readable.append(image) }
        }
        return (readable, skipped)
    }
}
