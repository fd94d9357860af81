import Datasets
import Images

/// Proposes boxes as an imperfect detector would: near every object, and some on nothing.
struct DetectionSampler {
    private static let falseBoxes = 3...5
    /// Most overlap (intersection over union) of a false box with an object.
    private static let falseOverlap = 0.3

    let side: Int

    /// `[x, y, width, height, score]` for each proposal, in random order.
    func detections(of boxes: [Box], using random: inout SeededGenerator) -> [[Double]] {
        var proposals = boxes.flatMap { box in
            (0..<(random.happens(0.3) ? 2 : 1)).map { _ in
                proposal(jittered(box, using: &random), random.uniform(0.6...1))
            }
        }
        let wanted = random.index(below: Self.falseBoxes.count) + Self.falseBoxes.lowerBound
        var tries = 100
        var found = 0
        while found < wanted, tries > 0 {
            tries -= 1
            let (width, height) = (random.uniform(0.12...0.45), random.uniform(0.12...0.45))
            let scale = Double(side)
            let box = Box(
                x: random.uniform(0...1 - width) * scale, y: random.uniform(0...1 - height) * scale,
                width: width * scale, height: height * scale)
            if boxes.allSatisfy({ box.overlap(with: $0) < Self.falseOverlap }) {
                proposals.append(proposal(box, random.uniform(0.3...0.8)))
                found += 1
            }
        }
        return proposals.shuffled(using: &random)
    }

    /// A box near another; two such boxes overlap by more than half.
    private func jittered(_ box: Box, using random: inout SeededGenerator) -> Box {
        let width = box.width * random.uniform(0.9...1.15)
        let height = box.height * random.uniform(0.9...1.15)
        let x = box.x + (box.width - width) / 2 + box.width * random.uniform(-0.08...0.08)
        let y = box.y + (box.height - height) / 2 + box.height * random.uniform(-0.08...0.08)
        let (left, top) = (max(0, x), max(0, y))
        return Box(
            x: left, y: top, width: min(Double(side), x + width) - left,
            height: min(Double(side), y + height) - top)
    }

    private func proposal(_ box: Box, _ score: Double) -> [Double] {
        [box.x, box.y, box.width, box.height, score].map { ($0 * 100).rounded() / 100 }
    }
}
