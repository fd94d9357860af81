import Datasets
import Images

/// Everything that is said of scenes, in the records of the official files.
///
/// Every kind of text draws from streams of its own, so that one can change without the others.
struct SceneTexts {
    private static let captions = 3...5
    /// Captions drawn for an evaluation set in place of one that fits another of its images.
    private static let captionTries = 12
    private static let tries = 20
    private static let pairsOfSentence = 4

    private enum Stream: UInt64 {
        case captions = 1
        case questions, statements, references, pairs, detections
    }

    let options: SceneDataset.Options

    private func random(_ stream: Stream, _ id: Int) -> SeededGenerator {
        SeededGenerator(options.seed, 100 + stream.rawValue, UInt64(id))
    }

    private func wording(_ stream: Stream, _ id: Int) -> Wording {
        Wording(random: random(stream, id))
    }

    // MARK: Captions

    /// Captions of each image. Those of an evaluation set avoid captions that also fit another image
    /// of the set.
    func captions(of images: [SceneImage], isDistinct: Bool) -> [[Caption]] {
        let scenes = images.map(\.scene)
        return images.enumerated().map { index, image in
            var writer = CaptionWriter(wording: wording(.captions, image.id))
            let count =
                writer.wording.random.index(below: Self.captions.count)
                + Self.captions.lowerBound
            return (0..<count).map { _ in
                var caption = writer.caption(of: image.scene)
                guard isDistinct else { return caption }
                for _ in 1..<Self.captionTries
                where Self.fitsAnother(caption, than: index, of: scenes) {
                    caption = writer.caption(of: image.scene)
                }
                return caption
            }
        }
    }

    /// Whether a caption of one scene may be true of another.
    static func fitsAnother(_ caption: Caption, than own: Int, of scenes: [Scene]) -> Bool {
        scenes.indices.contains { $0 != own && caption.claims.holds(in: scenes[$0]) != false }
    }

    // MARK: Questions

    /// A question of each kind about each image.
    func questions(about images: [SceneImage]) -> [(image: SceneImage, question: SceneQuestion)] {
        images.flatMap { image in
            var writer = QuestionWriter(wording: wording(.questions, image.id))
            return SceneQuestion.Kind.allCases.compactMap { kind in
                for _ in 0..<Self.tries {
                    if let question = writer.question(kind, about: image.scene) {
                        return (image, question)
                    }
                }
                return nil
            }
        }
    }

    // MARK: Entailment

    /// A sentence of each label about each JPEG image; the official files leave the extension out.
    func statements(about images: [SceneImage]) -> [EntailmentRecord] {
        images.filter { $0.path.hasSuffix(".jpg") }.flatMap { image in
            var writer = StatementWriter(wording: wording(.statements, image.id))
            return EntailmentLabel.allCases.compactMap { label in
                for _ in 0..<Self.tries {
                    if let sentence = writer.sentence(label, about: image.scene) {
                        return EntailmentRecord(
                            image: String(image.path.dropLast(".jpg".count)), sentence: sentence,
                            label: label, concepts: image.concepts)
                    }
                }
                return nil
            }
        }
    }

    // MARK: Pairs

    /// Sentences about pairs of images, each with as many true as false pairs.
    func pairs(of images: [SceneImage], named name: String) -> [PairRecord] {
        guard images.count >= 2 else { return [] }
        return (0..<images.count / 2).flatMap { number -> [PairRecord] in
            var writer = PairWriter(wording: wording(.pairs, images[number].id))
            func pair() -> (SceneImage, SceneImage) {
                let left = writer.wording.random.index(below: images.count)
                let step = 1 + writer.wording.random.index(below: images.count - 1)
                return (images[left], images[(left + step) % images.count])
            }
            let first = pair()
            let statement = writer.statement(left: first.0.scene, right: first.1.scene)
            var found: [Bool: [(SceneImage, SceneImage)]] = [:]
            let wanted = Self.pairsOfSentence / 2
            for attempt in 0..<400 {
                let (left, right) = attempt == 0 ? first : pair()
                guard let isTrue = statement.holds(left: left.scene, right: right.scene),
                    found[isTrue, default: []].count < wanted
                else { continue }
                found[isTrue, default: []].append((left, right))
                if found[true]?.count == wanted, found[false]?.count == wanted { break }
            }
            let count = min(found[true]?.count ?? 0, found[false]?.count ?? 0)
            let chosen = [true, false].flatMap { isTrue in
                (found[isTrue] ?? []).prefix(count).map { (isTrue, $0) }
            }
            return chosen.enumerated().map { index, example in
                let (isTrue, (left, right)) = example
                return PairRecord(
                    images: [left.path, right.path], sentence: statement.text, isTrue: isTrue,
                    leftConcepts: left.concepts, rightConcepts: right.concepts,
                    identifier: "\(name)-\(number)-0-\(index)")
            }
        }
    }

    // MARK: References

    /// Phrases for the objects that looks alone tell apart.
    func references(in images: [SceneImage]) -> [(
        image: SceneImage, object: Int, phrases: [String]
    )] {
        images.flatMap { image in
            var writer = ReferenceWriter(wording: wording(.references, image.id))
            return image.scene.objects.indices.compactMap { index in
                let phrases = writer.phrases(for: image.scene.objects[index], in: image.scene)
                return phrases.isEmpty ? nil : (image, index, phrases)
            }
        }
    }

    /// What a detector proposes in an image.
    func detections(in image: SceneImage) -> [[Double]] {
        var random = random(.detections, image.id)
        return DetectionSampler(side: options.side).detections(of: image.boxes, using: &random)
    }
}
